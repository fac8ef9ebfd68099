"""A session that follows its client to another gateway process of the same gateway.

Strategy: a process that has not the session it is asked for asks the others, by the supervisor's channel. The one that
has it closes its socket, sends the session as it is, and passes on what still comes for it: answers of requests that
run there, and what handlers send. One ask, one answer each; who does not answer in time is not waited for, and the
client is told.

A session with subscriptions is asked for twice: where it is to go on these begin before they end where it was, so
nothing that is published meanwhile is missed.
"""

import asyncio
import itertools
import os
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

import msgspec

from routewright.gateway.errors import Fault, error_frame
from routewright.gateway.session.saved import Claim, Saved, decode, encode, given_up, not_theirs
from routewright.gateway.session.session import Session
from routewright.table.frames import Id

if TYPE_CHECKING:
    from routewright.gateway.session.sessions import Sessions

PATIENCE = 2.0
"""Seconds that the others have to answer."""

LOADING = 30.0
"""Seconds that one of them may take where it has yet to take in what was stored."""

REMEMBERED = 4096
"""Sessions of which it is known to whom they went on, and questions that wait for what was stored."""

_ABOUT = "sessions"


class Wanted(msgspec.Struct, tag=1):
    """Who has the session that this hash of a token opens? After ``until`` (of the wall clock: both processes are on
    one machine) nobody waits for it any more. ``subscribed``: its subscriptions have begun there already."""

    ask: int
    token: bytes
    claim: Claim
    until: float
    subscribed: bool = False


class Answer(msgspec.Struct, tag=2):
    """``saved`` is the session, ``reason`` why it is not to be had, ``topics`` what it has subscribed to, where others
    see it as ``member``: ask again as soon as that has begun there. ``moved`` is the number of the process that it has
    gone to, ``wait`` says that the answer comes when this process has taken in what was stored. Nothing of these: it is
    not here."""

    ask: int
    saved: bytes | None = None
    reason: str | None = None
    topics: list[str] = []
    member: str = ""
    moved: int | None = None
    wait: bool = False


class Answered(msgspec.Struct, tag=3):
    """A request that was running when the session was handed over has this answer, or part of it."""

    public: str
    id: Id
    frame: bytes
    final: bool


class Sent(msgspec.Struct, tag=4):
    """A frame for the client of a session that was handed over."""

    public: str
    frame: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Wanted | Answer | Answered | Sent).decode


class _Guest:
    """A session that came from ``origin``, where the requests ``ids`` still run. Until it stands here, what is passed
    on waits in ``early``."""

    __slots__ = ("early", "ids", "origin", "session")

    def __init__(self, origin: int, ids: set[Id]) -> None:
        self.origin = origin
        self.ids = ids
        self.session: Session | None = None
        self.early: list[Answered | Sent] = []


class _Ask:
    """A question that is open: its answer, and how many have still to give theirs. ``session`` collects meanwhile."""

    __slots__ = ("left", "outcome", "patience", "session", "wanted")

    def __init__(self, wanted: Wanted, session: Session, others: int) -> None:
        self.wanted = wanted
        self.session = session
        self.left = others
        self.patience = asyncio.timeout(PATIENCE)
        self.outcome: asyncio.Future[Saved | str | None] = asyncio.get_running_loop().create_future()


