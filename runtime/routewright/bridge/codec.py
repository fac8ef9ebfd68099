"""The bridge protocol, version 1: what travels between the gateway and a worker.

Strategy: sans-IO. One ZeroMQ message is one *batch*: a msgpack array of messages. A message is itself a msgpack array
whose first element is its kind (a small integer, the ``tag`` below) and whose further elements are the fields in the
order of the class. Trailing fields that have a default may be left out, and unknown trailing fields are ignored, so a
later version can add some. Text is UTF-8; payloads are ``bin`` and hold the client's JSON exactly as it came.

docs/bridge-protocol.md describes it for other languages, with test vectors.

Who sends what (G the gateway, W the worker):

========== ==== =====================================================================================
kind       from meaning
========== ==== =====================================================================================
Hello      W    first message of a connection: who I am and which contract I was built for
Ready      G    accepted; requests may come from now on
Refused    G    not accepted, and why; the worker should leave
Open       G    a session that this worker will see requests of
Closed     G    that session is over: cancel what runs for it
Request    G    a client's frame for a handler
Reply      both a frame that answers a request (W) or a call (G)
Error      both the request or call failed
Cancel     both the answer to this correlation is no longer wanted
Push       W    a frame for one session
Publish    W    a frame for every session that is subscribed to a topic
Call       W    a request to a handler of another route
Close      W    close that session's connection
Heartbeat  both nothing to say, but alive
Goodbye    both W: send me no more; G: I will not, leave when you are done
Subscribe  W    the topics whose events I want to handle
Event      G    such an event, answered like a request
Invalidate W    forget kept replies of a route
========== ==== =====================================================================================
"""

from typing import Any, Final, TypeAlias

import msgspec

VERSION: Final = 1
"""The protocol version that `Hello` carries."""

HEARTBEAT: Final = 1.0
"""Seconds of silence after which either side sends a `Heartbeat`."""

DEAD: Final = 10.0
"""Seconds of silence after which the other side is taken for lost."""


class Message(msgspec.Struct, array_like=True, tag_field="kind", gc=False):
    """What all kinds have in common: one msgpack array, its kind first."""


class Hello(Message, tag=1):
    """``name`` is the Python module or the worker's name; ``digest`` that of its `routewright.table.Pool`;
    ``capacity`` how many requests may be unanswered at a time (the gateway's credits); ``process`` an operating
    system process number, 0 where there is none; ``sessions``: it wants to hear of every session as soon as it opens
    (it has connect or disconnect handlers), not only before the session's first request. With ``route`` it asks to
    answer a route that the spec does not name, see `routewright.table.dynamic.Claim`; ``token`` then says that it may,
    where the gateway wants one."""

    version: int
    name: str
    digest: str
    language: str
    capacity: int = 2048
    process: int = 0
    sessions: bool = True
    route: dict[str, Any] | None = None
    token: str = ""


class Ready(Message, tag=2):
    """``heartbeat`` and ``dead`` are seconds: how often to speak at least, and when to give up."""

    heartbeat: float = HEARTBEAT
    dead: float = DEAD


class Refused(Message, tag=3):
    reason: str


class Open(Message, tag=4):
    """``fresh`` is true for the one worker that runs the route's connect handlers; ``principal`` is whatever
    authentication found out, or ``None``. Sent again for a session that the worker knows, it brings another
    ``principal``, and nothing else changes."""

    session: int
    route: str
    path: str = ""
    parameters: dict[str, Any] = {}
    principal: dict[str, Any] | None = None
    address: str = ""
    fresh: bool = False


class Closed(Message, tag=5):
    session: int
    code: int = 1000


class Request(Message, tag=6):
    """``frame`` is the client's whole frame: for ``framing: message`` the JSON envelope, for ``framing: raw`` the
    bytes, ``binary`` telling which kind of frame they came in. ``deadline`` is the time left, in milliseconds, when
    it was sent. A call from another handler comes in a session of its own, opened for it and closed after it."""

    correlation: int
    session: int
    type: str
    deadline: int
    frame: bytes
    binary: bool = False


