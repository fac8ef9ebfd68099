"""The hooks: where a plugin may step in, and what it is given.

Strategy: these are pluggy hook specifications, so an implementation names only the arguments that it wants, in any
order, and pluggy checks the names when the plugin is loaded. Except where it says otherwise, an implementation may be
``def`` or ``async def``. Nothing is ever called through pluggy: `routewright.hooks.chains` builds plain tuples.
"""

from typing import TYPE_CHECKING, Any, Final

from pluggy import HookimplMarker, HookspecMarker

from routewright.hooks.values import Incoming, Outgoing, Reloaded, SessionInfo, UpgradeRequest
from routewright.table import Principal, Route, Table

if TYPE_CHECKING:
    from pathlib import Path

    import typer

PROJECT: Final = "routewright"
"""pluggy's project name, and the group of the entry points."""

hookspec = HookspecMarker(PROJECT)
hookimpl = HookimplMarker(PROJECT)


@hookspec(firstresult=True)
def routewright_settings() -> dict[str, Any] | None:
    """The JSON Schema (2020-12) that this plugin's settings must satisfy. Called when a table is loaded; not async."""


@hookspec(firstresult=True)
def routewright_prepare(settings: dict[str, Any], route: Route) -> Any:
    """What the route's other hooks get as ``settings``: compiled patterns, read key files. ``None``: the settings as
    they are. Called once per route when a table is loaded; raise ``ValueError`` for settings that cannot be; not
    async."""


@hookspec
def routewright_startup(table: Table) -> None:
    """The plugin goes into service: before the gateway listens, or after the reload that brought it. What it raises
    stops the start."""


@hookspec
def routewright_upgrade(request: UpgradeRequest, route: Route, settings: Any) -> None:
    """A client asks for a WebSocket; raise `Refusal` to answer with its HTTP status instead."""


@hookspec(firstresult=True)
def routewright_authenticate(request: UpgradeRequest, route: Route, settings: Any) -> Principal | None:
    """Who asks? The first answer that is not ``None`` wins; raise `Refusal` with status 401 or 403."""


@hookspec
def routewright_connect(session: SessionInfo, settings: Any) -> None:
    """The WebSocket is open and no message has been read. Raise `Refusal` to close it."""


@hookspec
def routewright_message(session: SessionInfo, message: Incoming, settings: Any) -> bytes | None:
    """A client's frame, valid and within its limits, before the handler. Bytes replace the frame and are validated
    again; raise `Refusal` to answer with an error frame."""


@hookspec
def routewright_reply(session: SessionInfo, reply: Outgoing, settings: Any) -> bytes | None:
    """A frame for the client: a reply, a part of a stream, an event. Bytes replace it."""


@hookspec
def routewright_subscribe(session: SessionInfo, topic: str, settings: Any) -> None:
    """A client asks for the events of a topic, as ``jobs.7``, or of all that a pattern reaches, as ``jobs.*``; the spec
    would let it. Raise `Refusal` to answer with an error frame."""


@hookspec
def routewright_disconnect(session: SessionInfo, code: int, settings: Any) -> None:
    """The connection is gone; ``code`` is its close code (1006: without a close frame)."""


@hookspec
def routewright_reload(report: Reloaded) -> None:
    """A reload is done, or was refused because of ``report.problems``."""


@hookspec
def routewright_shutdown() -> None:
    """The plugin goes out of service: the gateway stops, or newer code of the plugin has started."""


@hookspec(firstresult=True)
def routewright_emit(spec: Any) -> dict[str, str] | None:
    """Further files for ``generated/``, their text by their path below it. ``spec`` is a `routewright.spec.model.Spec`.
    Called where the spec names the plugin in ``x-emitters``, each time when it is compiled; not async."""


@hookspec(firstresult=True)
def routewright_templates() -> "Path | str | None":
    """A folder of Jinja2 templates, each of which makes one file below ``generated/``; a relative path is one below the
    project. Called as ``routewright_emit`` is; not async."""


@hookspec
def routewright_cli(app: "typer.Typer") -> None:
    """Add commands to ``routewright``. Not async."""
