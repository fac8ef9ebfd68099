"""The schemas of a table's messages and path parameters: what `routewright.table.change` compares.

Strategy: they stand in ``generated/contracts.json``, which serving never needs. A gateway keeps its bytes, since the
next epoch writes over the file, and reads them only when a reload compares two routes.
"""

from pathlib import Path
from typing import Any, final

import msgspec

from routewright.table.schemas import Schema

FILE = "contracts.json"
"""The file's name below ``generated/``."""


class Contract(msgspec.Struct, frozen=True):
    """The schemas of one route: of its path parameters, and of those messages that have a payload."""

    parameters: dict[str, Schema] = {}
    payloads: dict[str, Schema] = {}


class _Route(msgspec.Struct, frozen=True):
    parameters: dict[str, Any] = {}
    messages: dict[str, Any] = {}


class _Document(msgspec.Struct, frozen=True):
    spec: str
    routes: dict[str, msgspec.Raw]
    definitions: msgspec.Raw = msgspec.field(name="$defs", default=msgspec.Raw(b"{}"))


@final
class Known:
    """Contracts of routes by name, each decoded when it is asked for."""

    def __init__(self, document: _Document | None = None) -> None:
        self._document = document
        self._definitions: dict[str, Any] | None = None

    def get(self, name: str) -> Contract | None:
        """The contract of a route, ``None`` where it is not known."""
        if self._document is None or name not in self._document.routes:
            return None
        try:
            route = msgspec.json.decode(self._document.routes[name], type=_Route)
            if self._definitions is None:
                self._definitions = msgspec.json.decode(self._document.definitions, type=dict[str, Any])
        except _ERRORS:
            return None
        return Contract(
            {key: Schema(each, self._definitions) for key, each in route.parameters.items()},
            {key: Schema(each, self._definitions) for key, each in route.messages.items()},
        )


_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


@final
class Contracts:
    """The contracts of all routes of one table.

    Args:
        text: of ``contracts.json``.
        digest: of the table that it has to belong to.
    """

    def __init__(self, text: bytes = b"", digest: str = "") -> None:
        self._text = text
        self._digest = digest

    @classmethod
    def read(cls, folder: Path, digest: str) -> "Contracts":
        """The contracts of the table of that digest in ``folder``; without the file there are none."""
        try:
            return cls((folder / FILE).read_bytes(), digest)
        except OSError:
            return cls()

    def routes(self) -> Known:
        """The contracts by the route's name; none where the file belongs to another table, or is none of ours."""
        try:
            document = msgspec.json.decode(self._text, type=_Document)
        except _ERRORS:
            return Known()
        return Known(document if document.spec == self._digest else None)
