"""The commands about topics: ``$subscribe``, ``$unsubscribe``, ``$publish`` and ``$who``.

Strategy: a command is a coroutine that is stepped once where nothing in it waits. Where a plugin's hook does, it and
those behind it take turns, so that commands are carried out in the order in which they came.
"""

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
from routewright.table import Authorize
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
    _in_turn(connection, asked, _publish_event)


def who(connection: "PlainConnection", asked: Asked) -> None:
    """Tell the client who is on a topic."""
    _in_turn(connection, asked, _who)


async def _subscribe(connection: "PlainConnection", asked: Asked) -> None:
    name = _payload(_name, asked).topic
    found = _find(connection, name)
    _permit(found.value.topic.authorize, connection.info, found.parameters, name)
    chain = connection.endpoint.hooks.subscribe
    if chain is not None:
        try:
            await chain.run_async(connection.info, name)
        except Refusal as refusal:
            raise _Refused(refusal.code, refusal.message, retry_after=refusal.retry_after) from None
        except PluginFailed:
            raise _Refused("handler_error", "a plugin failed") from None
        if connection.gateway.sessions.get(connection.info.id) is not connection:
            return
        # the table may have changed while the plugin made up its mind
        found = _find(connection, name)
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
    connection.gateway.events.publish_everywhere(wanted.topic, with_topic(frame, wanted.topic))
    _ok(connection, asked, {"topic": wanted.topic})


async def _who(connection: "PlainConnection", asked: Asked) -> None:
    name = _payload(_name, asked).topic
    live = _joined(connection, name)
    if not live.topic.presence:
        raise _Refused("forbidden", f"nobody is told who is on {name!r}", "$.payload.topic")
    members = connection.gateway.events.presence.who(name)
    _ok(connection, asked, {"topic": name, "members": members[:SHOWN], "count": len(members)})


# What they have in common


def _in_turn(connection: "PlainConnection", asked: Asked, work: Work, *, waits: bool = False) -> None:
    lanes = connection.gateway.events.lanes
    lane = lanes.get(connection)
    if lane is None and not waits:
        turn = _told(connection, asked, work)
        try:
            turn.send(None)
        except StopIteration:
            return
        turn.close()
        raise RuntimeError(f"{asked.type} waits where it cannot")
    if lane is None:
        lane = lanes[connection] = Lane(_take, lambda: _idle(lanes, connection))
    connection.in_flight += 1
    lane.push(partial(_later, connection, asked, work))


async def _take(turn: Turn) -> None:
    await turn()


def _idle(lanes: dict[Member, Lane[Turn]], connection: Member) -> None:
    lanes.pop(connection, None)


async def _later(connection: "PlainConnection", asked: Asked, work: Work) -> None:
    try:
        await _told(connection, asked, work)
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


def _permit(authorize: Authorize | None, info: SessionInfo, parameters: dict[str, str], name: str) -> None:
    """Hold a client against what the spec asks of subscribers."""
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
