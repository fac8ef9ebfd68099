"""Handlers: which function or class an expression means, and whether it can be seen to answer a WebSocket."""

import ast
import re

from routewright.scan.constants import source_text
from routewright.scan.frameworks import FRAMEWORKS
from routewright.scan.modules import Scope
from routewright.scan.names import Definition, Expression, External, Names
from routewright.scan.sites import Handler
from routewright.scan.vocabulary import Framework

_RESPONSE = "WebSocketResponse"
_BY_NAME = {
    "tornado": re.compile(r"Web[sS]ocketHandler$"),
    "channels": re.compile(r"(?<!Http)(?<!HTTP)Consumer$"),
    "starlette": re.compile(r"WebSocketEndpoint$"),
    "litestar": re.compile(r"WebsocketListener$"),
}
_PACKAGES = frozenset(package for framework in FRAMEWORKS for package in framework.packages)
_DEPTH = 2
_WRAPPED = 4


class Answers:
    """Judges handlers; remembers each."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._upgrading: dict[int, bool] = {}
        self._classes: dict[int, Framework | None] = {}

    def handler(self, node: ast.expr, scope: Scope) -> Handler:
        """What an argument for a handler means: decorators, ``partial`` and ``as_asgi()`` are seen through."""
        shown = source_text(node, scope.module)
        inner: ast.expr = node
        for _ in range(_WRAPPED):
            thing = self.names.thing(inner, scope)
            if isinstance(thing, Definition):
                return Handler(thing.name, thing)
            if isinstance(thing, Expression) and isinstance(thing.node, ast.Call):
                inner, scope = thing.node, thing.scope
            match inner:
                case ast.Call(func=ast.Attribute(attr="as_asgi" | "as_view" | "as_handler", value=ast.expr() as owner)):
                    inner = owner
                case ast.Call(args=[first, *_]):
                    inner = first
                case ast.Call(func=ast.expr() as function):
                    inner = function
                case _:
                    break
        thing = self.names.thing(inner, scope)
        if isinstance(thing, Definition):
            return Handler(thing.name, thing)
        return Handler(thing.name if isinstance(thing, External) and thing.name else shown)

    def base(self, definition: Definition) -> Framework | None:
        """The framework whose WebSocket class a class derives from."""
        key = id(definition.node)
        if key not in self._classes:
            self._classes[key] = self._base(definition)
        return self._classes[key]

    def _base(self, definition: Definition) -> Framework | None:
        if not isinstance(definition.node, ast.ClassDef):
            return None
        externals = list(self.names.externals(definition))
        over_http = any("httpconsumer" in external.last.lower() for external in externals)
        for external in externals:
            for framework in FRAMEWORKS:
                if external.package in framework.packages and external.last in framework.bases:
                    return framework
                by_name = _BY_NAME.get(framework.name)
                if by_name is not None and by_name.search(external.last) and external.package not in _PACKAGES:
                    imported = definition.scope.module.packages
                    if framework.name != "channels" or "ocket" in external.last or "channels" in imported:
                        return None if framework.name == "channels" and over_http else framework
        return None

    def fits(self, framework: Framework, handler: Handler, node: ast.expr | None) -> bool:
        """Whether a handler of a framework that also serves plain HTTP answers WebSockets."""
        if not framework.checks:
            return True
        definition = handler.definition
        match framework.name:
            case "aiohttp":
                return definition is not None and self.upgrades(definition)
            case "channels":
                called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
                as_asgi = called and isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "as_asgi"
                if definition is None:
                    return as_asgi and not handler.name.lower().endswith("httpconsumer")
                over_http = any("http" in external.last.lower() for external in self.names.externals(definition))
                return self.base(definition) is framework or (as_asgi and not over_http)
        if definition is not None:
            return self.base(definition) is framework
        return _BY_NAME["tornado"].search(handler.name) is not None

    def upgrades(self, definition: Definition, depth: int = 0) -> bool:
        """Whether a function, or a method of a class, makes an aiohttp ``WebSocketResponse``, itself or by a function
        that it calls."""
        key = id(definition.node)
        if key not in self._upgrading:
            self._upgrading[key] = False
            self._upgrading[key] = self._upgrades(definition, depth)
        return self._upgrading[key]

    def _upgrades(self, definition: Definition, depth: int) -> bool:
        calls = [node for node in ast.walk(definition.node) if isinstance(node, ast.Call)]
        for call in calls:
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name == _RESPONSE:
                return True
        if depth >= _DEPTH:
            return False
        scope = definition.scope
        for call in calls:
            if isinstance(call.func, ast.Name | ast.Attribute):
                thing = self.names.thing(call.func, _scope_of(scope, call))
                if not isinstance(thing, Definition) or thing.node is definition.node:
                    continue
                if self._is_response(thing) or self.upgrades(thing, depth + 1):
                    return True
        return False

    def _is_response(self, definition: Definition) -> bool:
        return any(external.last == _RESPONSE for external in self.names.externals(definition))


def _scope_of(scope: Scope, node: ast.AST) -> Scope:
    """The scope of the method in a class that holds a node; the scope itself where that is a function."""
    line = getattr(node, "lineno", 0)
    inside = True
    while inside:
        inside = False
        for inner in scope.inner.values():
            if getattr(inner.node, "lineno", 0) <= line <= getattr(inner.node, "end_lineno", 0):
                scope, inside = inner, True
                break
    return scope
