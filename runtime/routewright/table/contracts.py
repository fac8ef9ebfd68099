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
    routes: dict[str, _Route]
    definitions: dict[str, Any] = msgspec.field(name="$defs", default_factory=dict)


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

    def routes(self) -> dict[str, Contract]:
        """The contracts by the route's name; empty where the file belongs to another table, or is none of ours."""
        try:
            document = msgspec.json.decode(self._text, type=_Document)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return {}
        if document.spec != self._digest:
            return {}
        return {
            name: Contract(
                {key: Schema(each, document.definitions) for key, each in route.parameters.items()},
                {key: Schema(each, document.definitions) for key, each in route.messages.items()},
            )
            for name, route in document.routes.items()
        }
