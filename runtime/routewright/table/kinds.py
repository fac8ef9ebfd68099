"""What a change of a route is, and whom it concerns."""

from typing import Literal

import msgspec

Kind = Literal["breaking for clients", "breaking for handlers", "compatible", "policy only"]

CLIENTS: Kind = "breaking for clients"
HANDLERS: Kind = "breaking for handlers"
COMPATIBLE: Kind = "compatible"
POLICY: Kind = "policy only"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change.

    Attributes:
        what: has changed, as ``payload.depth: maximum was 10, is 5``.
        reason: why it is of its kind, one sentence.
        message: the message that it is about, ``""`` for the route itself.
        steps: where it stands below the route in the spec, as keys: ``("messages", "ask", "payload")``.
        gone: it stands in the old spec only.
        ends: connections that are open cannot go on with it.
    """

    kind: Kind
    what: str
    reason: str
    message: str = ""
    steps: tuple[str, ...] = ()
    gone: bool = False
    ends: bool = False
