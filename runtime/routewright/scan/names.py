"""What an expression stands for: names, attributes and imports followed to where something is made.

Strategy: an answer is remembered per expression and scope, and an expression that is asked for while it is being
answered stands for itself. So every chain ends, and each link is followed once.
"""

import ast
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from routewright.scan.modules import Binding, DefinitionNode, FunctionNode, Import, Loop, Module, Scope, enclosing_class
from routewright.scan.project import Project


class External(NamedTuple):
    """Something of a package that is not among the files, or that a framework is known for; its dotted name."""

    name: str

    @property
    def package(self) -> str:
        """The first part of the name."""
        return self.name.partition(".")[0]

    @property
    def last(self) -> str:
        """The last part of the name."""
        return self.name.rpartition(".")[2]


class Definition(NamedTuple):
    """A function or class of the files, and the scope inside of it."""

    node: DefinitionNode
    scope: Scope

    @property
    def name(self) -> str:
        """Its dotted name, module first."""
        return f"{self.scope.module.name}.{self.scope.name}"


class Parameter(NamedTuple):
    """A parameter of a function: what it is depends on who calls."""

    name: str
    scope: Scope
    node: ast.arg


class Expression(NamedTuple):
    """Anything else: an expression where it stands."""

    node: ast.expr
    scope: Scope


Thing: TypeAlias = External | Definition | Parameter | Expression | Module


_DEPTH = 30
"""Links of a chain of names that are followed; a sound program has two or three."""

UNKNOWN = External("")
"""Something that reading tells nothing of."""


