"""A module read from top to bottom: every call, decorator and list that has to do with routes."""

import ast
import re
from collections.abc import Iterator

from routewright.scan.arguments import argument
from routewright.scan.building import Sites
from routewright.scan.frameworks import FRAMEWORKS
from routewright.scan.modules import READING, Binding, Branch, DefinitionNode, FunctionNode, Module, Scope, bodies
from routewright.scan.names import Definition
from routewright.scan.sites import Handler, Place, Registration, Site
from routewright.scan.vocabulary import At, Framework, Holds, Mounts, Registers, Word

_TURNS = 64
_NESTED = 2
_SURE = frozenset(
    {"websocket", "websocket_route", "add_websocket_route", "add_api_websocket_route", "add_websocket"}
    | {"add_get", "add_view", "add_route"}
)
_MOUNTING = frozenset({"include_router", "add_subapp", "register_blueprint", "add_routes", "add_handlers"})
_METHODS = frozenset(name for framework in FRAMEWORKS for name in framework.methods)
_LISTING = frozenset({"append", "extend", "insert"})
_SOCK = re.compile(r"(^|\.|_)(ws|sock|sockets?|websockets?)$")


class Reader:
    """Reads modules, and collects what they call with which arguments."""

    def __init__(self, sites: Sites) -> None:
        self.sites = sites
        self.names = sites.names
        self.calls: dict[int, list[tuple[ast.Call, Scope, int]]] = {}
        """Calls of functions of the files, by the function's node; with how many arguments a method is given unseen."""
        self.classes: list[Definition] = []

    def read(self, module: Module) -> None:
        """Read a whole module."""
        waiting: list[tuple[Scope, list[ast.stmt]]] = [(module.scope, module.tree.body)]
        while waiting:
            scope, body = waiting.pop()
            inner: dict[int, tuple[Scope, list[ast.stmt]]] = {}
            for statement, here, branch in _visits(self.sites, body, scope, None, 0):
                if isinstance(statement, DefinitionNode):
                    if id(statement) in scope.inner:
                        definition = Definition(statement, scope.inner[id(statement)])
                        if isinstance(statement, ast.ClassDef) or module.has(READING, statement):
                            inner[id(statement)] = definition.scope, statement.body
                        self._define(definition, here, branch)
                else:
                    self._state(statement, here, branch)
                for node in _parts(statement):
                    if isinstance(node, ast.Call):
                        self._call(node, here, branch)
                    else:
                        self.sites.site(node, here)
            waiting.extend(reversed(inner.values()))

    # Definitions and their decorators

    def _define(self, definition: Definition, scope: Scope, branch: Branch | None) -> None:
        node = definition.node
        if isinstance(node, ast.ClassDef):
            self.classes.append(definition)
        if isinstance(node, ast.ClassDef) or node.decorator_list:
            self.sites.definition(definition)
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute):
                self._decorate(decorator, decorator.func, Handler(definition.name, definition), scope, branch)

    def _decorate(
        self, call: ast.Call, method: ast.Attribute, handler: Handler, scope: Scope, branch: Branch | None
    ) -> None:
        if method.attr not in _METHODS or self.sites.word(self.names.thing(method, scope)) is not None:
            return
        if (site := self.sites.site(method.value, scope)) is None:
            return
        found = self._word(site, method, scope, handler)
        if found is None:
            return
        framework, word = found
        if not isinstance(word, Registers) or not self.sites.answers.fits(framework, handler, None):
            return
        if word.into is not None and (into := argument(call, word.into)) is not None:
            site = self.sites.site(into, scope) or site
        self._register(site, call, framework, word, handler, scope, branch)

    def _word(
        self, site: Site, method: ast.Attribute, scope: Scope, handler: Handler | None
    ) -> tuple[Framework, Word] | None:
        """What a method of a site means: by the site's framework, or by what the module imports."""
        if site.framework is not None and (word := site.framework.methods.get(method.attr)) is not None:
            return site.framework, word
        if site.framework is not None and method.attr not in _SURE | _MOUNTING:
            return None
        imported = scope.module.packages
        able = [each for each in FRAMEWORKS if method.attr in each.methods]
        likely = [each for each in able if imported.intersection(each.packages)]
        if not likely and method.attr in _SURE | _MOUNTING:
            likely = [_guess(handler)] if handler is not None and method.attr == "websocket" else able[:1]
        if not likely and method.attr == "route" and _SOCK.search(site.shown):
            likely = [each for each in able if each.name == "flask-sock"]
        for framework in likely:
            if method.attr in framework.methods:
                return framework, framework.methods[method.attr]
        return None

    def _register(
        self,
        site: Site,
        call: ast.Call,
        framework: Framework,
        word: Registers,
        handler: Handler,
        scope: Scope,
        branch: Branch | None,
    ) -> None:
        given = argument(call, word.path)
        version = self.sites.paths.version(argument(call, word.version), scope)
        for path in self.sites.paths.each(given, scope, framework.syntax):
            place = Place(scope.module.shown, call.lineno)
            if not any(
                isinstance(item, Registration) and item.place == place and item.path == path for item in site.items
            ):
                made = self.sites.register(site, path, handler, framework, place)
                made.branch, made.version = branch, version

    # Calls and statements

    def _call(self, node: ast.Call, scope: Scope, branch: Branch | None) -> None:
        function = self.names.thing(node.func, scope)
        if isinstance(function, Definition):
            self._remember(node, scope, function)
        word = self.sites.word(function)
        if word is not None:
            site = self.sites.site(node, scope)
            for item in site.items if site is not None and isinstance(word[1], Registers) else ():
                if isinstance(item, Registration):
                    item.branch = branch
            return
        match node.func:
            case ast.Attribute():
                self._method(node, node.func, scope, branch)
            case ast.Call(func=ast.Attribute(attr=name) as method) as inner if name in _METHODS and node.args:
                self._decorate(inner, method, self.sites.answers.handler(node.args[0], scope), scope, branch)

    def _remember(self, node: ast.Call, scope: Scope, function: Definition) -> None:
        called, unseen = function, int(isinstance(node.func, ast.Attribute) and _is_method(function))
        if isinstance(function.node, ast.ClassDef):
            start = self.names.attribute(function, "__init__")
            if not isinstance(start, Definition):
                return
            called, unseen = start, 1
        self.calls.setdefault(id(called.node), []).append((node, scope, unseen))

    def _method(self, node: ast.Call, method: ast.Attribute, scope: Scope, branch: Branch | None) -> None:
        name = method.attr
        if name == "__init__":
            self._start(node, scope)
        if name in _LISTING and node.args:
            self._list(method.value, node.args[-1], scope)
        if name == "init_app" and node.args:
            self._inside(node, method, scope)
        if name not in _METHODS or (site := self.sites.site(method.value, scope)) is None:
            return
        found = self._word(site, method, scope, None)
        if found is None:
            return
        framework, word = found
        if isinstance(word, Mounts):
            prefix = argument(node, word.prefix)
            for child in self.sites.children(node, scope, word):
                replaces = word.replaces and prefix is not None
                site.mount(child, self.sites.paths.one(prefix, scope, framework.syntax), replaces=replaces)
        elif isinstance(word, Registers) and (given := argument(node, word.handler)) is not None:
            handler = self.sites.answers.handler(given, scope)
            if self.sites.answers.fits(framework, handler, given):
                self._register(site, node, framework, word, handler, scope, branch)
        elif (
            isinstance(word, Registers) and site.framework is framework and name == "add_route" and len(node.args) == 2
        ):
            self._resource_route(node, site, framework, scope, branch)

    def _resource_route(
        self, node: ast.Call, site: Site, framework: Framework, scope: Scope, branch: Branch | None
    ) -> None:
        """aiohttp's ``add_resource(path).add_route(method, handler)``: the path is the site's own."""
        handler = self.sites.answers.handler(node.args[1], scope)
        if self.sites.answers.fits(framework, handler, node.args[1]):
            self.sites.register(site, (), handler, framework, Place(scope.module.shown, node.lineno)).branch = branch

    def _start(self, node: ast.Call, scope: Scope) -> None:
        """``super().__init__(routes)`` in a class that derives from something that holds routes."""
        owner = self.names.owner(scope)
        found = None if owner is None else self.sites.word(owner)
        site = None if owner is None else self.sites.definition(owner)
        if found is not None and site is not None and isinstance(found[1], Holds):
            given = [argument(node, At(keyword=at.keyword)) for at in found[1].routes] + node.args
            for each in given:
                if isinstance(each, ast.List | ast.Name | ast.BinOp) and (child := self.sites.site(each, scope)):
                    site.mount(child)

    def _list(self, holder: ast.expr, given: ast.expr, scope: Scope) -> None:
        """A route that is appended to a list of routes."""
        if not isinstance(given, ast.Call | ast.Name | ast.Attribute | ast.List | ast.Tuple | ast.BinOp):
            return
        child = self.sites.site(given, scope)
        if child is not None and child.items and (site := self.sites.site(holder, scope)) is not None:
            site.mount(child)

    def _inside(self, node: ast.Call, method: ast.Attribute, scope: Scope) -> None:
        """``sock.init_app(app)``."""
        site = self.sites.site(method.value, scope)
        if site is not None and site.framework is not None and site.framework.name == "flask-sock":
            holder = self.sites.site(node.args[0], scope)
            if holder is not None:
                holder.mount(site)

    def _state(self, statement: ast.stmt, scope: Scope, branch: Branch | None) -> None:
        if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add):
            self._list(statement.target, statement.value, scope)

    # Arguments of the functions that are given a site

    def connect(self) -> None:
        """Mount what functions do to their parameters where they are called."""
        waiting = [site for site in self.sites.all.values() if site.parameter is not None and site.items]
        done: set[int] = set()
        while waiting:
            site = waiting.pop()
            if id(site) in done or site.parameter is None:
                continue
            done.add(id(site))
            inner, name = site.parameter
            for node, scope, unseen in self.calls.get(id(inner.node), ()):
                given = _given(node, inner.node, name, unseen)
                holder = None if given is None else self.sites.site(given, scope)
                if holder is not None:
                    holder.mount(site)
                    if holder.parameter is not None:
                        waiting.append(holder)


