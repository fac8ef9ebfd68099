"""What a new route does to those who know the old one: the clients that use it, and the handlers that answer it.

Strategy: one comparison for both who need it. A reload asks whether open connections can go on (`classify`), a plan
lists every change with its reason. What clients send may become less strict but not stricter for them, what handlers
send may become stricter but not less so; for handlers it is the other way round. Schemas are only compared where the
digests of messages differ.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from routewright.table.auth import Auth
from routewright.table.contracts import Contract
from routewright.table.kinds import CLIENTS, COMPATIBLE, HANDLERS, POLICY, Change, Kind
from routewright.table.loss import Loss
from routewright.table.message import MessageType
from routewright.table.policy_change import policy_changes
from routewright.table.route import Route
from routewright.table.schemas import Schema, losses
from routewright.table.topic_change import topics
from routewright.table.wording import happened, place

Verdict = Literal["unchanged", "compatible", "incompatible"]

__all__ = [
    "CLIENTS",
    "COMPATIBLE",
    "HANDLERS",
    "POLICY",
    "Change",
    "Kind",
    "Verdict",
    "changes",
    "classify",
]
_NULL = Schema({"type": "null"}, {})
_COMPARED = frozenset(
    {"name", "path", "aliases", "parameters", "summary", "capabilities", "source", "handler", "framing", "open"}
    | {"upstream", "messages", "topics", "auth", "digest", "contract"}
)
"""Fields of a route that are no policies."""


def classify(old: Route, new: Route, before: Contract | None = None, after: Contract | None = None) -> Verdict:
    """How a route has changed for the clients that are connected to it.

    Compatible: whatever a client of the old route sends or understands still means the same, so policies, handlers and
    further messages may have changed. Without the contracts, every changed message counts as incompatible.
    """
    if old.digest == new.digest:
        return "unchanged"
    return "incompatible" if any(change.ends for change in changes(old, new, before, after)) else "compatible"


def changes(old: Route, new: Route, before: Contract | None = None, after: Contract | None = None) -> Iterator[Change]:
    """Every change of a route, but for its paths, which only mean something among all routes."""
    if old.digest == new.digest:
        return
    yield from _framing(old, new)
    yield from _parameters(old, new, before, after)
    yield from _capabilities(old, new)
    yield from _source(old, new)
    yield from _messages(old, new, before, after)
    yield from topics(old, new)
    yield from _auth(old, new)
    yield from policy_changes(old, new, _COMPARED, ())


def _framing(old: Route, new: Route) -> Iterator[Change]:
    if old.framing != new.framing:
        what, steps = f"framing was {old.framing}, is {new.framing}", ("framing",)
        yield Change(kind=CLIENTS, what=what, reason="Clients send and get other frames.", steps=steps, ends=True)
        yield Change(kind=HANDLERS, what=what, reason="Handlers get and send other frames.", steps=steps)
    if old.open and not new.open:
        reason = "What is not declared is answered with unknown_type."
        yield Change(kind=CLIENTS, what="open was true, is false", reason=reason, steps=("open",), ends=True)
    if new.open and not old.open:
        reason = "Clients may send what is not declared; what they sent before means the same."
        yield Change(kind=COMPATIBLE, what="open was false, is true", reason=reason, steps=("open",))


def _parameters(old: Route, new: Route, before: Contract | None, after: Contract | None) -> Iterator[Change]:
    tails = [{each.name: each.tail for each in route.parameters} for route in (old, new)]
    if tails[0] != tails[1]:
        what = f"parameters were {_names(tails[0])}, are {_names(tails[1])}"
        yield Change(kind=CLIENTS, what=what, reason="Addresses have other parts.", steps=("path",), ends=True)
        yield Change(kind=HANDLERS, what=what, reason="Handlers get other parameters.", steps=("path",))
        return
    if before is None or after is None:
        if old.parameters != new.parameters:
            reason = "The parameters cannot be compared: what they were is not known."
            steps = ("parameters",)
            yield Change(kind=CLIENTS, what="parameters have changed", reason=reason, steps=steps, ends=True)
        return
    for name in tails[0]:
        sides = before.parameters.get(name), after.parameters.get(name)
        if sides[0] is None or sides[1] is None:
            continue
        found = _payload(sides[0], sides[1], ("parameters", name), f"parameter {name}", "", "client")
        yield from found


def _capabilities(old: Route, new: Route) -> Iterator[Change]:
    for name in old.capabilities:
        if name not in new.capabilities:
            reason = "Clients that ask for it do not find it."
            yield Change(
                kind=CLIENTS, what=f"capability {name!r} removed", reason=reason, steps=("capabilities",), gone=True
            )
    for name in new.capabilities:
        if name not in old.capabilities:
            reason = "Clients may ask for it."
            yield Change(kind=COMPATIBLE, what=f"capability {name!r} added", reason=reason, steps=("capabilities",))


def _source(old: Route, new: Route) -> Iterator[Change]:
    if old.upstream is not None and new.upstream is not None:
        for change in policy_changes(old.upstream, new.upstream, frozenset(), ("proxy",)):
            yield msgspec.structs.replace(change, reason="Connections that open from now on meet it.")
    if (old.source, old.handler) == (new.source, new.handler):
        return
    key = {"module": "pythonModule", "worker": "worker", "proxy": "proxy"}[new.source]
    what = f"answered by {answerer(old)}, now by {answerer(new)}"
    if "proxy" in (old.source, new.source):
        reason = "Open connections stay with what answered them until the drain window ends; then their clients return."
        yield Change(kind=COMPATIBLE, what=what, reason=reason, steps=(key,), ends=True)
    elif new.source == "worker":
        reason = "Workers of the new name have to connect; those of the old one get nothing more."
        yield Change(kind=HANDLERS, what=what, reason=reason, steps=(key,))
    else:
        reason = "Processes of the new module take over when they are ready."
        yield Change(kind=COMPATIBLE, what=what, reason=reason, steps=(key,))


def answerer(route: Route) -> str:
    """Who answers a route: ``module greeter``, ``worker billing`` or ``upstream ws://...``."""
    if route.source == "proxy":
        return f"upstream {route.handler or 'PYTHON_BACKEND_URL'}"
    return f"{route.source} {route.handler}"


