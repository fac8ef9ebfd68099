"""What a handler is given besides its message."""

import math
import time
from typing import Any

import msgspec

from routewright.handlers.event import EventSession, Published
from routewright.handlers.session import Session
from routewright.table import Principal


class Context(msgspec.Struct, eq=False):
    """One request (or one run of a connect or disconnect handler).

    Attributes:
        session: the client's session.
        deadline: when the client is told ``timeout``, in seconds of the event loop's clock; infinity where there is no
            limit. Each part of a stream moves it.
        cancelled: the answer is no longer wanted. A coroutine is cancelled as well; a function in a thread has to
            look here.
    """

    session: Session
    deadline: float = math.inf
    cancelled: bool = False

    @property
    def route(self) -> str:
        """The route's name."""
        return self.session.route

    @property
    def parameters(self) -> dict[str, Any]:
        """The path's parameters; of an event what fills the placeholders of its topic."""
        return self.session.parameters

    @property
    def principal(self) -> Principal | None:
        """Who the client is."""
        return self.session.principal

    @property
    def event(self) -> Published | None:
        """What was published and where, in a handler of events; ``None`` in any other."""
        return self.session.event if isinstance(self.session, EventSession) else None

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; 0 when it has passed."""
        return max(0.0, self.deadline - time.monotonic())

    def send(self, message: Any) -> None:
        """Push an event to this client; see `Session.send`."""
        self.session.send(message)

    def publish(self, topic: str, message: Any) -> None:
        """Push an event to everyone who has subscribed to a topic (``jobs.7``), and to the handlers that listen to it;
        or, where ``topic`` is the name of a route, to every session of that. On all gateways.

        Raises:
            ValueError: there is no such topic or route, or it declares no such message.
        """
        self.session._dispatch.publish(topic, message)

    def invalidate(self, message: Any = None, payload: Any = msgspec.UNSET, *, route: str | None = None) -> None:
        """Forget replies that were kept by ``cache``, on all gateways: whoever the client was, and those that are under
        way as well. May be called from any thread.

        Args:
            message: the request whose replies are meant. A model (or an envelope dict with a payload): the replies to
                exactly this request. A model's class or a message's name: the replies to all of them, or to that
                ``payload``. ``None``: every reply of the route.
            route: the route's name; this one where it is left out.

        Raises:
            ValueError: there is no such route, or it takes no such message.
        """
        self.session._dispatch.service.invalidate(route or self.route, message, payload)

    async def call(self, route: str, message: Any) -> Any:
        """Ask the handler of another route, in whichever process and language it runs.

        Returns:
            the reply's payload: a model where it is declared as one; on an open route the envelope dict of an
            undeclared reply; ``str`` or ``bytes`` of a raw one; a list of these where the message declares a streamed
            reply; ``None`` where there was no reply.

        Raises:
            ValueError: there is no such route, or it takes no such message.
            HandlerError: the other handler failed, or this request's deadline has passed (``timeout``).
        """
        return await self.session._dispatch.calls.call(self, route, message)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close this client's connection; see `Session.close`."""
        self.session.close(code, reason)
