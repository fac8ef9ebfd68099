"""A silent client is asked for a sign of life, and given up without one."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routewright.gateway.heartbeat import LOOKS, Heartbeat
from routewright.gateway.socket import State
from tests.gateway.conftest import Serve
from tests.gateway.wire import PING, PONG, closing, frame, opened
from tests.served import Served, exchange

ECHO = """
from routewright.handlers import on

@on.any
async def echo(message):
    return message
"""


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    spec = {"gateway": {"heartbeat": "1s"}, "routes": [{"path": "/ws/echo", "pythonModule": "echo"}]}
    with serve(spec, {"echo.py": ECHO}) as served:
        yield served


async def test_a_peer_that_gives_no_sign_of_life_is_closed_with_4003(served: Served) -> None:
    async with opened(served, "/ws/echo") as dead:
        assert (await dead.frame()).opcode == PING
        closed = await dead.frame()
        assert (closed.code, closed.payload[2:]) == (4003, b"no sign of life")
    stats = await served.until(lambda stats: stats["connections"] == 0)
    assert sum(gateway["dead"] for gateway in stats["gateways"]) == 1


async def test_a_peer_that_answers_stays(served: Served) -> None:
    async with served.connect("/ws/echo", ping_interval=None) as other, opened(served, "/ws/echo") as quiet:
        for _ in range(3):
            ping = await quiet.frame()
            assert ping.opcode == PING
            quiet.send(frame(PONG, ping.payload))
        # what answers by itself, as browsers and libraries do, has stayed as well
        assert (await exchange(other, {"type": "hello"}))["type"] == "hello"
        quiet.send(closing(1000))
        assert (await quiet.frame()).code == 1000


class Peer(SimpleNamespace):
    """A socket of which only what a heartbeat looks at is there."""

    __hash__ = object.__hash__

    def __init__(self, now: float) -> None:
        super().__init__(
            now=now, pinged=0.0, state=State.OPEN, paused=False, stalled_since=None, pings=0, closed=None, at=0.0
        )

    def send(self, head: bytes, payload: bytes) -> None:
        self.pings += 1

    def close(self, code: int, reason: str) -> None:
        self.state = State.CLOSING
        self.closed = code


def watched(*peers: Peer) -> tuple[Heartbeat, Any]:
    sockets: Any = SimpleNamespace(open=set(peers), closing={})
    return Heartbeat(sockets), sockets


def pass_time(heartbeat: Heartbeat, start: float, seconds: float) -> None:
    now = start
    while now < start + seconds:
        now += 0.25
        heartbeat.tick(now, 10.0, 0.25)


def test_who_speaks_is_not_asked() -> None:
    peer = Peer(100.0)
    heartbeat, _ = watched(peer)
    for second in range(100, 200, 5):
        peer.now = float(second)
        pass_time(heartbeat, second, 5)
    assert (peer.pings, peer.closed) == (0, None)


def test_who_is_silent_is_asked_once_and_then_given_up() -> None:
    peer = Peer(100.0)
    heartbeat, sockets = watched(peer)
    pass_time(heartbeat, 100.0, 9.5)
    assert peer.pings == 0
    pass_time(heartbeat, 109.5, 2)
    assert (peer.pings, peer.closed) == (1, None)
    pass_time(heartbeat, 111.5, 11)
    assert (peer.pings, peer.closed, heartbeat.dead) == (1, 4003, 1)
    assert set(sockets.closing) == {peer}


@pytest.mark.parametrize("why", [{"paused": True}, {"stalled_since": 90.0}, {"state": State.CLOSING}])
def test_who_is_not_read_or_does_not_read_is_left_to_others(why: dict[str, Any]) -> None:
    peer = Peer(100.0)
    heartbeat, _ = watched(peer)
    pass_time(heartbeat, 100.0, 12)
    assert peer.pings == 1
    vars(peer).update(why)
    pass_time(heartbeat, 112.0, 60)
    assert (peer.pings, peer.closed) == (1, None)


@given(count=st.integers(1, 300), heartbeat=st.floats(1, 60))
def test_each_has_its_turn_and_a_tick_looks_at_its_share(count: int, heartbeat: float) -> None:
    looks = dict.fromkeys(range(count), 0)

    class Counted(Peer):
        def __getattribute__(self, name: str) -> Any:
            if name == "state":
                looks[vars(self)["number"]] += 1
            return super().__getattribute__(name)

    peers = []
    for number in range(count):
        peer = Counted(0.0)
        peer.number = number
        peers.append(peer)
    watch, _ = watched(*peers)
    for _ in range(int(heartbeat / 0.25) + 1):
        before = sum(looks.values())
        watch.tick(0.0, heartbeat, 0.25)
        assert sum(looks.values()) - before <= count * 0.25 * LOOKS / heartbeat + 1
    assert min(looks.values()) >= min(LOOKS, int(heartbeat / 0.25)) - 1
