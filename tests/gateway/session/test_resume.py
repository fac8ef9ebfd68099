"""Reliable clients through the front door: what was missed comes again, and nothing is done twice."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator

import pytest
from websockets.exceptions import ConnectionClosed

from tests.gateway.conftest import Serve
from tests.gateway.session.talking import HANDLER, PROTOCOL, Reliable, route
from tests.served import PATIENCE, Served, exchange

SPEC = {
    "gateway": {"limits": {"handshake": "1s"}},
    "routes": [
        route(limits={"inFlight": 4}, rateLimit={"rate": "1000/s", "burst": 50}),
        route("tight", delivery={"messages": 10, "bytes": "64KiB"}, rateLimit=False),
        route(
            "slow", slowConsumer={"backlog": "64KiB"}, rateLimit=False, delivery={"bytes": "64MiB", "messages": 100000}
        ),
        route("brief", delivery={"window": "1ms"}),
        route("plain", delivery=False),
        {"path": "/ws/rooms/{room}", "name": "rooms", "pythonModule": "talk", "messages": route()["messages"]},
    ],
}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, {"talk.py": HANDLER}) as served:
        yield served


@pytest.fixture
async def client(served: Served) -> AsyncIterator[Reliable]:
    client = Reliable(served)
    await client.connect()
    yield client
    await client.socket.close()


def handled(served: Served, nonce: str) -> int:
    """How often a handler has seen this."""
    return (served.project.folder / "handled").read_text().splitlines().count(nonce)


def let_go(served: Served, nonce: str) -> None:
    served.project.write(nonce, "")


async def away(served: Served) -> None:
    """The gateway has noticed that one client is gone."""
    await served.until(lambda stats: stats["sessions"]["detached"] > 0)


async def test_the_welcome(client: Reliable, served: Served) -> None:
    welcome = dict(client.welcome)
    assert len(welcome.pop("session")) >= 12
    assert len(welcome.pop("resume")) >= 32
    assert welcome == {
        "epoch": 1,
        "resumed": False,
        "reason": None,
        "heartbeat": 25.0,
        "expires": None,
        "spec": (await served.stats())["gateways"][0]["digest"],
        "limits": {
            "messageBytes": 65536,
            "inFlight": 4,
            "delivery": {"window": 120.0, "messages": 1000, "bytes": 1048576},
        },
    }


async def test_exactly_what_was_missed_comes_again(served: Served, client: Reliable) -> None:
    session = client.welcome["session"]
    await client.ask("push", 1, count=20)
    for _ in range(7):
        await client.take()
    await client.ack(5)
    await client.cut()
    assert (await client.connect())["resumed"]
    assert client.welcome["session"] == session
    assert client.welcome["reason"] is None
    await client.until("answer")
    assert [frame["payload"].get("number") for frame in client.taken] == [*range(20), None]
    await client.ask("ask", 2, nonce="on")
    assert (await client.take())["payload"] == {"nonce": "on"}


async def test_what_happens_meanwhile_is_there_afterwards(served: Served, client: Reliable) -> None:
    await client.ask("wait", "w", nonce="meanwhile")
    await client.cut()
    await away(served)
    let_go(served, "meanwhile")
    async with served.connect("/ws/alpha") as other:
        await exchange(other, {"type": "publish", "id": 1, "payload": {"count": 3}})
    await served.until(lambda stats: stats["routes"][0]["replied"] >= 2)
    assert (await client.connect())["resumed"]
    missed = [await client.take() for _ in range(4)]
    assert [each["payload"]["number"] for each in missed if each["type"] == "event"] == [0, 1, 2]
    assert {"type": "answer", "id": "w", "payload": {"nonce": "meanwhile"}} in missed
    assert handled(served, "meanwhile") == 1


@pytest.mark.parametrize("type", ["ask", "note", "count"])
async def test_a_repeated_id_gets_the_first_answer(served: Served, client: Reliable, type: str) -> None:
    last = {"ask": "answer", "note": "$ok"}
    nonce = f"once {type}"
    await client.ask(type, 7, nonce=nonce)
    first = [await client.take() for _ in range(4 if type == "count" else 1)]
    assert first[-1]["type"] == last.get(type, "part")
    assert all(frame["id"] == 7 for frame in first)
    await client.ask(type, 7, nonce=nonce)
    assert [await client.take() for _ in first] == first
    await client.cut()
    await client.connect()
    await client.ask(type, 7, nonce=nonce)
    assert [await client.take() for _ in first] == first
    assert handled(served, nonce) == 1


async def test_a_repeated_id_that_still_runs_waits_for_the_one_answer(served: Served, client: Reliable) -> None:
    before = (await served.stats())["sessions"]["repeated"]
    await client.ask("wait", 1, nonce="patience")
    await client.cut()
    await client.connect()
    await client.ask("wait", 1, nonce="patience")
    await served.until(lambda stats: stats["sessions"]["repeated"] == before + 1)
    let_go(served, "patience")
    assert (await client.take())["payload"] == {"nonce": "patience"}
    await client.ask("ask", 2, nonce="next")
    assert (await client.take())["id"] == 2
    assert handled(served, "patience") == 1


async def test_a_command_that_acts_does_so_once(served: Served, client: Reliable) -> None:
    await client.subscribe("alpha.1", "s")
    publish = {"topic": "alpha.1", "type": "event", "payload": {"number": 1}}
    await client.ask("$publish", "p", **{**publish, "topic": "alpha.2"})
    assert (await client.take())["error"]["code"] == "not_subscribed"
    await client.ask("$publish", "p", **publish)
    first = [await client.take() for _ in range(2)]
    assert [frame["type"] for frame in first] == ["event", "$ok"]
    await client.cut()
    assert (await client.connect())["resumed"]
    await client.ask("$publish", "p", **publish)
    assert await client.take() == first[1]
    await client.ask("$unsubscribe", "u", topic="alpha.1")
    gone = await client.take()
    await client.ask("$unsubscribe", "u", topic="alpha.1")
    assert await client.take() == gone == {"type": "$ok", "id": "u", "payload": {"topic": "alpha.1"}}
    # what only asks is answered anew
    for _ in range(2):
        await client.ask("$who", "w", topic="alpha.1")
        assert (await client.take())["error"]["code"] == "not_subscribed"
    # an id belongs to what it was given to first, be that a message or a command
    await client.ask("ask", "p", nonce="never")
    assert await client.take() == first[1]
    assert handled(served, "never") == 0


async def test_an_error_is_an_answer_too_unless_no_handler_saw_it(served: Served, client: Reliable) -> None:
    await client.ask("ask", 1, nonce=5)
    assert (await client.take())["error"]["code"] == "invalid_message"
    await client.ask("ask", 1, nonce="now it is right")
    assert (await client.take())["payload"] == {"nonce": "now it is right"}
    for number in range(10, 200):
        await client.ask("note", number, nonce="many")
    answers = [await client.take() for _ in range(10, 200)]
    limited = [frame["id"] for frame in answers if frame["type"] == "error"]
    assert limited
    assert {frame["error"]["code"] for frame in answers if frame["type"] == "error"} == {"rate_limited"}
    frame: dict[str, object] = {}
    while frame.get("type") != "$ok":
        await client.ask("note", limited[0], nonce="many")
        frame = await client.take()
    assert frame == {"type": "$ok", "id": limited[0]}


async def test_a_client_may_be_cut_off_twice_during_one_resume(served: Served, client: Reliable) -> None:
    await client.ask("push", 1, count=5)
    await client.take()
    first = client.resume
    await client.cut()
    for _ in range(2):
        # the welcome is not read: the old token is all that the client has
        await client.open()
        await client.send({"type": "$hello", "resume": first, "seq": client.seq})
        await served.until(lambda stats: stats["sessions"]["detached"] == 0)
        await client.cut()
        await away(served)
    client.resume = first
    assert (await client.connect())["resumed"]
    second = client.resume
    # this time the welcome was read, and nothing was sent after it
    await client.cut()
    assert (await client.connect())["resumed"]
    assert client.resume not in (first, second)
    await client.until("answer")
    assert [frame["payload"].get("number") for frame in client.taken] == [0, 1, 2, 3, 4, None]


async def test_a_token_is_void_once_the_next_one_has_been_received(served: Served, client: Reliable) -> None:
    first = client.resume
    await client.cut()
    await client.connect()
    await client.ack(0)
    await client.ask("ask", 1)
    await client.take()
    thief = Reliable(served)
    thief.resume = first
    welcome = await thief.connect()
    assert (welcome["resumed"], welcome["reason"]) == (False, "taken_over")
    assert welcome["session"] != client.welcome["session"]
    await client.ask("ask", 2)
    assert (await client.take())["id"] == 2
    await thief.socket.close()


async def test_a_second_socket_takes_the_session_over(served: Served, client: Reliable) -> None:
    await client.ask("wait", 1, nonce="takeover")
    other = Reliable(served)
    other.resume = client.resume
    assert (await other.connect())["resumed"]
    assert await client.closed() == 4004
    let_go(served, "takeover")
    assert (await other.take())["payload"] == {"nonce": "takeover"}
    await other.socket.close()


async def test_of_sockets_that_race_for_a_session_one_gets_it(served: Served, client: Reliable) -> None:
    await client.cut()
    rivals = [Reliable(served) for _ in range(8)]
    for rival in rivals:
        rival.resume = client.resume
    await asyncio.gather(*(rival.open() for rival in rivals))
    welcomes = await asyncio.gather(*(rival.greet() for rival in rivals))
    resumed = [rival for rival, welcome in zip(rivals, welcomes, strict=True) if welcome["resumed"]]
    ended = [asyncio.ensure_future(rival.socket.wait_closed()) for rival in resumed]
    async with asyncio.timeout(PATIENCE):
        while sum(each.done() for each in ended) < len(ended) - 1:
            await asyncio.wait([each for each in ended if not each.done()], return_when=asyncio.FIRST_COMPLETED)
    holders = [rival for rival in resumed if rival.socket.close_code is None]
    assert len(holders) == 1
    assert {rival.socket.close_code for rival in resumed if rival not in holders} <= {4004}
    await holders[0].ask("ask", 1)
    assert (await holders[0].take())["id"] == 1
    for rival in rivals:
        await rival.socket.close()
    for each in ended:
        await each


async def test_one_message_past_the_bound_and_it_is_said(served: Served) -> None:
    for count, resumed in ((9, True), (10, False)):
        client = Reliable(served, "/ws/tight")
        await client.connect()
        await client.ask("push", 1, count=count)
        await client.until("answer")
        client.seq = 0
        await client.cut()
        welcome = await client.connect()
        assert (welcome["resumed"], welcome["reason"]) == (resumed, None if resumed else "buffer_overflow")
        if resumed:
            await client.until("answer")
        await client.ask("ask", 1, nonce="anew")
        frame = await client.take()
        assert frame["payload"] == {"nonce": "pushed" if resumed else "anew"}
        await client.socket.close()


async def test_what_is_acknowledged_does_not_count(served: Served) -> None:
    client = Reliable(served, "/ws/tight")
    await client.connect()
    for number in range(30):
        await client.ask("ask", number)
        await client.take()
        await client.ack()
    await client.cut()
    assert (await client.connect())["resumed"]
    await client.socket.close()


async def test_a_client_that_never_acknowledges_is_served(served: Served) -> None:
    client = Reliable(served, "/ws/tight")
    await client.connect()
    await client.ask("push", 1, count=100)
    await client.until("answer")
    assert client.seq == 101
    await client.socket.close()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"resume": "nonsense"}, "unknown_session"),
        ({"seq": 1000}, "wrong_seq"),
        ({"path": "/ws/tight"}, "wrong_route"),
    ],
)
async def test_why_a_session_is_not_resumed(
    served: Served, client: Reliable, change: dict[str, str], reason: str
) -> None:
    await client.cut()
    client.path = change.pop("path", client.path)
    welcome = await client.connect(**change)
    assert (welcome["resumed"], welcome["reason"]) == (False, reason)
    refused = (await served.stats())["sessions"]["refused"]
    assert refused[reason] >= 1


async def test_a_room_is_no_other_room(served: Served) -> None:
    client = Reliable(served, "/ws/rooms/red")
    await client.connect()
    await client.cut()
    client.path = "/ws/rooms/blue"
    red = client.resume
    assert (await client.connect())["reason"] == "wrong_route"
    await client.socket.close()
    client.path, client.resume = "/ws/rooms/red", red
    assert (await client.connect())["resumed"]
    await client.socket.close()


async def test_a_session_ends_with_its_window(served: Served) -> None:
    client = Reliable(served, "/ws/brief")
    await client.connect()
    await client.cut()
    await served.until(
        lambda stats: next(each for each in stats["routes"] if each["name"] == "brief")["connections"] == 0
    )
    assert (await client.connect())["reason"] == "expired"
    await client.socket.close()


async def test_a_good_bye_ends_the_session(served: Served, client: Reliable) -> None:
    await client.socket.close(1000)
    assert (await client.connect())["reason"] == "ended"
    await client.send({"type": "leave"})
    assert await client.closed() == 4200
    assert (await client.connect())["reason"] == "ended"


async def test_handlers_see_one_session(served: Served) -> None:
    client = Reliable(served)
    await client.connect()
    await client.ask("ask", 1)
    await client.take()
    connects, disconnects = handled(served, "+"), handled(served, "-")
    await client.cut()
    await away(served)
    await client.connect()
    await client.ask("ask", 2)
    await client.take()
    assert (handled(served, "+"), handled(served, "-")) == (connects, disconnects)
    await client.socket.close(1000)
    await served.until(lambda stats: handled(served, "-") > disconnects)


async def test_a_slow_reader_is_cut_off_and_comes_back(served: Served) -> None:
    client = Reliable(served, "/ws/slow")
    await client.connect()
    client.socket.transport.pause_reading()
    await client.ask("push", 1, count=2000, size=10_000)
    await served.until(
        lambda stats: any(each["errors"].get("slow_consumer") for each in stats["routes"] if each["name"] == "slow")
    )
    await client.cut()
    seq = client.seq
    while not client.taken or client.taken[-1]["type"] != "answer":
        assert (await client.connect())["resumed"]
        with contextlib.suppress(ConnectionClosed):
            await client.until("answer")
        assert client.seq > seq, "no try is in vain"
        seq = client.seq
    assert [frame["payload"].get("number") for frame in client.taken] == [*range(2000), None]
    await client.socket.close()


async def test_replay_while_others_publish(served: Served, client: Reliable) -> None:
    async with served.connect("/ws/rooms/x") as other:
        client.path = "/ws/rooms/x"
        await client.socket.close()
        client.resume = None
        await client.connect()
        rounds = 0
        while rounds < 20:
            await other.send(json.dumps({"type": "publish", "id": rounds, "payload": {"count": 10}}))
            if rounds % 3 == 0:
                await client.cut()
                assert (await client.connect())["resumed"]
            await client.take()
            rounds += 1
        while len(client.taken) < 200:
            await client.take()
    assert [frame["payload"]["number"] for frame in client.taken] == [*range(10)] * 20


async def test_a_tick_s_frames_travel_together(served: Served) -> None:
    client = Reliable(served, "/ws/tight")
    await client.connect(batch=True)
    await client.ask("push", 1, count=200)
    received, arrays = 0, 0
    while received < 201:
        async with asyncio.timeout(PATIENCE):
            frames = json.loads(await client.socket.recv())
        if isinstance(frames, list):
            arrays += 1
            assert 2 <= len(frames) <= 64
        for frame in frames if isinstance(frames, list) else [frames]:
            received += 1
            assert frame["seq"] == received
    assert arrays
    await client.socket.close()


async def test_what_is_replayed_follows_the_welcome(served: Served) -> None:
    client = Reliable(served, "/ws/tight")
    await client.connect(batch=True)
    await client.ask("push", 1, count=5)
    await client.take()
    await client.cut()
    assert (await client.connect(batch=True))["resumed"]
    await client.until("answer")
    assert [frame["payload"].get("number") for frame in client.taken] == [0, 1, 2, 3, 4, None]
    await client.socket.close()


async def test_routes_without_delivery_offer_nothing(served: Served) -> None:
    assert (await asyncio.to_thread(served.get, f"{served.http}/ws/plain"))[2].count(b'"subprotocols": []') == 1
    described = json.loads((await asyncio.to_thread(served.get, f"{served.http}/ws/alpha"))[2])
    assert described["subprotocols"] == ["routewright.v1"]
    async with served.connect("/ws/plain", subprotocols=[PROTOCOL]) as plain:
        assert plain.subprotocol is None
        assert (await exchange(plain, {"type": "ask", "id": 1}))["type"] == "answer"


@pytest.mark.parametrize("first", ['{"type": "ask"}', "no json", '{"type": "$hello", "seq": -1}', "[]"])
async def test_hello_comes_first(served: Served, first: str) -> None:
    client = Reliable(served)
    await client.open()
    await client.socket.send(first)
    async with asyncio.timeout(PATIENCE):
        error = json.loads(await client.socket.recv())
    assert error["error"]["code"] == "invalid_message"
    assert await client.closed() == 1002


async def test_what_is_sent_before_the_welcome_is_not_lost(served: Served) -> None:
    client = Reliable(served)
    await client.open()
    await client.send({"type": "$hello", "resume": "nobody's"})
    for number in range(6):
        await client.ask("ask", number)
    assert json.loads(await client.socket.recv())["payload"]["reason"] == "unknown_session"
    assert sorted([(await client.take())["id"] for _ in range(6)]) == [*range(6)]
    await client.ask("ask", "later")
    assert (await client.take())["id"] == "later"
    await client.socket.close()


async def test_what_is_absent_may_be_null(served: Served) -> None:
    client = Reliable(served)
    welcome = await client.connect(resume=None, seq=None)
    assert (welcome["resumed"], welcome["reason"]) == (False, None)
    await client.socket.close()


async def test_a_client_that_says_nothing_is_sent_away(served: Served) -> None:
    client = Reliable(served)
    await client.open()
    assert await client.closed() == 4003


async def test_asides(served: Served, client: Reliable) -> None:
    await client.send({"type": "$ping", "id": "p"})
    assert await client.take() == {"type": "$pong", "id": "p"}
    await client.send({"type": "$ack", "seq": 5})
    assert (await client.take())["error"]["path"] == "$.seq"
    await client.send({"type": "$hello"})
    assert (await client.take())["error"]["code"] == "invalid_message"
    await client.send({"type": "$nothing", "id": 4})
    assert (await client.take())["error"]["code"] == "unknown_type"
    for wrong in ('"seq": "1"', '"seq": -1', '"seq": true', '"payload": {"seq": 1}', '"seq": 1, "id": []'):
        await client.socket.send(f'{{"type": "$ack", {wrong}}}')
        assert (await client.take())["error"]["code"] == "invalid_message", wrong
    for type in ("$hello", "$ping", "$subscribe"):
        await client.send({"type": type, "id": True})
        error = (await client.take())["error"]
        assert (error["code"], error["path"]) == ("invalid_message", "$.id")
    for _ in range(500):
        await client.ack(1)
    await client.ask("ask", 1, nonce='"$ack"')
    assert (await client.take())["payload"] == {"nonce": '"$ack"'}


async def test_more_than_a_session_has_in_flight_waits(served: Served, client: Reliable) -> None:
    for number in range(6):
        await client.ask("wait", number, nonce="crowd")
    await client.ack(0)
    let_go(served, "crowd")
    assert sorted([(await client.take())["id"] for _ in range(6)]) == [*range(6)]


async def test_the_figures(served: Served, client: Reliable) -> None:
    await client.cut()
    await client.connect(resume="of nobody")
    figures = (await served.stats())["sessions"]
    assert figures["open"] >= 1
    assert figures["started"] >= 1
    text = (await asyncio.to_thread(served.get, f"{served.ready['admin']}/metrics"))[2].decode()
    assert 'routewright_session_resumes_refused_total{reason="unknown_session"}' in text
    for name in ("started", "resumed"):
        assert f"routewright_sessions_{name}_total {float(figures[name])}" in text
