"""An event as its handler sees it: published by whomever, with no client behind it."""

from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import msgspec

from routewright.handlers.session import Session

if TYPE_CHECKING:
    from routewright.handlers.dispatch import Dispatch
    from routewright.handlers.plan import RoutePlan


class Published(NamedTuple):
    """What was published, and where: the name of the ``topic`` and the ``type`` of the message."""

    topic: str
    type: str


class _Head(msgspec.Struct):
    type: str


_decode = msgspec.json.Decoder(_Head).decode


def type_of(frame: bytes) -> str:
    """The type of an envelope; ``""`` where it is none."""
    try:
        return _decode(frame).type
    except msgspec.MsgspecError:
        return ""


class EventSession(Session):
    """What stands in the place of a session: its ``parameters`` are what fills the topic's placeholders."""

    __slots__ = ("event",)

    def __init__(
        self, event: Published, plan: "RoutePlan", dispatch: "Dispatch", *, parameters: dict[str, Any]
    ) -> None:
        super().__init__(0, plan, dispatch, parameters=parameters)
        self.event = event

    def send(self, message: Any) -> NoReturn:
        """Raises ValueError: there is nobody to send it to."""
        raise ValueError("an event has no client to send to: publish on a topic, or call another route")

    def close(self, code: int = 1000, reason: str = "") -> NoReturn:
        """Raises ValueError: there is nothing to close."""
        raise ValueError("an event has no client whose connection could be closed")