def _auth(old: Route, new: Route) -> Iterator[Change]:
    if old.auth == new.auth:
        return
    what = f"auth was {_ways(old)}, is {_ways(new)}"
    if _ways(old) == _ways(new):
        pairs = zip(old.auth, new.auth, strict=True)
        differ = [change for each in pairs for change in policy_changes(*each, frozenset(), (_kind(each[0]),))]
        what = f"auth: {'; '.join(change.what for change in differ)}"
    if new.auth and not old.auth:
        reason = "Clients have to say who they are."
        yield Change(kind=CLIENTS, what=what, reason=reason, steps=("auth",), ends=True)
    elif new.auth and not set(old.auth) <= set(new.auth):
        reason = "Clients that connect as they did may be refused."
        yield Change(kind=CLIENTS, what=what, reason=reason, steps=("auth",), ends=True)
    else:
        reason = "Who could connect still can."
        yield Change(kind=POLICY, what=what, reason=reason, steps=("auth",), gone=not new.auth)


def _ways(route: Route) -> str:
    return " or ".join(map(_kind, route.auth)) or "off"


def _kind(way: Auth) -> str:
    return str(way.__struct_config__.tag)


def _messages(old: Route, new: Route, before: Contract | None, after: Contract | None) -> Iterator[Change]:
    earlier = {message.name: message for message in old.messages}
    later = {message.name: message for message in new.messages}
    for name, message in earlier.items():
        steps = ("messages", name)
        if name not in later:
            for side in _directions(message):
                yield from _removed(side, name, steps, gone=True)
        else:
            yield from _message(message, later[name], before, after)
    for name, message in later.items():
        if name not in earlier:
            for side in _directions(message):
                yield from _added(side, name, ("messages", name), new)


def _directions(message: MessageType) -> tuple[str, ...]:
    return ("client", "handler") if message.origin == "both" else (message.origin,)


def _removed(side: str, name: str, steps: tuple[str, ...], *, gone: bool) -> Iterator[Change]:
    """A message that this side no longer sends; ``gone``: that nobody does."""
    what = "message removed" if gone else f"no longer from {side}s"
    if side == "client":
        clients = "Clients that send it are answered with unknown_type."
        handlers = "No client sends it any more, and a module that handles it does not start."
    else:
        clients, handlers = "Clients that wait for it get it no more.", "Handlers may no longer send it."
    yield Change(kind=CLIENTS, what=what, reason=clients, message=name, steps=steps, gone=gone, ends=True)
    yield Change(kind=HANDLERS, what=what, reason=handlers, message=name, steps=steps, gone=gone)


