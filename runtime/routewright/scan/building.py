"""Sites from expressions: what an application, a router or a list of routes is made with.

Strategy: a site belongs to the expression that makes it, or to the name under which an unseen one is known, and is
made when it is first asked for. What it is made with (lists of routes, sub-applications) are sites as well, mounted in
it without a prefix; so is a single route in a list.
"""

import ast
from collections.abc import Iterator

from routewright.scan.answers import Answers
from routewright.scan.arguments import Paths, argument
from routewright.scan.constants import Constants, source_text
from routewright.scan.frameworks import FRAMEWORKS, called
from routewright.scan.modules import FunctionNode, Module, Scope, in_test, statements
from routewright.scan.names import Definition, Expression, External, Names, Parameter, Thing
from routewright.scan.sites import Handler, Place, Registration, Site
from routewright.scan.texts import EMPTY, Text, text
from routewright.scan.vocabulary import Framework, Holds, Mounts, Registers, Word

_SAME = frozenset({"router", "asgi_app", "wsgi_app", "app", "routes", "default_router", "wildcard_router"})
_URLPATTERNS = ("websocket_urlpatterns", "urlpatterns", "websockets", "ws_urlpatterns")
_INNER = ("app", "application", "other_asgi_app", "inner", "asgi_app")

_DEPTH = 20
"""Sites within sites that are made; a sound program has four or five."""


