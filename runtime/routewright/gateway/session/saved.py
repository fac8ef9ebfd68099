"""A session as it is put down: in the store over a restart, or on its way to another gateway process.

Strategy: plain values in msgpack. Nothing in it is code, and what does not decode is no session. Monotonic clocks mean
nothing elsewhere, so times travel as ages, beside the wall clock's time at which they were right.
"""

import time

import msgspec

from routewright.gateway.errors import Fault, error_frame
from routewright.gateway.session.buffer import Buffer
from routewright.gateway.session.seen import Seen
from routewright.gateway.session.session import Session
from routewright.hooks import SessionInfo
from routewright.table.frames import Id
from routewright.table.policy import Delivery

VERSION = 1
"""Of the fields below; another one is not read."""


NOT_THEIRS = frozenset({"wrong_principal", "wrong_route"})
"""Reasons that leave the session to whoever it belongs to."""


class Claim(msgspec.Struct, frozen=True):
    """Whose a session is, and where: who comes back must say the same. ``principal`` ``None`` is anybody who has the
    token; ``parameters`` are the path's."""

    principal: str | None
    route: str
    parameters: str

    @classmethod
    def of(cls, info: SessionInfo) -> "Claim":
        """What a connection may claim."""
        principal = None if info.principal is None else info.principal.id
        return cls(principal, info.route.name, msgspec.json.encode(info.parameters, order="sorted").decode())


def not_theirs(session: Session, claim: Claim) -> str | None:
    """Why a session does not belong to whoever claims it."""
    own = Claim.of(session.info)
    if own == claim:
        return None
    return "wrong_route" if own.principal == claim.principal else "wrong_principal"


class Saved(msgspec.Struct, kw_only=True):
    """A session that nobody holds.

    Attributes:
        tokens: hashes of the tokens that open it.
        contract: digest of what its route's handler sees; another contract is another session.
        last: number of the last frame; ``frames`` are those that are kept, each with its age in seconds.
        answered: ids, each with its answer's frames (none: it was too large to be kept) and its age.
        topics: what it has subscribed to.
        member: what others who are there call it.
        running: ids whose answers another gateway process still waits for.
        away: seconds since its client left.
        at: wall clock.
    """

    version: int = VERSION
    public: str
    tokens: list[bytes]
    claim: Claim
    contract: str
    bounds: Delivery
    last: int
    frames: list[tuple[float, bytes]]
    answered: list[tuple[Id, list[bytes], float]]
    running: list[Id]
    topics: list[str]
    member: str = ""
    away: float
    at: float

    @property
    def left(self) -> float:
        """Seconds for which it may still be resumed."""
        return self.bounds.window - self.away - max(0.0, time.time() - self.at)


encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Saved).decode


def decode(data: bytes) -> Saved | None:
    """What `encode` made; ``None`` if it is nothing of this version."""
    try:
        saved = _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return saved if saved.version == VERSION else None


def snapshot(session: Session) -> Saved:
    """A session as it is now. It should change no more where it is."""
    now = session.gateway.clock()
    return Saved(
        public=session.public,
        tokens=list(session.tokens.valid),
        claim=Claim.of(session.info),
        contract=session.endpoint.route.contract,
        bounds=session.buffer.bounds,
        last=session.buffer.last,
        frames=session.buffer.ages(now),
        answered=[(id, answer.frames, now - answer.at) for id, answer in session.seen.answered.items()],
        running=session.seen.running,
        topics=sorted(session.gateway.events.topics.names(session)),
        member=session.gateway.events.name(session),
        away=session.buffer.bounds.window - session.left(now),
        at=time.time(),
    )


def restore(saved: Saved, session: Session, *, known: bool = False) -> None:
    """Make a new session go on where a saved one stopped; ``known``: those who are on its topics have not been told
    that it had left."""
    now = session.gateway.clock()
    passed = max(0.0, time.time() - saved.at)
    bounds = session.endpoint.route.delivery or saved.bounds
    session.buffer = Buffer.of(bounds, saved.last, [(age + passed, frame) for age, frame in saved.frames], now)
    session.public = saved.public
    session.seen = Seen(bounds)
    for id, frames, age in saved.answered:
        session.seen.keep(id, frames, age + passed, now)
    for id in saved.running:
        session.seen.begin(id)
    session.gateway.events.go_on(session, saved.topics, saved.member, known=known)


def given_up(session: Session) -> None:
    """Answer what has no answer yet, and will get none here, so that the client is told."""
    for id in session.seen.running:
        fault = Fault("worker_lost", "the gateway restarted before it was answered", id)
        frame = error_frame(fault)
        session.seen.answer(id, frame, True, session.gateway.clock())
        session.send_text(frame)