def _added(side: str, name: str, steps: tuple[str, ...], route: Route, what: str = "message added") -> Iterator[Change]:
    if side == "client":
        reason = "Clients may send it; what they sent before means the same."
        yield Change(kind=COMPATIBLE, what=what, reason=reason, message=name, steps=steps)
        if route.framing == "message":
            reason = "It has to be handled: a module without a handler for it does not start."
            yield Change(kind=HANDLERS, what=what, reason=reason, message=name, steps=steps)
    else:
        reason = "Handlers may send it; clients pass over what they do not know."
        yield Change(kind=COMPATIBLE, what=what, reason=reason, message=name, steps=steps)


def _message(old: MessageType, new: MessageType, before: Contract | None, after: Contract | None) -> Iterator[Change]:
    name, steps = new.name, ("messages", new.name)
    were, are = _directions(old), _directions(new)
    for side in were:
        if side not in are:
            yield from _removed(side, name, (*steps, "from"), gone=False)
    for side in are:
        if side not in were:
            yield from _added(side, name, (*steps, "from"), _ANY_ROUTE, f"from {side}s too")
    if old.digest != new.digest:
        yield from _reply(old, new, steps)
        common = [side for side in are if side in were]
        yield from _payloads(old, new, before, after, common)
    if old.scopes != new.scopes:
        what = f"scopes were {_listed(old.scopes)}, are {_listed(new.scopes)}"
        more = not set(new.scopes) <= set(old.scopes)
        reason = "Clients without them are answered with forbidden." if more else "Who could send it still can."
        at = (*steps, "scopes")
        yield Change(kind=CLIENTS if more else POLICY, what=what, reason=reason, message=name, steps=at)
    for change in policy_changes(old, new, _OF_MESSAGES, steps):
        yield msgspec.structs.replace(change, message=name)
    if old.deprecated != new.deprecated:
        what = "deprecated" if new.deprecated else "no longer deprecated"
        reason = "It works as before."
        yield Change(kind=COMPATIBLE, what=what, reason=reason, message=name, steps=(*steps, "deprecated"))


_ANY_ROUTE = Route(name="", path="", handler="", digest="", contract="")
_OF_MESSAGES = frozenset(
    {"name", "origin", "payload", "check", "optional", "reply", "stream", "deprecated", "summary", "scopes", "digest"}
)
"""Fields of a message that are no policies. ``payload`` and ``check`` are other objects after each load: the digest
says whether they are the same."""


def _reply(old: MessageType, new: MessageType, steps: tuple[str, ...]) -> Iterator[Change]:
    if (old.reply, old.stream) == (new.reply, new.stream):
        return
    what = f"reply was {_answer(old)}, is {_answer(new)}"
    steps = (*steps, "reply")
    if old.reply is not None:
        reason = "Clients wait for the old reply."
        yield Change(kind=CLIENTS, what=what, reason=reason, message=new.name, steps=steps, ends=True)
    else:
        reason = "Any answer was allowed; now it is always the same."
        yield Change(kind=COMPATIBLE, what=what, reason=reason, message=new.name, steps=steps)
    if new.reply is not None:
        reason = "Handlers have to answer with it."
        yield Change(kind=HANDLERS, what=what, reason=reason, message=new.name, steps=steps)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names)) or "none"


def _answer(message: MessageType) -> str:
    if message.reply is None:
        return "any"
    return f"a stream of {message.reply!r}" if message.stream else repr(message.reply)


def _payloads(
    old: MessageType, new: MessageType, before: Contract | None, after: Contract | None, sides: list[str]
) -> Iterator[Change]:
    name, steps = new.name, ("messages", new.name, "payload")
    if before is None or after is None:
        what = "payload has changed"
        reason = "It cannot be compared: what it was is not known."
        yield Change(kind=CLIENTS, what=what, reason=reason, message=name, steps=steps, ends=True)
        return
    earlier, later = before.payloads.get(name), after.payloads.get(name)
    if earlier is None and later is None:
        return
    found = [
        change
        for side in sides
        for change in (
            _payload(earlier or _NULL, later or _NULL, steps, "payload", name, side)
            if earlier is not None and later is not None
            else _presence(new, side, steps, given=later is not None)
        )
    ]
    if not found and sides and (old.reply, old.stream) == (new.reply, new.stream):
        reason = "The same values are accepted; defaults may differ."
        found = [Change(kind=COMPATIBLE, what="payload is written otherwise", reason=reason, message=name, steps=steps)]
    yield from dict.fromkeys(found)


