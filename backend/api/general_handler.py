"""``/ws``: says which routes there are, and echoes whatever else it is sent."""

from typing import Any, Final

from generated.table import table
from routewright.handlers import on
from routewright.table.discovery import describe

DESCRIPTION: Final = {"type": "description", "payload": describe(table)}


@on("describe")
async def tell(message: None) -> dict[str, Any]:
    """Answer with the discovery document."""
    return DESCRIPTION


@on.any
async def echo(envelope: dict[str, Any]) -> dict[str, Any]:
    """Send back a message of any other type."""
    return {"type": "echo", "payload": {"type": envelope["type"], "payload": envelope.get("payload")}}
