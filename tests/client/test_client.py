"""What an application sees: typed messages, streams, events, topics, discovery."""

import asyncio
import traceback
from typing import Any

import msgspec
import pytest

from routewright.client import (
    ClientClosed,
    ConnectionLost,
    Event,
    NoSuchRoute,
    Part,
    QueueFull,
    RequestFailed,
    RequestTimeout,
    Timing,
    UnexpectedMessage,
    connect,
)
from routewright.table import MessageType, Route, Table

from .scripted import Mute, Scripted, Swallow, scripted


class Point(msgspec.Struct, forbid_unknown_fields=True):
    x: int
    y: int = 0


class Mirrored(msgspec.Struct, forbid_unknown_fields=True):
    x: int
    y: int


class Moved(msgspec.Struct):
    x: int


class Twice(msgspec.Struct):
    pass


TABLE = Table(
    digest="",
    routes=(
        Route(
            name="space",
            path="/ws",
            aliases=("/space/{room}",),
            capabilities=("mirrors",),
            handler="space",
            digest="",
            contract="",
            messages=(
                MessageType(name="echo", payload=Point, reply="reply", idempotent=True, timeout=0.5),
                MessageType(name="reply", origin="handler", payload=Mirrored),
                MessageType(name="moved", origin="handler", payload=Moved),
                MessageType(name="count", payload=int, stream=True, reply="part"),
                MessageType(name="part", origin="handler", payload=int),
                MessageType(name="one", payload=Twice),
                MessageType(name="two", payload=Twice),
            ),
        ),
    ),
    pools=(),
)


def client(server: Scripted, **options: Any) -> Any:
    return connect(server.url, timing=server.timing, **options)


async def test_models_go_out_and_come_in() -> None:
    async with scripted() as server, client(server, table=TABLE) as link:
        assert await link.request(Point(1, 2)) == Mirrored(1, 2)
        assert await link.request("echo", Point(1, 2), reply=Point) == Point(1, 2)
        assert await link.request("echo", {"x": 1, "y": 5}) == Mirrored(1, 5)
        assert [part async for part in link.stream("count", 2)] == [0, 1]
        assert [part async for part in link.stream(Point(3, 4))] == [Mirrored(3, 4)]
        replies = [each async for each in link.replies("count", 1, stream=True)]
        assert replies == [Part("part", 0, False), Part("part", None, True)]


async def test_what_does_not_fit_its_model() -> None:
    async with scripted() as server, client(server, table=TABLE) as link:
        with pytest.raises(UnexpectedMessage, match="'reply' does not fit its model") as unexpected:
            await link.request("echo", {"x": 1, "z": 2})
        assert unexpected.value.payload == {"x": 1, "z": 2}
        events = link.events(Moved)
        for payload in ("far", {"x": 1}):
            server.gateway.publish("moved", payload)
        await server.push()
        with pytest.raises(UnexpectedMessage):
            await anext(events)
        assert (await anext(events)).payload == Moved(1)


@pytest.mark.parametrize(
    ("message", "payload", "said"),
    [
        (Moved(1), None, "Moved is no model of this route"),
        (Twice(), None, "Twice is the model of one, two: name the type"),
        (Point(1), {"x": 1}, "a model is its own payload"),
    ],
)
async def test_models_that_say_no_type(message: Any, payload: Any, said: str) -> None:
    async with scripted() as server, client(server, table=TABLE) as link:
        with pytest.raises(TypeError, match=said):
            await link.request(message, payload)


async def test_an_error_says_all_that_the_gateway_does() -> None:
    error = {
        "code": "rate_limited",
        "message": "slowly",
        "retryable": True,
        "retryAfter": 0.5,
        "path": "$",
        "hint": "h",
    }
    async with scripted() as server, client(server) as link:
        with pytest.raises(RequestFailed, match=r"rate_limited: slowly - at `\$`") as failed:
            await link.request("refuse", error)
        raised = failed.value
        assert (raised.retryable, raised.retry_after, raised.path, raised.hint) == (True, 0.5, "$", "h")
        assert traceback.format_exception_only(raised)[1:] == ["hint: h\n"]
        with pytest.raises(RequestFailed):
            [part async for part in link.stream("refuse", error)]
        await link.send("refuse", error)
        assert await anext(link.events("error")) == Event("error", error, None)


async def test_a_handler_that_says_nothing() -> None:
    async with scripted() as server, client(server) as link:
        assert await link.request("note", 1) is None


async def test_no_answer_in_time() -> None:
    async with scripted(Mute()) as server, client(server, table=TABLE, timeout=0.01) as link:
        with pytest.raises(RequestTimeout, match=r"no answer to 'echo' within 0\.01 s"):
            await link.request(Point(1))
        with pytest.raises(TimeoutError, match=r"within 0\.02 s"):
            [part async for part in link.stream("count", 2, timeout=0.02)]
        await link.send("note")
        with pytest.raises(RequestTimeout, match="has not arrived"):
            await link.flush(0.01)
        assert link.stats().unanswered == 1


