"""Message types that a handler can be seen to tell apart, and those that it can be seen to send.

Strategy: a type is a string that something under a telling key (``data["type"]``, ``data.get("action")``) is compared
with, matched by, or looked up in a dict of handlers by; or the constant under such a key in a dict literal that is
sent. The functions that a handler calls, in its own module or on ``self``, are read as well, to one level.
"""

import ast
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from routewright.scan.constants import Constants
from routewright.scan.modules import FunctionNode, Scope
from routewright.scan.names import Definition, Expression, Names

KEYS = ("type", "action", "event", "op", "cmd", "command", "kind", "method", "msg_type", "message_type", "msgtype")
"""Keys that usually say what a message is."""

_SENDING = frozenset(
    {"send", "send_json", "send_str", "send_text", "send_message", "send_bytes", "send_data", "send_event", "send_to"}
    | {"send_personal_message", "send_response", "send_update", "send_error", "write_message", "broadcast"}
    | {"broadcast_json", "emit", "publish", "reply", "respond"}
)
_DEPTH = 1
_OWN = ("websocket.", "lifespan.", "http.")


class Seen(NamedTuple):
    """A message type: ``key`` says where in a frame it stands, ``origin`` who sends it."""

    name: str
    key: str
    origin: Literal["client", "handler"]


class Messages:
    """Reads handlers."""

    def __init__(self, names: Names, constants: Constants) -> None:
        self.names = names
        self.constants = constants

    def of(self, definition: Definition | None) -> tuple[Seen, ...]:
        """What a handler receives, then what it sends, each in the order of the source."""
        if definition is None:
            return ()
        found: dict[Seen, None] = {}
        for function in self._functions(definition):
            found.update(dict.fromkeys(_Function(self, function).seen()))
        return tuple(sorted(found, key=lambda seen: seen.origin))

    def _functions(self, definition: Definition) -> Iterator[Definition]:
        """The handler itself, or its methods, then the functions that they call, one level down."""
        level = [definition]
        if isinstance(definition.node, ast.ClassDef):
            inner = definition.scope.inner.values()
            level = [Definition(each.node, each) for each in inner if isinstance(each.node, FunctionNode)]
        done: set[int] = set()
        for depth in range(_DEPTH + 1):
            below: list[Definition] = []
            for function in level:
                if id(function.node) in done:
                    continue
                done.add(id(function.node))
                yield function
                if depth < _DEPTH:
                    below.extend(self._called(function))
            level = below

    def _called(self, function: Definition) -> Iterator[Definition]:
        for node in ast.walk(function.node):
            if isinstance(node, ast.Subscript | ast.Call):
                yield from self._dispatched(node, function)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                if isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, ast.Name):
                    continue
                thing = self.names.thing(node.func, function.scope)
                here = isinstance(thing, Definition) and thing.scope.module is function.scope.module
                if here and isinstance(thing, Definition) and isinstance(thing.node, FunctionNode):
                    yield thing

    def _dispatched(self, node: ast.Subscript | ast.Call, function: Definition) -> Iterator[Definition]:
        """The functions in a dict that is looked into."""
        match node:
            case ast.Subscript(value=ast.Name() | ast.Attribute() as table, ctx=ast.Load()):
                pass
            case ast.Call(func=ast.Attribute(attr="get", value=ast.Name() | ast.Attribute() as table)):
                pass
            case _:
                return
        thing = self.names.thing(table, function.scope)
        if isinstance(thing, Expression) and isinstance(thing.node, ast.Dict):
            for value in thing.node.values:
                if isinstance(value, ast.Name | ast.Attribute):
                    found = self.names.thing(value, thing.scope)
                    if isinstance(found, Definition) and isinstance(found.node, FunctionNode):
                        yield found


