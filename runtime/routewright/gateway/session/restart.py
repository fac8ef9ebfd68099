"""Sessions over a restart of the gateway: put down together at its end, and collecting again from its beginning.

Strategy: a session that is to be kept goes on until nothing runs for anybody any more. Only then all are put down, in
one go, so that none misses what another one's request publishes; when the store has them their clients are sent away.
The next process takes them all before it listens, and each collects what comes for it until its client is back.
"""

import asyncio
from typing import TYPE_CHECKING

import msgspec

from routewright.gateway.session.saved import Saved, given_up, restore, snapshot
from routewright.gateway.session.session import Session
from routewright.gateway.socket import State
from routewright.hooks import SessionInfo
from routewright.policies.pace import Pace
from routewright.table import Principal

if TYPE_CHECKING:
    from routewright.gateway.session.reliable import ReliableConnection
    from routewright.gateway.session.sessions import Sessions

CODE = 1012
"""The close code after which a session is kept for the next process."""


class Restart:
    """Both ends of it, for one process.

    Attributes:
        leaving: sessions that are to be kept, as far as nothing runs for them any more.
        unclaimed: sessions of an earlier process whose client is not back yet. Handlers and plugins do not know them.
    """

    def __init__(self, sessions: "Sessions") -> None:
        self.sessions = sessions
        self.leaving: dict[Session, None] = {}
        self.unclaimed: set[Session] = set()

    # The end of a process

    def leave(self, session: Session) -> None:
        """Nothing runs for that session any more."""
        self.leaving[session] = None
        self.sessions.gateway.drain.wind_down()

    async def keep(self, seconds: float, pause: float) -> None:
        """Store all that are leaving, and send their clients away, with a pause after each, in so many seconds."""
        sessions, leaving = self.sessions, list(self.leaving)
        kept, sockets = list[Saved](), list["ReliableConnection"]()
        for session in leaving:
            session.forget_commands()
            given_up(session)
            # a session that was still looked for has no token, and is nobody's
            if session.tokens.valid:
                kept.append(snapshot(session))
                sessions.gateway.events.put_down(session)
            if session.socket is not None:
                sockets.append(session.socket)
                sessions.release(session)
            sessions.end(session, CODE, "ended")
        if kept:
            await sessions.store.save(kept)
        clock = sessions.gateway.clock
        pace = Pace(min(pause, seconds / (len(sockets) or 1)), clock())
        for socket in sockets:
            socket.close(CODE, "the gateway restarts")
            if wait := pace.step(clock()):
                await asyncio.sleep(wait)

    # The beginning of the next one

    async def bring(self) -> None:
        """Go on with every session that was kept."""
        handover = self.sessions.handover
        handover.loading = True
        for saved in await self.sessions.store.take_all():
            self.collect(saved, known=True)
        handover.loaded()

    def collect(self, saved: Saved, *, known: bool = False) -> None:
        """Go on with a session whose client is not here. One that does not fit here is ended, which its client is
        told; ``known`` as in `restore`."""
        sessions, gateway = self.sessions, self.sessions.gateway
        endpoint = gateway.endpoints.get(saved.claim.route)
        if not saved.tokens or endpoint is None or endpoint.retired or endpoint.route.contract != saved.contract:
            sessions.remember(saved.tokens, "route_changed")
            return
        claim = saved.claim
        info = SessionInfo(
            id=gateway.next_session(),
            route=endpoint.route,
            path=endpoint.route.path,
            parameters=msgspec.json.decode(claim.parameters),
            principal=None if claim.principal is None else Principal(id=claim.principal),
        )
        session = Session(gateway, endpoint, info, saved.public, saved.bounds)
        session.tokens.new, *before = saved.tokens
        session.tokens.old = before[0] if before else None
        gateway.enter(session)
        restore(saved, session, known=known)
        given_up(session)
        for token in session.tokens.valid:
            sessions.tokens[token] = session
        session.away_since = gateway.clock() - saved.bounds.window + saved.left
        sessions.away.add(session)
        self.unclaimed.add(session)

    def claimed(self, session: Session, socket: "ReliableConnection") -> bool:
        """The client is back: handlers and plugins see a new session. Whether these let it in."""
        if session not in self.unclaimed:
            return True
        self.unclaimed.discard(session)
        gateway, info, own = self.sessions.gateway, socket.info, session.info
        gateway.moved(session, info.address)
        own.path, own.parameters, own.state = info.path, info.parameters, info.state
        own.principal, own.expires = info.principal, info.expires
        gateway.expiries.set(session, info.expires)
        gateway.introduce(session)
        return session.state is State.OPEN

    def ended(self, session: Session) -> bool:
        """A session has ended; whether handlers and plugins knew it."""
        self.leaving.pop(session, None)
        known = session not in self.unclaimed
        self.unclaimed.discard(session)
        return known