async def test_events_come_once_and_in_order_whatever_breaks() -> None:
    async with scripted() as server, client(server) as link:
        events = link.events("news")
        for number in range(1, 101):
            server.gateway.publish("news", number)
            if number % 10 == 0:
                server.cut()
            elif number % 3 == 0:
                await server.push()
        await server.until(lambda: len(server.attempts) > 1)
        assert [(await anext(events)).payload for _ in range(100)] == list(range(1, 101))


async def test_events_wait_for_the_first_who_wants_them() -> None:
    async with scripted() as server, client(server, events=2) as link:
        for number in range(4):
            server.gateway.publish("even" if number % 2 == 0 else "odd", number)
        await link.request("echo")
        assert (await anext(link.events("odd"))).payload == 3
        assert (await anext(link.events())).payload == 2
        assert link.stats().dropped == 2


async def test_an_iterator_that_falls_behind_says_so() -> None:
    async with scripted() as server, client(server, events=2) as link:
        slow, quick = link.events(), link.events()
        for number in range(4):
            server.gateway.publish("news", number)
            await server.push()
            assert (await anext(quick)).payload == number
        assert [(await anext(slow)).payload for _ in range(2)] == [0, 1]
        with pytest.raises(QueueFull, match="2 events"):
            await anext(slow)
        slow.close()
        quick.close()
        assert [each async for each in quick] == []


async def test_callbacks_are_called_one_after_the_other() -> None:
    heard: list[Any] = []
    reported: list[Any] = []
    done = asyncio.Event()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["message"]))

    async def hear(event: Event[Any]) -> None:
        await asyncio.sleep(0)
        heard.append(event.payload)
        if event.payload == 1:
            raise ValueError
        if event.payload == 3:
            done.set()

    async with scripted() as server, client(server) as link:
        stop = link.on("news", hear)
        link.on("other", lambda event: heard.append(event.type))
        for number in range(4):
            server.gateway.publish("news", number)
        server.gateway.publish("other", 0)
        await server.push()
        await done.wait()
        assert [each for each in heard if each != "other"] == [0, 1, 2, 3]
        assert "other" in heard
        stop()
    assert reported == ["the handler of the event 'news' has failed"]


async def test_a_subscription_outlives_its_connection_and_its_session() -> None:
    async with scripted() as server, client(server) as link:
        async with link.subscribe("jobs.7") as jobs, link.subscribe("jobs.7") as same:
            server.gateway.publish("done", 1, "jobs.7")
            server.gateway.publish("done", 0, "jobs.8")
            await server.push()
            assert await anext(jobs) == Event("done", 1, "jobs.7")
            assert await anext(same) == Event("done", 1, "jobs.7")
            server.cut()
            server.gateway.publish("done", 2, "jobs.7")
            assert (await anext(jobs)).payload == 2
            server.gateway.forget()
            server.cut()
            await server.until(lambda: any(session.topics for session in server.gateway.sessions))
            server.gateway.publish("done", 3, "jobs.7")
            await server.push()
            assert (await anext(jobs)).payload == 3
        assert [session.topics for session in server.gateway.sessions] == [set()]


async def test_one_who_leaves_a_topic_does_not_take_it_from_another() -> None:
    async with scripted() as server, client(server) as link:
        first, second = link.subscribe("jobs.7"), link.subscribe("jobs.7")
        # both are asked for before either is answered
        one, two = await asyncio.gather(first.__aenter__(), second.__aenter__())
        await first.__aexit__(None, None, None)
        assert [each async for each in one] == []
        server.gateway.publish("done", 1, "jobs.7")
        await server.push()
        assert (await anext(two)).payload == 1
        await second.__aexit__(None, None, None)
        assert [session.topics for session in server.gateway.sessions] == [set()]


async def test_a_topic_is_left_without_a_connection() -> None:
    again, asleep = asyncio.Event(), asyncio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        await again.wait()

    async with scripted() as server, connect(server.url, timing=Timing(sleep=sleep)) as link:
        async with link.subscribe("jobs.7"):
            server.cut()
            await asleep.wait()
        assert link.stats().queued == 1
        coming_back = link.subscribe("jobs.8"), link.subscribe("jobs.7")
        joining = asyncio.gather(*(each.__aenter__() for each in coming_back))
        again.set()
        await joining
        assert [session.topics for session in server.gateway.sessions] == [{"jobs.7", "jobs.8"}]
        for each in coming_back:
            await each.__aexit__(None, None, None)
        assert [session.topics for session in server.gateway.sessions] == [set()]


async def test_a_client_that_was_not_opened() -> None:
    link = connect("ws://127.0.0.1:1/ws")
    for ask in (link.request("echo"), link.send("note"), link.publish("jobs.7", "done"), link.who("jobs.7")):
        with pytest.raises(RuntimeError, match="the client is not open: write `async with"):
            await ask


