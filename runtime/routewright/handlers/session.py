"""A client's connection as its handlers see it."""

from typing import TYPE_CHECKING, Any

from routewright.bridge.codec import Close, Push
from routewright.table import Principal

if TYPE_CHECKING:
    from collections import deque

    from routewright.handlers.dispatch import Dispatch
    from routewright.handlers.errors import HandlerError
    from routewright.handlers.plan import Plan, RoutePlan
    from routewright.handlers.running import Running

REASON = 123
"""Bytes that the reason of a WebSocket close may have."""


class Session:
    """One client on one route, from its connection to its end. It may be kept and used outside of a request.

    Attributes:
        id: unique among the sessions of one gateway process. A call from another handler comes in one of its own.
        path: as the client asked for it.
        parameters: the path's parameters, converted to the types that the spec gives them.
        principal: who the client is, ``None`` where the route asks for no authentication.
        address: the client's address.
        state: the handlers' own; lives as long as the session.
        closed: the session is over.
    """

    __slots__ = (
        "__weakref__",
        "_connected",
        "_dispatch",
        "_other",
        "_plan",
        "_plans",
        "_queue",
        "_refusal",
        "_running",
        "address",
        "closed",
        "id",
        "parameters",
        "path",
        "principal",
        "state",
    )

    def __init__(
        self,
        id: int,
        plan: "RoutePlan",
        dispatch: "Dispatch",
        *,
        path: str = "",
        parameters: dict[str, Any] | None = None,
        principal: Principal | None = None,
        address: str = "",
    ) -> None:
        self.id = id
        self.path = path
        self.parameters = parameters or {}
        self.principal = principal
        self.address = address
        self.state: dict[str, Any] = {}
        self.closed = False
        self._plan = plan
        self._plans: dict[str, Plan] = plan.messages
        self._other: Plan | None = plan.other
        self._dispatch = dispatch
        self._connected = False
        self._refusal: HandlerError | None = None
        self._queue: deque[Running] | None = None
        self._running: dict[int, Running] = {}

    def __repr__(self) -> str:
        return f"<Session {self.id} of {self.route}{' closed' if self.closed else ''}>"

    @property
    def route(self) -> str:
        """The route's name."""
        return self._plan.route.name

    def send(self, message: Any) -> None:
        """Push an event to this client: a model, an envelope dict, or on a raw route ``str`` or ``bytes``. May be
        called from any thread. Once the session is closed it does nothing.

        Raises:
            ValueError: the route declares no such message.
        """
        frame, binary = self._plan.outgoing.encode(message)
        if not self.closed:
            self._dispatch.put(Push(self.id, frame, binary))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection with a WebSocket close code (1000, or 3000 to 4999) and a reason (cut to 123 bytes).

        Raises:
            ValueError: the code is not one that an application may send.
        """
        if code != 1000 and not 3000 <= code <= 4999:
            raise ValueError(f"{code} is no close code of an application: use 1000, or 3000 to 4999")
        if not self.closed:
            self._close(code, reason)

    def _close(self, code: int, reason: str) -> None:
        short = reason.encode(errors="replace")[:REASON].decode(errors="ignore")
        self._dispatch.put(Close(self.id, code, short))