class Handover:
    """Both ends of it, for one process. ``others`` is how many other gateway processes there are; ``loading`` says that
    sessions that were stored are still to be taken in."""

    def __init__(self, sessions: "Sessions") -> None:
        self.sessions = sessions
        self.others = 0
        self.loading = False
        self._numbers = itertools.count(1)
        self._asks: dict[int, _Ask] = {}
        self._guests: dict[str, _Guest] = {}
        self._gone: OrderedDict[str, int] = OrderedDict()
        self._moved: OrderedDict[bytes, int] = OrderedDict()
        self._later: deque[tuple[int, Wanted]] = deque(maxlen=REMEMBERED)
        sessions.gateway.relayed[_ABOUT] = self._received

    @property
    def asking(self) -> bool:
        """Whether a session is looked for."""
        return bool(self._asks)

    def loaded(self) -> None:
        """What was stored is here: who has asked meanwhile gets an answer."""
        self.loading = False
        for source, wanted in self._later:
            self._tell(self._found(source, wanted), source)
        self._later.clear()

    async def ask(self, session: Session, token: bytes) -> Saved | str | None:
        """A session from one of the others; or why it is not to be had; or ``None`` if nobody knows it. What is
        published meanwhile on its topics is for the ``session`` that is to go on with it."""
        number = next(self._numbers)
        wanted = Wanted(number, token, Claim.of(session.info), time.time() + PATIENCE)
        ask = self._asks[number] = _Ask(wanted, session, self.others)
        self._tell(wanted)
        try:
            async with ask.patience:
                return await ask.outcome
        except TimeoutError:
            return "unreachable"
        finally:
            del self._asks[number]

    def arrived(self, session: Session) -> None:
        """A session that was begun elsewhere stands here now; what runs for it goes on where it came from, or not at
        all."""
        guest = self._guests.get(session.public)
        if guest is None:
            given_up(session)
            return
        guest.session = session
        early, guest.early = guest.early, []
        for message in early:
            self._passed_on(message)

    def dismissed(self, saved: Saved) -> None:
        """A session that was asked for does not fit here any more."""
        self._guests.pop(saved.public, None)

    def answered(self, session: Session, id: Id, frame: bytes, final: bool) -> None:
        """Pass on an answer for a session that is elsewhere."""
        self._tell(Answered(session.public, id, frame, final), session.elsewhere)

    def sent(self, session: Session, frame: bytes) -> None:
        """Pass on a frame for a session that is elsewhere."""
        self._tell(Sent(session.public, frame), session.elsewhere)

    def ended_here(self, session: Session) -> None:
        """A session has ended in this process."""
        guest = self._guests.get(session.public)
        if guest is not None and guest.session is session:
            del self._guests[session.public]

    def ended(self, process: int) -> None:
        """Another process is gone, and with it the answers that were to come from there."""
        for guest in [guest for guest in self._guests.values() if guest.origin == process]:
            session = guest.session
            if session is None:
                continue
            for id in guest.ids:
                frame = error_frame(Fault("worker_lost", "the gateway process went away before it was answered", id))
                session.seen.answer(id, frame, True, session.gateway.clock())
                session.send_text(frame)
            guest.ids.clear()

    # From the others

    def _received(self, source: int, data: bytes) -> None:
        try:
            message = _decode(data)
        except msgspec.MsgspecError:
            return
        match message:
            case Wanted() if self.loading:
                self._later.append((source, msgspec.structs.replace(message, until=time.time() + LOADING)))
                self._tell(Answer(message.ask, wait=True), source)
            case Wanted():
                if any(ask.wanted.token == message.token and ask.outcome.done() for ask in self._asks.values()):
                    # it has just come, and stands here as soon as who asked for it has had his turn
                    asyncio.get_running_loop().call_soon(self._received, source, data)
                else:
                    self._tell(self._found(source, message), source)
            case Answer():
                self._settle(source, message)
            case _:
                self._passed_on(message)

    def _found(self, source: int, wanted: Wanted) -> Answer:
        session = self.sessions.tokens.get(wanted.token)
        if session is None or time.time() > wanted.until:
            return Answer(wanted.ask, reason=self.sessions.known(wanted.token), moved=self._moved.get(wanted.token))
        if (reason := not_theirs(session, wanted.claim)) is not None:
            return Answer(wanted.ask, reason=reason)
        events = self.sessions.gateway.events
        topics = events.topics.names(session)
        if topics and not wanted.subscribed:
            return Answer(wanted.ask, topics=list(topics), member=events.name(session))
        self._gone[session.public] = source
        self._moved.update(dict.fromkeys(session.tokens.valid, source))
        for known in (self._gone, self._moved):
            while len(known) > REMEMBERED:
                known.popitem(last=False)
        return Answer(wanted.ask, encode(self.sessions.hand_over(session, source)))

    def _settle(self, source: int, answer: Answer) -> None:
        saved = decode(answer.saved) if answer.saved is not None else None
        ask = self._asks.get(answer.ask)
        if ask is None or ask.outcome.done():
            if saved is not None:
                # too late for the client that asked; it may ask again
                self.sessions.restart.collect(saved)
            return
        if answer.wait:
            ask.patience.reschedule(asyncio.get_running_loop().time() + LOADING)
            return
        if answer.moved is not None and answer.moved != os.getpid():
            self._tell(ask.wanted, answer.moved)
            return
        if answer.topics:
            self.sessions.gateway.events.go_on(ask.session, answer.topics, answer.member)
            self._tell(msgspec.structs.replace(ask.wanted, subscribed=True), source)
            return
        if saved is not None:
            self._gone.pop(saved.public, None)
            for token in saved.tokens:
                self._moved.pop(token, None)
            self._guests[saved.public] = _Guest(source, set(saved.running))
        ask.left -= 1
        outcome = saved or answer.reason
        if outcome is not None or not ask.left:
            ask.outcome.set_result(outcome)

    def _passed_on(self, message: Answered | Sent) -> None:
        guest = self._guests.get(message.public)
        if guest is None:
            if (process := self._gone.get(message.public)) is not None:
                self._tell(message, process)
        elif (session := guest.session) is None:
            guest.early.append(message)
        elif isinstance(message, Sent):
            session.send_text(message.frame)
        else:
            if message.final:
                guest.ids.discard(message.id)
            session.seen.answer(message.id, message.frame, message.final, session.gateway.clock())

    def _tell(self, message: Wanted | Answer | Answered | Sent, process: int | None = None) -> None:
        self.sessions.gateway.relay(_ABOUT, _encode(message), process)