class Names:
    """Follows names through the modules of a project.

    Args:
        is_known: whether the framework tables have something under a package and a name.
        anywhere: follow imports into every file, as constants need; otherwise only into those that look as if they
            had to do with routes or handlers, which saves parsing the others.
    """

    def __init__(self, project: Project, is_known: Callable[[str, str], bool], *, anywhere: bool = False) -> None:
        self.project = project
        self._is_known = is_known
        self._anywhere = anywhere
        self.held: list[object] = []
        """Nodes and scopes that were made up: answers are remembered by identity, so that none may be used again."""
        self._depth = 0
        self._takings: dict[tuple[int, Import, bool], Thing | None] = {}
        self._things: dict[tuple[int, int], Thing] = {}
        self._ancestors: dict[int, tuple[Thing, ...]] = {}

    def thing(self, node: ast.expr, scope: Scope) -> Thing:
        """What an expression stands for."""
        key = (id(node), id(scope))
        if key not in self._things:
            if self._depth >= _DEPTH:
                return Expression(node, scope)
            self._things[key] = Expression(node, scope)
            self._depth += 1
            try:
                self._things[key] = self._follow(node, scope)
            finally:
                self._depth -= 1
        return self._things[key]

    def _follow(self, node: ast.expr, scope: Scope) -> Thing:
        match node:
            case ast.Name():
                return self._named(node.id, scope, node.lineno) or Expression(node, scope)
            case ast.Attribute():
                found = self.attribute(self.thing(node.value, scope), node.attr)
                return self._folder(found, scope.module) or found or Expression(node, scope)
            case ast.Await() | ast.NamedExpr():
                return self.thing(node.value, scope)
        return Expression(node, scope)

    def _folder(self, found: Thing | None, module: Module) -> Module | None:
        """The module that ``import a.b`` makes ``a.b`` mean where ``a`` is a folder without ``__init__.py``."""
        if not isinstance(found, External) or self._is_known(found.package, found.last):
            return None
        return self.project.named(found.name, module, self._anywhere)

    def _named(self, name: str, scope: Scope, line: int) -> Thing | None:
        binding = self.binding(name, scope, line)
        if binding is not None:
            return self.bound(binding)
        for star in scope.module.stars:
            found = self._taken(Import(star.module, name, star.level), scope.module, sure=False)
            if found is not None:
                return found
        return None

    def binding(self, name: str, scope: Scope, line: int) -> Binding | None:
        """The binding that a name has at a line: the last one before it in its own scope, the last one of an outer."""
        here: Scope | None = scope
        while here is not None:
            found = here.bindings.get(name) if here.kind != "class" or here is scope else None
            if found:
                return self._latest(found, line if here is scope or here.kind == "turn" else None)
            here = here.parent
        return None

    def _latest(self, bindings: list[Binding], line: int | None) -> Binding:
        useful = [each for each in bindings if each.kind != "more" and not _is_none(each)] or bindings
        if len(useful) > 1 and all(each.kind == "import" for each in useful):
            return next((each for each in useful if not _is_unseen(self.bound(each))), useful[0])
        before = [each for each in useful if line is None or each.line <= line]
        return before[-1] if before else useful[0]

    def bound(self, binding: Binding) -> Thing:
        """What a binding binds."""
        node, scope = binding.node, binding.scope
        if isinstance(node, Import):
            return self._import(node, scope.module)
        if isinstance(node, DefinitionNode):
            return Definition(node, scope.inner[id(node)])
        if isinstance(node, ast.arg):
            return self._parameter(node, scope)
        if isinstance(node, Loop):
            return UNKNOWN
        if isinstance(node, ast.expr):
            return self.thing(node, scope)
        return UNKNOWN

    def _parameter(self, node: ast.arg, scope: Scope) -> Thing:
        owner = scope.parent
        spec = scope.node.args if isinstance(scope.node, FunctionNode) else None
        first = [*spec.posonlyargs, *spec.args][:1] if spec is not None else []
        if owner is not None and owner.kind == "class" and first == [node] and isinstance(owner.node, ast.ClassDef):
            return Definition(owner.node, owner)
        return Parameter(node.arg, scope, node)

    def _import(self, found: Import, module: Module) -> Thing:
        if found.name:
            return self._taken(found, module, sure=True) or External(found.module)
        return self.project.named(found.module, module, self._anywhere) or External(found.module)

    def _taken(self, found: Import, module: Module, *, sure: bool) -> Thing | None:
        """What ``from ... import name`` takes; ``None`` where that is not ``sure`` to be there."""
        key = (id(module), found, sure)
        if key not in self._takings:
            self._takings[key] = None
            self._takings[key] = self._take(found, module, sure)
        return self._takings[key]

    def _take(self, found: Import, module: Module, sure: bool) -> Thing | None:
        dotted = self.project.absolute(module, found)
        if self._is_known(dotted.partition(".")[0], found.name):
            return External(f"{dotted}.{found.name}")
        source = self.project.imported(module, found, self._anywhere)
        if source is not None and source is not module and (inside := self.attribute(source, found.name)) is not None:
            return inside
        if (beside := self.project.beside(module, found, self._anywhere)) is not None:
            return beside
        return External(f"{dotted}.{found.name}") if sure else None

    def attribute(self, owner: Thing, name: str) -> Thing | None:
        """What an attribute of a thing stands for."""
        match owner:
            case Module():
                if self._is_known(owner.name.partition(".")[0], name):
                    return External(f"{owner.name}.{name}")
                if name in owner.scope.bindings:
                    return self.bound(self._latest(owner.scope.bindings[name], None))
                return self.project.submodule(owner, name, self._anywhere) or self._named(name, owner.scope, 0)
            case External():
                return External(f"{owner.name}.{name}")
            case Definition(node=ast.ClassDef()):
                return self._member(owner, name)
            case Expression(node=ast.Call() as call, scope=scope):
                made = self.thing(call.func, scope)
                if isinstance(made, Definition) and isinstance(made.node, ast.ClassDef):
                    return self._member(made, name)
            case Parameter(node=ast.arg(annotation=ast.expr() as annotation), scope=scope):
                hinted = self.thing(annotation, scope)
                if isinstance(hinted, Definition) and isinstance(hinted.node, ast.ClassDef):
                    return self._member(hinted, name)
        return None

    def _member(self, owner: Definition, name: str) -> Thing | None:
        for each in self.lineage(owner):
            if isinstance(each, Definition):
                for table in (each.scope.attributes, each.scope.bindings):
                    if name in table:
                        return self.bound(self._latest(table[name], None))
        return None

    def lineage(self, owner: Definition) -> tuple[Thing, ...]:
        """A class, then what it derives from, nearest first; only the outermost may be external."""
        key = id(owner.node)
        if key not in self._ancestors:
            self._ancestors[key] = (owner,)
            found: list[Thing] = [owner]
            if isinstance(owner.node, ast.ClassDef) and owner.scope.parent is not None:
                for base in owner.node.bases:
                    thing = self.thing(base.value if isinstance(base, ast.Subscript) else base, owner.scope.parent)
                    found.extend(self.lineage(thing) if isinstance(thing, Definition) else (thing,))
            self._ancestors[key] = tuple(found)
        return self._ancestors[key]

    def externals(self, owner: Definition) -> Iterator[External]:
        """What a class derives from that is not among the files."""
        for each in self.lineage(owner):
            if isinstance(each, External):
                yield each
            elif isinstance(each, Expression) and isinstance(each.node, ast.Name | ast.Attribute):
                yield External(each.node.id if isinstance(each.node, ast.Name) else each.node.attr)

    def owner(self, scope: Scope) -> Definition | None:
        """The class whose method a scope belongs to."""
        found = enclosing_class(scope)
        return Definition(found.node, found) if found is not None and isinstance(found.node, ast.ClassDef) else None


def _is_none(binding: Binding) -> bool:
    return isinstance(binding.node, ast.Constant) and binding.node.value is None


def _is_unseen(thing: Thing) -> bool:
    return isinstance(thing, External)
