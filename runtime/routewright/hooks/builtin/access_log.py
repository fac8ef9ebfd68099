"""``access_log``: one JSON object a line for every upgrade, connect, disconnect and reload, and for the start.

Settings: ``file``, a path from the gateway's working folder; without it standard error.

Paths are logged without their query, and of the headers only ``User-Agent`` and ``Origin``: a token that a client sends
is in neither.
"""

import time
from datetime import datetime
from typing import Any, Final

import msgspec

from routewright.hooks.lines import LineWriter, cut, now, writer
from routewright.hooks.specs import hookimpl
from routewright.hooks.values import Reloaded, SessionInfo, UpgradeRequest
from routewright.table import Route, Table

KEY: Final = "access_log"

_writers: set[LineWriter] = set()


class Line(msgspec.Struct, tag_field="event", tag=str.lower, kw_only=True, omit_defaults=True):
    """What all lines have; ``event`` is the class's name."""

    time: datetime


class Startup(Line):
    digest: str
    routes: int


class Upgrade(Line):
    route: str
    method: str
    path: str
    address: str
    secure: bool
    agent: str = ""
    origin: str = ""


class Connect(Line):
    session: int
    route: str
    path: str
    address: str
    principal: str | None = None


class Disconnect(Line):
    session: int
    route: str
    code: int
    seconds: float
    principal: str | None = None


class Reload(Line):
    epoch: int
    digest: str
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    problems: int = 0


@hookimpl
def routewright_settings() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"file": {"type": "string", "minLength": 1}},
        "additionalProperties": False,
    }


@hookimpl
def routewright_prepare(settings: dict[str, Any]) -> LineWriter:
    lines = writer(settings.get("file"))
    _writers.add(lines)
    return lines


@hookimpl
def routewright_startup(table: Table) -> None:
    for lines in _writers:
        lines.write(Startup(time=now(), digest=table.digest, routes=len(table.routes)))


@hookimpl
def routewright_upgrade(request: UpgradeRequest, route: Route, settings: LineWriter) -> None:
    settings.write(
        Upgrade(
            time=now(),
            route=route.name,
            method=cut(request.method),
            path=cut(request.path),
            address=cut(request.address),
            secure=request.secure,
            agent=cut(request.headers.get("User-Agent", "")),
            origin=cut(request.headers.get("Origin", "")),
        )
    )


@hookimpl
def routewright_connect(session: SessionInfo, settings: LineWriter) -> None:
    session.state[KEY] = time.monotonic()
    settings.write(
        Connect(
            time=now(),
            session=session.id,
            route=session.route.name,
            path=cut(session.path),
            address=cut(session.address),
            principal=_principal(session),
        )
    )


@hookimpl
def routewright_disconnect(session: SessionInfo, code: int, settings: LineWriter) -> None:
    connected = session.state.get(KEY, time.monotonic())
    settings.write(
        Disconnect(
            time=now(),
            session=session.id,
            route=session.route.name,
            code=code,
            seconds=round(time.monotonic() - connected, 3),
            principal=_principal(session),
        )
    )


@hookimpl
def routewright_reload(report: Reloaded) -> None:
    for lines in _writers:
        lines.write(
            Reload(
                time=now(),
                epoch=report.epoch,
                digest=report.digest,
                changed=report.changed,
                added=report.added,
                removed=report.removed,
                problems=len(report.problems),
            )
        )


@hookimpl
def routewright_shutdown() -> None:
    for lines in _writers:
        lines.close()
    _writers.clear()


def _principal(session: SessionInfo) -> str | None:
    return None if session.principal is None else cut(session.principal.id)
