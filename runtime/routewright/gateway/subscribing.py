"""The commands about topics: ``$subscribe``, ``$unsubscribe``, ``$publish`` and ``$who``.

Strategy: a command is a coroutine that is stepped once where nothing in it waits. Where a plugin's hook does, it and
those behind it take turns, so that commands are carried out in the order in which they came.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec

from routewright.gateway.command import Asked
from routewright.gateway.errors import Fault
from routewright.gateway.events import Turn
from routewright.gateway.lane import Lane
from routewright.gateway.topics import SUBSCRIPTIONS, LiveTopic, Member
from routewright.hooks import PluginFailed, Refusal, SessionInfo
from routewright.table.frames import DECODE_ERRORS, FrameError, with_topic
from routewright.table.topics import Found, is_pattern, suggestion

if TYPE_CHECKING:
    from routewright.gateway.plain import PlainConnection

SHOWN = 1_000
"""Members that an answer to ``$who`` names."""

Work: TypeAlias = "Callable[[PlainConnection, Asked], Coroutine[Any, Any, None]]"


class _Name(msgspec.Struct):
    topic: str


class _Publish(msgspec.Struct):
    topic: str
    type: str
    payload: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Message(msgspec.Struct, omit_defaults=True):
    type: str
    payload: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Refused(Exception):
    """A command is not carried out."""

    def __init__(self, code: str, message: str, path: str = "", hint: str = "", *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.code = code
        self.path = path
        self.hint = hint
        self.retry_after = retry_after


P = TypeVar("P", _Name, _Publish)

_name = msgspec.json.Decoder(_Name).decode
_publish = msgspec.json.Decoder(_Publish).decode
_encode = msgspec.json.Encoder().encode


# The commands


def subscribe(connection: "PlainConnection", asked: Asked) -> None:
    """Let the client have the events of a topic, or of those that a pattern reaches."""
    chain = connection.endpoint.hooks.subscribe
    _in_turn(connection, asked, _subscribe, waits=chain is not None and not chain.sync)


def unsubscribe(connection: "PlainConnection", asked: Asked) -> None:
    """Let the client have them no more."""
    _in_turn(connection, asked, _unsubscribe)


def publish(connection: "PlainConnection", asked: Asked) -> None:
    """Publish an event of the client's own, where the topic allows it."""
    _in_turn(connection, asked, _publish_event, waits=connection.gateway.relay.congested)


def who(connection: "PlainConnection", asked: Asked) -> None:
    """Tell the client who is on a topic."""
    _in_turn(connection, asked, _who)


async def _subscribe(connection: "PlainConnection", asked: Asked) -> None:
    name = _payload(_name, asked).topic
    found = _find(connection, name)
    _permit(connection, found, name)
    await _ask_plugins(connection, name)
    if connection.gateway.sessions.get(connection.info.id) is not connection:
        return
    # the table, and what the client may do, may have changed while a plugin made up its mind
    found = _find(connection, name)
    _permit(connection, found, name)
    live, events = found.value, connection.gateway.events
    names = events.topics.names(connection)
    if name not in names and len(names) >= SUBSCRIPTIONS:
        text = f"a client may have subscribed to {SUBSCRIPTIONS} topics at a time"
        raise _Refused("forbidden", text, "$.payload.topic", "unsubscribe from another, or use a pattern")
    events.subscribe(connection, live, name)
    present = live.topic.presence and not is_pattern(name)
    _ok(connection, asked, {"topic": name, "member": events.name(connection)} if present else {"topic": name})
    for _, event in events.retained.of(live.topic.name, name) if live.topic.retain else ():
        connection.deliver(event)


async def _unsubscribe(connection: "PlainConnection", asked: Asked) -> None:
    name = _payload(_name, asked).topic
    if not connection.gateway.events.unsubscribe(connection, name):
        raise _Refused("not_subscribed", f"not subscribed to {name[:100]!r}", "$.payload.topic")
    _ok(connection, asked, {"topic": name})


async def _publish_event(connection: "PlainConnection", asked: Asked) -> None:
    wanted = _payload(_publish, asked)
    live = _joined(connection, wanted.topic)
    if live.topic.publish != "clients":
        raise _Refused("forbidden", f"clients may not publish on {wanted.topic!r}", "$.payload.topic")
    try:
        frame = live.read(_encode(_Message(wanted.type, wanted.payload)))
    except FrameError as problem:
        path = f"$.payload{problem.path.removeprefix('$')}"
        raise _Refused(problem.code, problem.message, path, problem.hint) from None
    relay = connection.gateway.relay
    if relay.congested:
        await relay.writable()
    connection.gateway.events.publish_everywhere(wanted.topic, with_topic(frame, wanted.topic))
    _ok(connection, asked, {"topic": wanted.topic})


async def _who(connection: "PlainConnection", asked: Asked) -> None:
    name = _payload(_name, asked).topic
    live = _joined(connection, name)
    if not live.topic.presence:
        raise _Refused("forbidden", f"nobody is told who is on {name!r}", "$.payload.topic")
    members = connection.gateway.events.presence.who(name)
    _ok(connection, asked, {"topic": name, "members": members[:SHOWN], "count": len(members)})


# Who may no longer have what


def judge_again(connection: "PlainConnection") -> None:
    """A client may do other things than before: end the subscriptions that it would not be given now, and tell it. What
    the spec says takes effect at once, what plugins say as soon as they have said it."""
    topics = connection.gateway.events.topics
    for name in tuple(topics.names(connection)):
        try:
            found = topics.find(name)
            if found is not None:
                _permit(connection, found, name)
        except _Refused as refused:
            _end(connection, name, refused)
    if connection.endpoint.hooks.subscribe is not None and topics.names(connection):
        _wait(connection, partial(_judge_again, connection))