async def test_publishing_and_authenticating_are_asked_of_the_gateway() -> None:
    async with scripted() as server, client(server, table=TABLE) as link:
        await link.publish("jobs.7", "done", 1)
        await link.publish("jobs.7", Moved(2))
        with pytest.raises(TypeError, match="Point is no model of this route"):
            await link.publish("jobs.7", Point(1))
        await link.authenticate("new")
        asked = [(message["type"], message["payload"]) for _, message in server.gateway.handled]
        assert asked == [
            ("$publish", {"topic": "jobs.7", "type": "done", "payload": 1}),
            ("$publish", {"topic": "jobs.7", "type": "moved", "payload": {"x": 2}}),
            ("$auth", {"token": "new"}),
        ]


# Finding the route

DOCUMENT = {
    "spec": "abc",
    "routes": [
        {"name": "voice", "path": "/voice", "capabilities": ["voice"], "framing": "raw", "messages": []},
        {"name": "space", "path": "/space/{room}", "capabilities": ["mirrors"], "messages": []},
    ],
}


@pytest.mark.parametrize("wanted", [{"capability": "mirrors"}, {"route": "space"}])
@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_discovery(wanted: dict[str, str], scheme: str) -> None:
    async with scripted(Swallow(1)) as server:
        server.document = DOCUMENT
        url = server.origin.replace("http", scheme)
        options: dict[str, Any] = {"parameters": {"room": "a/b c"}, "table": TABLE, "timing": server.timing, **wanted}
        async with connect(url, **options) as link:
            assert await link.request(Point(1)) == Mirrored(1, 0)
        assert [attempt.raw_path for attempt in server.attempts] == ["/space/a%2Fb%20c"] * 2


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"capability": "none"}, "no route of the gateway offers 'none'; there are: mirrors, voice"),
        ({"route": "none"}, "the gateway has no route 'none'; there are: voice, space"),
        ({"route": "voice"}, "'voice' is a raw route"),
        ({"route": "space"}, "'space' needs other parameters: .*'room' is missing"),
    ],
)
async def test_what_is_not_to_be_found(wanted: dict[str, str], said: str) -> None:
    async with scripted() as server:
        server.document = DOCUMENT
        with pytest.raises(NoSuchRoute, match=said):
            await connect(server.origin, **wanted).__aenter__()  # type: ignore[arg-type]


async def test_a_large_document() -> None:
    many = [{"name": f"route{number}", "path": f"/{'x' * 200}/{number}"} for number in range(5000)]
    async with scripted() as server:
        server.document = {"routes": [*many, {"name": "space", "path": "/space"}]}
        async with connect(server.origin, route="space", attempts=0) as link:
            assert await link.request("echo", 1) == 1


async def test_nobody_who_could_tell_where_it_is() -> None:
    url = "http://ada:secret@127.0.0.1:1"
    with pytest.raises(ConnectionLost, match=r"^cannot connect to 127\.0\.0\.1:1: Connection refused\n") as lost:
        await connect(url, route="space", attempts=0).__aenter__()
    assert "is the gateway running?" in lost.value.hint


async def test_parameters_that_do_not_fit_the_path() -> None:
    with pytest.raises(TypeError, match="'room' is missing; 'rom' is not one of them"):
        connect("ws://127.0.0.1:1/ws/rooms/{room}", parameters={"rom": 1})


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("127.0.0.1:8001", {}, "is no URL of a gateway"),
        ("ftp://127.0.0.1/x", {}, "is no URL of a gateway"),
        ("ws:///x", {}, "names no host"),
        ("ws://127.0.0.1/x", {"token": "t", "token_in": "body"}, "travels in header, subprotocol, query, message"),
        ("ws://127.0.0.1/x", {"token": "t", "token_in": "message", "token_name": "key"}, "leave it out"),
        ("ws://127.0.0.1/x", {"token_in": "message"}, "there is no token"),
        ("ws://127.0.0.1:99999/x", {}, "names no port"),
        ("ws://127.0.0.1/x", {"backoff": (0, 1)}, "backoff is"),
        ("ws://127.0.0.1/x", {"backoff": (2, 1)}, "backoff is"),
        ("ws://127.0.0.1/x", {"connect_timeout": 0}, "connect_timeout is 0: it must be more than 0"),
        ("http://127.0.0.1/x", {"route": "a"}, "has a path already"),
        ("http://127.0.0.1", {"route": "a", "capability": "b"}, "not by both"),
    ],
)
def test_urls_that_cannot_be(url: str, options: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        connect(url, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1/nowhere", "http://127.0.0.1:1"])
def test_a_table_without_the_route(url: str) -> None:
    with pytest.raises(NoSuchRoute, match="has no route for"):
        connect(url, table=TABLE, route="nowhere" if url.startswith("http") else None)


async def test_a_client_that_is_closed_by_its_own_callback() -> None:
    closed = asyncio.Event()
    async with scripted() as server, client(server) as link:

        async def leave(_: Event[Any]) -> None:
            await link.close()
            closed.set()

        link.on("news", leave)
        server.gateway.publish("news", 1)
        await server.push()
        await closed.wait()
        with pytest.raises(ClientClosed):
            await link.request("echo")