class _Function:
    """One function on its way through `Messages`."""

    def __init__(self, messages: Messages, function: Definition) -> None:
        self._constants = messages.constants
        self._names = messages.names
        self._scope = function.scope
        self._nodes = list(ast.walk(function.node))
        self._variables: dict[str, str] = {}
        self._variables.update(self._kinds())

    def _kinds(self) -> Iterator[tuple[str, str]]:
        """Local variables that hold a message's type, each with its key."""
        for node in self._nodes:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if key := self._lookup(value):
                    yield name, key
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if key := self._lookup(value):
                    yield name, key
                case ast.NamedExpr(target=ast.Name(id=name), value=value) if key := self._lookup(value):
                    yield name, key

    def _lookup(self, node: ast.expr) -> str:
        """The telling key that an expression looks up; empty where it does not."""
        match node:
            case ast.Subscript(slice=ast.Constant(value=str() as key)) if key in KEYS:
                return key
            case ast.Call(func=ast.Attribute(attr="get" | "pop"), args=[ast.Constant(value=str() as key), *_]):
                return key if key in KEYS else ""
            case ast.Call(func=ast.Attribute(attr="lower" | "strip" | "upper", value=inner)):
                return self._key(inner)
            case ast.BoolOp(op=ast.Or(), values=[first, *_]) | ast.Call(func=ast.Name(id="str"), args=[first]):
                return self._key(first)
        return ""

    def _key(self, node: ast.expr) -> str:
        if isinstance(node, ast.NamedExpr):
            return self._key(node.value)
        if isinstance(node, ast.Name):
            return self._variables.get(node.id, "")
        return self._lookup(node)

    def seen(self) -> Iterator[Seen]:
        for node in self._nodes:
            match node:
                case ast.Compare():
                    yield from self._compared(node)
                case ast.Match():
                    yield from self._matched(node)
                case ast.Subscript(value=ast.Name() | ast.Attribute() as table, slice=index) if key := self._key(index):
                    yield from self._client(self._constants.keys(table, self._scope), key)
                case ast.Call():
                    yield from self._call(node)

    def _client(self, names: Iterable[str], key: str) -> Iterator[Seen]:
        return (Seen(name, key, "client") for name in names if name and not name.startswith(_OWN))

    def _compared(self, node: ast.Compare) -> Iterator[Seen]:
        if len(node.ops) != 1:
            return
        left, right = node.left, node.comparators[0]
        match node.ops[0]:
            case ast.Eq() | ast.NotEq():
                for one, other in ((left, right), (right, left)):
                    if key := self._key(one):
                        yield from self._client([self._constants.string(other, self._scope) or ""], key)
            case ast.In() | ast.NotIn() if key := self._key(left):
                items = self._constants.items(right, self._scope)
                yield from self._client([self._constants.string(each, where) or "" for each, where in items], key)

    def _matched(self, node: ast.Match) -> Iterator[Seen]:
        key = self._key(node.subject)
        for case in node.cases:
            for pattern in _options(case.pattern):
                if isinstance(pattern, ast.MatchValue) and key:
                    yield from self._client([self._constants.string(pattern.value, self._scope) or ""], key)
                elif isinstance(pattern, ast.MatchMapping):
                    yield from self._mapping(pattern)

    def _mapping(self, pattern: ast.MatchMapping) -> Iterator[Seen]:
        for place, inner in zip(pattern.keys, pattern.patterns, strict=True):
            if isinstance(place, ast.Constant) and place.value in KEYS:
                for option in _options(inner):
                    if isinstance(option, ast.MatchValue):
                        name = self._constants.string(option.value, self._scope) or ""
                        yield from self._client([name], str(place.value))
                return

    def _call(self, node: ast.Call) -> Iterator[Seen]:
        match node.func:
            case ast.Attribute(attr="get", value=ast.Name() | ast.Attribute() as table) if node.args:
                if key := self._key(node.args[0]):
                    yield from self._client(self._constants.keys(table, self._scope), key)
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in _SENDING:
                for given in (*node.args, *(each.value for each in node.keywords)):
                    yield from self._sent(given)

    def _sent(self, node: ast.expr) -> Iterator[Seen]:
        match node:
            case ast.Call(func=ast.Attribute(attr="dumps" | "encode" | "serialize" | "decode"), args=[inner, *_]):
                yield from self._sent(inner)
            case ast.Call(func=ast.Attribute(attr="encode" | "decode", value=inner), args=[]):
                yield from self._sent(inner)
            case ast.Name():
                thing = self._names.thing(node, self._scope)
                if isinstance(thing, Expression) and isinstance(thing.node, ast.Dict):
                    yield from self._typed(thing.node, thing.scope)
            case ast.Dict():
                yield from self._typed(node, self._scope)

    def _typed(self, node: ast.Dict, scope: Scope) -> Iterator[Seen]:
        for key in KEYS:
            for place, value in zip(node.keys, node.values, strict=True):
                if isinstance(place, ast.Constant) and place.value == key:
                    name = self._constants.string(value, scope)
                    if name and not name.startswith(_OWN):
                        yield Seen(name, key, "handler")
                    return


def _options(pattern: ast.pattern) -> Iterator[ast.pattern]:
    """The alternatives of a pattern, without the names that they bind."""
    waiting: list[ast.pattern] = [pattern]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.MatchOr):
            waiting.extend(reversed(each.patterns))
        elif isinstance(each, ast.MatchAs) and each.pattern is not None:
            waiting.append(each.pattern)
        else:
            yield each