async def _judge_again(connection: "PlainConnection") -> None:
    for name in tuple(connection.gateway.events.topics.names(connection)):
        try:
            await _ask_plugins(connection, name)
        except _Refused as refused:
            _end(connection, name, refused)


def _end(connection: "PlainConnection", name: str, refused: _Refused) -> None:
    """End a subscription that the client has not given up itself."""
    if connection.gateway.events.unsubscribe(connection, name):
        payload = {"code": refused.code, "message": str(refused)}
        connection.write(_encode({"type": "$unsubscribed", "topic": name, "payload": payload}), False)


# What they have in common


def _in_turn(connection: "PlainConnection", asked: Asked, work: Work, *, waits: bool = False) -> None:
    if not waits and connection not in connection.gateway.events.lanes:
        turn = _told(connection, asked, work)
        try:
            turn.send(None)
        except StopIteration:
            return
        turn.close()
        raise RuntimeError(f"{asked.type} waits where it cannot")
    _wait(connection, partial(_told, connection, asked, work))


def _wait(connection: "PlainConnection", turn: Turn) -> None:
    """Let something wait for its turn among a client's commands."""
    lanes = connection.gateway.events.lanes
    lane = lanes.get(connection)
    if lane is None:
        lane = lanes[connection] = Lane(_take, lambda: _idle(lanes, connection))
    connection.in_flight += 1
    lane.push(partial(_counted, connection, turn))


async def _take(turn: Turn) -> None:
    await turn()


def _idle(lanes: dict[Member, Lane[Turn]], connection: Member) -> None:
    lanes.pop(connection, None)


async def _counted(connection: "PlainConnection", turn: Turn) -> None:
    try:
        await turn()
    finally:
        connection.in_flight -= 1
        if connection.held is not None:
            connection.release()


async def _told(connection: "PlainConnection", asked: Asked, work: Work) -> None:
    try:
        await work(connection, asked)
    except _Refused as refused:
        fault = Fault(
            refused.code,
            str(refused),
            asked.id,
            refused.path,
            retry_after=refused.retry_after,
            hint=refused.hint,
        )
        connection.refuse(fault)


def _payload(decode: Callable[[msgspec.Raw], P], asked: Asked) -> P:
    try:
        return decode(asked.payload)
    except DECODE_ERRORS as error:
        message, _, path = str(error).partition(" - at `")
        raise _Refused("invalid_message", message, f"$.payload{path.rstrip('`').removeprefix('$')}") from None


def _find(connection: "PlainConnection", name: str) -> Found[LiveTopic]:
    """The topic of the client's own route that a name or pattern belongs to."""
    route = connection.endpoint.route
    found = connection.gateway.events.topics.find(name)
    if found is None or found.value.gone or found.value.route.name != route.name:
        hint = suggestion(name, [topic.name for topic in route.topics])
        raise _Refused("invalid_message", f"this route has no topic {name[:100]!r}", "$.payload.topic", hint)
    return found


def _joined(connection: "PlainConnection", name: str) -> LiveTopic:
    """The topic of a name that the client has subscribed to, by itself or by a pattern."""
    found = _find(connection, name)
    if is_pattern(name):
        raise _Refused("invalid_message", f"{name[:100]!r} stands for several topics", "$.payload.topic", "name one")
    if not connection.gateway.events.topics.has(connection, found.value, name):
        raise _Refused("not_subscribed", f"not subscribed to {name[:100]!r}", "$.payload.topic")
    return found.value


async def _ask_plugins(connection: "PlainConnection", name: str) -> None:
    """Let the plugins refuse a subscription."""
    chain = connection.endpoint.hooks.subscribe
    if chain is None:
        return
    try:
        if chain.sync:
            chain.run(connection.info, name)
        else:
            async with asyncio.timeout(connection.endpoint.route.timeout):
                await chain.run_async(connection.info, name)
    except Refusal as refusal:
        raise _Refused(refusal.code, refusal.message, retry_after=refusal.retry_after) from None
    except TimeoutError:
        raise _Refused("timeout", "a plugin took too long") from None
    except PluginFailed:
        raise _Refused("handler_error", "a plugin failed") from None


def _permit(connection: "PlainConnection", found: Found[LiveTopic], name: str) -> None:
    """Hold a client against what the spec asks of subscribers."""
    authorize, info, parameters = found.value.topic.authorize, connection.info, found.parameters
    if authorize is None:
        return
    principal = info.principal
    held = principal.scopes if principal is not None else ()
    missing = [scope for scope in authorize.scopes if scope not in held]
    if missing:
        raise _Refused("forbidden", f"{name[:100]!r} asks for the scope {missing[0]!r}", "$.payload.topic")
    for placeholder, source in authorize.parameters.items():
        value = parameters[placeholder]
        if value == "*" or value != _source(source, info):
            raise _Refused("forbidden", f"{name[:100]!r} is not for this client", "$.payload.topic")


def _source(source: str, info: SessionInfo) -> str | None:
    """What ``principal.id``, ``principal.claims.NAME`` or ``parameters.NAME`` is for a client, as text."""
    if source.startswith("parameters."):
        value = info.parameters.get(source.removeprefix("parameters."))
    elif info.principal is None:
        return None
    elif source == "principal.id":
        return info.principal.id
    else:
        value = info.principal.claims.get(source.removeprefix("principal.claims."))
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value)


def _ok(connection: "PlainConnection", asked: Asked, payload: dict[str, Any]) -> None:
    connection.done(asked, payload)