def _given(node: ast.Call, function: ast.AST, name: str, unseen: int) -> ast.expr | None:
    if not isinstance(function, FunctionNode):
        return None
    for keyword in node.keywords:
        if keyword.arg == name:
            return keyword.value
    names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
    at = names.index(name) - unseen if name in names else -1
    if 0 <= at < len(node.args) and not any(isinstance(each, ast.Starred) for each in node.args[: at + 1]):
        return node.args[at]
    return None


def _is_method(function: Definition) -> bool:
    parent = function.scope.parent
    return parent is not None and parent.kind == "class"


def _guess(handler: Handler) -> Framework:
    """The framework by how many arguments a decorated function takes: Sanic's two, Quart's none, FastAPI's any."""
    node = handler.definition.node if handler.definition is not None else None
    names = [each.arg for each in node.args.args] if isinstance(node, FunctionNode) else ["websocket"]
    wanted = "quart" if not names else "sanic" if names[0] == "request" and len(names) > 1 else "fastapi"
    return next(each for each in FRAMEWORKS if each.name == wanted)


def _visits(
    sites: Sites, body: list[ast.stmt], scope: Scope, branch: Branch | None, nested: int
) -> Iterator[tuple[ast.stmt, Scope, Branch | None]]:
    """Each statement, in its scope and branch; the body of a loop over known values once for each of them."""
    waiting = [(each, branch) for each in reversed(body)]
    while waiting:
        statement, branch = waiting.pop()
        yield statement, scope, branch
        if isinstance(statement, ast.For) and nested < _NESTED:
            turns = _turns(sites, statement, scope)
            if turns:
                for turn in turns:
                    yield from _visits(sites, statement.body, turn, branch, nested + 1)
                continue
        for below, inside in reversed(list(bodies(statement, branch))):
            waiting.extend((each, inside) for each in reversed(below))