def _presence(message: MessageType, side: str, steps: tuple[str, ...], *, given: bool) -> Iterator[Change]:
    """A payload where there was none, or none where there was one."""
    name = message.name
    if not given:
        clients = "Clients that send one are refused." if side == "client" else "Clients get it no more."
        what = "payload removed"
        yield Change(kind=CLIENTS, what=what, reason=clients, message=name, steps=steps, gone=True, ends=True)
        reason = "Handlers have no use for it any more."
        yield Change(kind=HANDLERS, what=what, reason=reason, message=name, steps=steps, gone=True)
    elif side == "client" and not message.optional:
        reason = "Clients that send none are refused."
        yield Change(kind=CLIENTS, what="payload is required now", reason=reason, message=name, steps=steps, ends=True)
    elif side == "handler" and not message.optional:
        reason = "Handlers have to give one."
        yield Change(kind=HANDLERS, what="payload is required now", reason=reason, message=name, steps=steps)
    else:
        reason = "It may be left out, as before."
        yield Change(kind=COMPATIBLE, what="payload added", reason=reason, message=name, steps=steps)


def _payload(old: Schema, new: Schema, steps: tuple[str, ...], label: str, message: str, side: str) -> Iterator[Change]:
    """The changes of one schema, whose values this side sends."""
    narrowed, widened = losses(old, new), losses(new, old)
    lost = {loss.steps for loss in narrowed}
    for loss in narrowed:
        yield from _judged(loss, True, steps, label, message, side)
    for loss in widened:
        if loss.keyword in ("properties", "additionalProperties") and loss.steps in lost:
            continue  # a new property that is required has been told
        yield from _judged(loss, False, steps, label, message, side)


def _judged(
    loss: Loss, narrowed: bool, steps: tuple[str, ...], label: str, message: str, side: str
) -> Iterator[Change]:
    """What one loss means: to whoever sends the values if the schema has narrowed, else to whoever gets them."""
    property_ = loss.keyword == "properties" or (loss.keyword == "additionalProperties" and loss.given is not True)
    gone = narrowed and property_
    what = f"{label}{place(loss.steps)}: {happened(loss, narrowed=narrowed)}"
    at = (*steps, *loss.steps, *(() if property_ or loss.keyword == "required" else (loss.keyword,)))
    clients, handlers = _REASONS[side, narrowed]
    if loss.keyword == "required":
        clients, handlers = _REQUIRED_REASONS[side, narrowed]
    if property_:
        clients, handlers = _PROPERTY_REASONS[side, narrowed]
        if loss.keyword == "properties" and (side, narrowed) == ("handler", False):
            clients, handlers = "", ""
    if loss.undecided:
        clients, handlers = (
            each and f"It cannot be compared: {each[0].lower()}{each[1:]}" for each in (clients, handlers)
        )
    for kind, reason in ((CLIENTS, clients), (HANDLERS, handlers)):
        if reason:
            yield Change(
                kind=kind, what=what, reason=reason, message=message, steps=at, gone=gone, ends=kind is CLIENTS
            )
    if not clients and not handlers:
        reason = "Whoever does not know it does without it."
        yield Change(kind=COMPATIBLE, what=what, reason=reason, message=message, steps=at, gone=gone)


_REASONS: dict[tuple[str, bool], tuple[str, str]] = {
    ("client", True): ("What clients send may be refused.", ""),
    ("client", False): ("", "Handlers may get what they did not get before."),
    ("handler", True): ("", "What handlers send may be refused."),
    ("handler", False): ("Clients may get what they did not get before.", ""),
}
"""By who sends it, and whether it was narrowed: what it means for clients, and for handlers."""

_REQUIRED_REASONS: dict[tuple[str, bool], tuple[str, str]] = {
    ("client", True): ("Clients that leave it out are refused.", ""),
    ("client", False): ("", "Handlers may not find it."),
    ("handler", True): ("", "Handlers have to send it."),
    ("handler", False): ("Clients may not find it.", ""),
}
"""The same, for a property that has to be there, or need not any more."""

_PROPERTY_REASONS: dict[tuple[str, bool], tuple[str, str]] = {
    ("client", True): ("What clients send of it is refused, or no longer read.", "Handlers get it no more."),
    ("client", False): ("", ""),
    ("handler", True): ("", "Handlers can no longer send it."),
    ("handler", False): ("Clients were promised no further properties.", ""),
}
"""The same, for a property that was removed or added."""


def _names(parameters: dict[str, bool]) -> str:
    return ", ".join(f"{{{name}...}}" if tail else f"{{{name}}}" for name, tail in parameters.items()) or "none"
