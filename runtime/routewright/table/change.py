"""What a new table does to the connections of an old one."""

from typing import Literal

from routewright.table.route import Route

Change = Literal["unchanged", "compatible", "incompatible"]


def classify(old: Route, new: Route) -> Change:
    """How a route has changed for the clients that are connected to it.

    Compatible: whatever a client of the old route sends or understands still means the same, so policies, handlers and
    further messages may have changed. Incompatible: framing, openness, path parameters or the shape of a message the
    old route had.
    """
    if old.digest == new.digest:
        return "unchanged"
    messages = {message.name: message.digest for message in new.messages}
    if (
        old.framing != new.framing
        or (old.open and not new.open)
        or old.parameters != new.parameters
        or any(messages.get(message.name) != message.digest for message in old.messages)
    ):
        return "incompatible"
    return "compatible"