def _turns(sites: Sites, statement: ast.For, scope: Scope) -> list[Scope]:
    items = []
    for item in sites.constants.items(statement.iter, scope):
        items.append(item)
        if len(items) > _TURNS:
            return []
    turns = []
    for value, where in items:
        turn = Scope("turn", scope.module, statement, scope, scope.name, inner=scope.inner)
        sites.names.held.append(turn)
        pairs = [(statement.target, value)]
        if isinstance(statement.target, ast.Tuple):
            if not isinstance(value, ast.Tuple | ast.List) or len(value.elts) != len(statement.target.elts):
                return []
            pairs = list(zip(statement.target.elts, value.elts, strict=True))
        for target, each in pairs:
            if isinstance(target, ast.Name):
                turn.bind(target.id, Binding("value", each, where, statement.lineno))
        turns.append(turn)
    return turns


def _parts(statement: ast.stmt) -> Iterator[ast.Call | ast.Tuple]:
    """The calls and tuples of one statement in source order, the outer before the inner; not those of its blocks."""
    waiting: list[ast.AST] = []
    if isinstance(statement, DefinitionNode):
        waiting.extend(reversed(statement.decorator_list))
    else:
        children = [each for each in ast.iter_child_nodes(statement) if not isinstance(each, ast.stmt)]
        waiting.extend(each for each in reversed(children) if not isinstance(each, ast.excepthandler | ast.match_case))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call) or (isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load)):
            yield node
        if not isinstance(node, ast.Constant | ast.Name):
            waiting.extend(reversed(_children(node)))


def _children(node: ast.AST) -> list[ast.AST]:
    """`ast.iter_child_nodes`, at half its cost."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found.extend(each for each in value if isinstance(each, ast.AST))
        elif isinstance(value, ast.expr):
            found.append(value)
    return found