class Reply(Message, tag=7):
    """``frame`` goes to the client as it is (``None``: nothing to send). Every request is answered by exactly one
    `Reply` whose ``final`` is true, or one `Error`; parts of a stream come before, with ``final`` false."""

    correlation: int
    frame: bytes | None = None
    final: bool = True
    binary: bool = False


class Error(Message, tag=8):
    """``code`` is one of the codes that clients know; ``retry_after`` seconds, 0 where it does not apply."""

    correlation: int
    code: str
    message: str
    retryable: bool = False
    retry_after: float = 0.0
    path: str = ""


class Cancel(Message, tag=9):
    correlation: int


class Push(Message, tag=10):
    session: int
    frame: bytes
    binary: bool = False


class Publish(Message, tag=11):
    """``topic`` is a route's name: everyone on it; or the name of a topic: whoever has subscribed to it. A worker sends
    it to every gateway, and has one of them ``hand_on`` an event of a topic to the workers that handle it."""

    topic: str
    frame: bytes
    binary: bool = False
    hand_on: bool = False


class Call(Message, tag=12):
    """``correlation`` is the calling worker's own; ``session`` the one it acts for (0: none)."""

    correlation: int
    route: str
    deadline: int
    frame: bytes
    session: int = 0


class Close(Message, tag=13):
    session: int
    code: int = 1000
    reason: str = ""


class Heartbeat(Message, tag=14):
    """``echo``: where it is not 0, the worker gives this heartbeat back when all that came before it is done."""

    echo: int = 0


class Goodbye(Message, tag=15):
    pass


class Subscribe(Message, tag=16):
    """``topics`` are names and patterns (``jobs.*``): all that this worker handles, whatever it has said before."""

    topics: list[str]


class Event(Message, tag=17):
    """``frame`` was published on ``topic``; ``pattern`` is which of the worker's names and patterns is to handle it:
    each of them gets it once, in one of all workers that share a name. Answered like a request, by a `Reply` without a
    frame or an `Error`; ``deadline`` is the time left, in milliseconds."""

    correlation: int
    pattern: str
    topic: str
    deadline: int
    frame: bytes


class Invalidate(Message, tag=18):
    """``type`` is a message's name (``""``: every message of the route). With a ``frame``, a client's envelope of that
    type, only the replies to its payload are meant. A worker may name any route."""

    route: str
    type: str = ""
    frame: bytes | None = None


FromWorker: TypeAlias = (
    Hello | Reply | Error | Cancel | Push | Publish | Call | Close | Heartbeat | Goodbye | Subscribe | Invalidate
)
FromGateway: TypeAlias = (
    Ready | Refused | Open | Closed | Request | Reply | Error | Cancel | Heartbeat | Goodbye | Event
)


class CodecError(Exception):
    """A batch that is not of this protocol."""


_encode = msgspec.msgpack.Encoder().encode
_from_worker = msgspec.msgpack.Decoder(list[FromWorker]).decode
_from_gateway = msgspec.msgpack.Decoder(list[FromGateway]).decode


def encode(batch: "list[Any]") -> bytes:
    """The bytes of one ZeroMQ message that carries these messages, in their order."""
    return _encode(batch)


def decode_from_worker(data: bytes) -> list[FromWorker]:
    """What a worker sent.

    Raises:
        CodecError: it is not a batch, or holds a kind that a worker does not send.
    """
    try:
        return _from_worker(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CodecError(str(error)) from error


def decode_from_gateway(data: bytes) -> list[FromGateway]:
    """What the gateway sent.

    Raises:
        CodecError: it is not a batch, or holds a kind that the gateway does not send.
    """
    try:
        return _from_gateway(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CodecError(str(error)) from error