class Sites:
    """Makes sites, each once."""

    def __init__(self, names: Names, constants: Constants) -> None:
        self.names = names
        self.constants = constants
        self.paths = Paths(names, constants)
        self.answers = Answers(names)
        self._depth = 0
        self.all: dict[object, Site] = {}
        self._making: dict[object, Site | None] = {}

    # What an expression means

    def site(self, node: ast.expr, scope: Scope) -> Site | None:
        """The site that an expression means; ``None`` where it cannot be one."""
        if self._depth >= _DEPTH:
            return None
        self._depth += 1
        try:
            return self._of(node, scope)
        finally:
            self._depth -= 1

    def _of(self, node: ast.expr, scope: Scope) -> Site | None:
        thing = self.names.thing(node, scope)
        match thing:
            case Expression():
                return self._expression(thing)
            case Definition():
                return self.definition(thing) or self._custom(thing, node, scope)
            case Parameter():
                return self._parameter(thing)
            case Module():
                return self._patterns(thing)
            case External(name=""):
                return self._unseen(("unseen", id(scope), source_text(node, scope.module)), node, scope)
        if called(thing.package, thing.last) is not None:
            return None
        return self._unseen(("unseen", thing.name), node, scope)

    def _custom(self, thing: Definition, node: ast.expr, scope: Scope) -> Site | None:
        """A class of the files whose methods may be those of a framework."""
        return self._unseen(("unseen", id(thing.node)), node, scope) if isinstance(thing.node, ast.ClassDef) else None

    def _expression(self, thing: Expression) -> Site | None:
        node, scope = thing
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.Compare | ast.Lambda):
            return None
        if isinstance(node, ast.Name | ast.Attribute):
            if isinstance(node, ast.Attribute) and node.attr in _SAME:
                return self.site(node.value, scope)
            return self._unseen(("unseen", id(scope.module), source_text(node, scope.module)), node, scope)
        key = (id(node), id(scope))
        if key not in self._making:
            self._making[key] = None
            self._making[key] = self._made(node, scope)
        return self._making[key]

    def _made(self, node: ast.expr, scope: Scope) -> Site | None:
        match node:
            case ast.Call():
                return self._called(node, scope)
            case ast.Tuple() if (pair := self._pair(node, scope)) is not None:
                return pair
            case ast.List() | ast.Tuple() | ast.Set():
                return self._list(node, node.elts, scope)
            case ast.ListComp() | ast.Starred():
                return self.site(node.elt if isinstance(node, ast.ListComp) else node.value, scope)
            case ast.BinOp(op=ast.Add()):
                return self._list(node, [node.left, node.right], scope)
            case ast.Dict():
                return self._list(node, [value for key, value in _protocols(node) if key == "websocket"], scope)
            case ast.IfExp():
                return self.site(node.body, scope) or self.site(node.orelse, scope)
            case ast.BoolOp():
                return next((found for each in node.values if (found := self.site(each, scope))), None)
        return None

    def _new(self, key: object, node: ast.AST, scope: Scope, framework: Framework | None, shown: str = "") -> Site:
        place = Place(scope.module.shown, getattr(node, "lineno", 1))
        self.all[key] = Site(framework, shown or source_text(node, scope.module), place, alone=in_test(scope))
        return self.all[key]

    def _list(self, node: ast.expr, parts: list[ast.expr], scope: Scope) -> Site:
        made = self._new((id(node), id(scope)), node, scope, None)
        self._making[(id(node), id(scope))] = made
        for part in parts:
            child = self.site(part, scope)
            if child is not None:
                made.mount(child)
        return made

    def _unseen(self, key: object, node: ast.expr, scope: Scope) -> Site:
        return self.all.get(key) or self._new(key, node, scope, None)

    def _parameter(self, thing: Parameter) -> Site:
        key = ("parameter", id(thing.scope), thing.name)
        if key in self.all:
            return self.all[key]
        framework = None
        if thing.node.annotation is not None and isinstance(
            hint := self.names.thing(thing.node.annotation, thing.scope), External
        ):
            framework = next((each for each in FRAMEWORKS if hint.package in each.packages), None)
        made = self._new(key, thing.node, thing.scope, framework, thing.name)
        made.parameter = (thing.scope, thing.name)
        return made

    def _patterns(self, module: Module) -> Site | None:
        for name in _URLPATTERNS:
            if name in module.scope.bindings:
                node = ast.Name(name, ast.Load(), lineno=module.scope.bindings[name][-1].line, col_offset=0)
                self.names.held.append(node)
                return self.site(node, module.scope)
        return None

    # Calls

    def _called(self, node: ast.Call, scope: Scope) -> Site | None:
        function = self.names.thing(node.func, scope)
        word = self.word(function)
        if word is not None:
            return self._worded(node, scope, *word)
        if isinstance(function, Definition) and isinstance(function.node, FunctionNode):
            return self._returned(function) or self._wrapped(node, scope)
        match node.func:
            case ast.Attribute(attr="add_resource", value=ast.expr() as owner):
                return self._resource(node, owner, scope)
            case ast.Attribute(attr="as_asgi" | "as_view" | "get" | "websocket"):
                return None
        return self._wrapped(node, scope)

    def word(self, function: Thing) -> tuple[Framework, Word] | None:
        """What the tables say of calling something: a framework's function or class, or a class derived from it."""
        if isinstance(function, External):
            return called(function.package, function.last)
        if isinstance(function, Definition) and isinstance(function.node, ast.ClassDef):
            for external in self.names.externals(function):
                found = called(external.package, external.last)
                if found is not None and isinstance(found[1], Holds):
                    return found
        return None

    def _worded(self, node: ast.Call, scope: Scope, framework: Framework, word: Word) -> Site | None:
        key = (id(node), id(scope))
        made = self._new(key, node, scope, framework)
        self._making[key] = made
        if isinstance(word, Holds):
            self._hold(made, node, scope, framework, word)
        elif isinstance(word, Mounts):
            prefix = self.paths.one(argument(node, word.prefix), scope, framework.syntax)
            for child in self.children(node, scope, word):
                made.mount(child, prefix)
        elif not self._registers(made, node, scope, framework, word):
            return None
        return made

    def _hold(self, made: Site, node: ast.Call, scope: Scope, framework: Framework, word: Holds) -> None:
        made.app = word.app
        made.prefix = self.paths.one(argument(node, word.prefix), scope, framework.syntax)
        made.version = self.paths.version(argument(node, word.version), scope)
        function = self.names.thing(node.func, scope)
        for each in self.names.lineage(function) if isinstance(function, Definition) else ():
            if isinstance(each, Definition) and (shared := self.definition(each)) is not None:
                made.mount(shared)
        for at in word.routes:
            given = argument(node, at)
            if given is not None and (child := self._routes(given, scope)) is not None:
                made.mount(child)
        for given in node.args if word.every else ():
            child = self.site(given.value if isinstance(given, ast.Starred) else given, scope)
            if child is not None:
                made.mount(child)
        inside = argument(node, word.inside)
        if inside is not None and (holder := self.site(inside, scope)) is not None:
            holder.mount(made)

    def _routes(self, given: ast.expr, scope: Scope) -> Site | None:
        """Routes in a list, under a name, or in a module that is named by a string (Django's ``include``)."""
        dotted = self.constants.string(given, scope) if isinstance(given, ast.Constant) else None
        if dotted:
            module = self.names.project.named(dotted, scope.module)
            return None if module is None else self._patterns(module)
        return self.site(given, scope)

    def _registers(self, made: Site, node: ast.Call, scope: Scope, framework: Framework, word: Registers) -> bool:
        """Add the route that a call makes; false where it cannot be one for WebSockets."""
        given = argument(node, word.handler)
        if given is None:
            return False
        if framework.name == "websockets" and not {"websockets"} & scope.module.packages:
            return False
        if framework.name in ("channels", "tornado") and (child := self._nested(given, scope)) is not None:
            prefix = EMPTY if framework.name == "tornado" else self.paths.pattern(node, scope, word, framework)
            made.mount(child, prefix)
            return True
        handler = self.answers.handler(given, scope)
        if not self.answers.fits(framework, handler, given):
            return False
        path = None if word.path is None else self.paths.pattern(node, scope, word, framework)
        self.register(made, path, handler, framework, Place(scope.module.shown, node.lineno))
        return True

    def _nested(self, given: ast.expr, scope: Scope) -> Site | None:
        """The routes that stand in the place of a handler."""
        thing = self.names.thing(given, scope)
        node = thing.node if isinstance(thing, Expression) else None
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("as_asgi", "as_view"):
            return None
        if isinstance(node, ast.Call | ast.List | ast.Tuple | ast.BinOp):
            found = self.site(given, scope)
            return found if found is not None and (found.items or found.app) else None
        return None

    def _resource(self, node: ast.Call, owner: ast.expr, scope: Scope) -> Site | None:
        holder = self.site(owner, scope)
        if holder is None or not node.args:
            return None
        made = self._new((id(node), id(scope)), node, scope, holder.framework)
        holder.mount(made, self.paths.one(node.args[0], scope, "braces"))
        return made

    def _returned(self, function: Definition) -> Site | None:
        """What a function gives back, if that is a site that it made."""
        key = ("returned", id(function.node))
        if key not in self._making:
            self._making[key] = None
            for statement, _ in statements(function.node.body):
                value = statement.value if isinstance(statement, ast.Return) else _yielded(statement)
                found = None if value is None else self.site(value, function.scope)
                if found is not None and (found.framework or found.items or found.parameter):
                    self._making[key] = found
                    break
        return self._making[key]

    def _wrapped(self, node: ast.Call, scope: Scope) -> Site | None:
        """What an unknown call may wrap: middleware takes the application first, or by a name for it."""
        named = [each.value for each in node.keywords if each.arg in _INNER]
        for given in (*named, *node.args[:2]):
            if isinstance(given, ast.Name | ast.Attribute | ast.Call | ast.List):
                found = self.site(given, scope)
                if found is not None and (found.app or found.items or found.framework):
                    return found
        return None

    def children(self, node: ast.Call, scope: Scope, word: Mounts) -> Iterator[Site]:
        """What a call mounts; each item of a literal list by itself."""
        for at in word.child:
            given = argument(node, at)
            if given is not None and (child := self.site(given, scope)) is not None:
                yield child

    # Definitions that know their own paths (Litestar), and pairs of a pattern and a class (Tornado)

    def definition(self, thing: Definition) -> Site | None:
        """The site of a function with a handler decorator, or of a class that holds some."""
        key = id(thing.node)
        if key not in self._making:
            self._making[key] = None
            made = self._class(thing) if isinstance(thing.node, ast.ClassDef) else self._decorated(thing)
            self._making[key] = made
        return self._making[key]

    def _decorated(self, thing: Definition) -> Site | None:
        outer = thing.scope.parent
        if outer is None:
            return None
        for decorator in thing.node.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            found = self.names.thing(decorator if call is None else call.func, outer)
            if not isinstance(found, External) or (worded := called(found.package, found.last)) is None:
                continue
            framework, word = worded
            if found.last in framework.handlers and isinstance(word, Registers):
                made = self._new(id(thing.node), decorator, thing.scope, framework, thing.node.name)
                given = None if call is None else argument(call, word.path)
                for path in self.paths.each(given, outer, framework.syntax):
                    place = Place(thing.scope.module.shown, decorator.lineno)
                    self.register(made, path or text("/"), Handler(thing.name, thing), framework, place)
                return made
        return None

    def _class(self, thing: Definition) -> Site | None:
        bases = list(self.names.externals(thing))
        litestar = next(each for each in FRAMEWORKS if each.name == "litestar")
        kind = next(
            (each.last for each in bases if each.package in litestar.packages and each.last in litestar.bases), ""
        )
        if not kind:
            worded = self.word(thing)
            return None if worded is None else self._derived(thing, *worded)
        made = self._new(id(thing.node), thing.node, thing.scope, litestar, thing.node.name)
        own = self.paths.attribute(thing, "path")
        if kind == "WebsocketListener":
            place = Place(thing.scope.module.shown, thing.node.lineno)
            self.register(made, own or text("/"), Handler(thing.name, thing), litestar, place)
            return made
        made.prefix = own
        for inner in thing.scope.inner.values():
            if isinstance(inner.node, FunctionNode):
                child = self.definition(Definition(inner.node, inner))
                if child is not None:
                    made.mount(child)
        return made

    def _derived(self, thing: Definition, framework: Framework, word: Word) -> Site:
        """What the methods of a class that derives from something that holds routes add to ``self``."""
        made = self._new(id(thing.node), thing.node, thing.scope, framework, thing.node.name)
        made.app = isinstance(word, Holds) and word.app
        return made

    def _pair(self, node: ast.Tuple, scope: Scope) -> Site | None:
        if not 2 <= len(node.elts) <= 4 or not isinstance(node.elts[1], ast.Name | ast.Attribute):
            return None
        handler = self.answers.handler(node.elts[1], scope)
        tornado = next(each for each in FRAMEWORKS if each.name == "tornado")
        if handler.definition is None and "tornado" not in scope.module.packages:
            return None
        if isinstance(node.elts[0], ast.Constant) and not isinstance(node.elts[0].value, str):
            return None
        if not self.answers.fits(tornado, handler, node.elts[1]):
            return None
        made = self._new((id(node), id(scope)), node, scope, tornado)
        path = self.paths.one(node.elts[0], scope, "regex")
        self.register(made, path, handler, tornado, Place(scope.module.shown, node.lineno))
        return made

    # Routes

    def register(
        self, site: Site, path: Text | None, handler: Handler, framework: Framework, place: Place
    ) -> Registration:
        """Add a route."""
        made = Registration(site, path, handler, framework, place, len(site.items))
        site.items.append(made)
        return made


def _protocols(node: ast.Dict) -> Iterator[tuple[object, ast.expr]]:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant):
            yield key.value, value


def _yielded(statement: ast.stmt) -> ast.expr | None:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return value.value if isinstance(value, ast.Yield) else None
