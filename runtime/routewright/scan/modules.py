"""Modules as nested scopes: which name is bound where, and to what.

Strategy: one pass over the statements of a module, with a stack of its own, so that a chain of a thousand ``elif`` is
no deeper than one. Functions without any word that could matter to routes are not looked into. Nothing is evaluated
here.
"""

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
DefinitionNode: TypeAlias = FunctionNode | ast.ClassDef


_READING = (
    rb"(?i:sock|rout|mount|blueprint|\bapp\b|app[l_]|_app|handler|consumer|serve|host|url|sanic|quart|litestar|starl|"
    rb"tornado|rule|view|path|fastapi|flask)|add_|\.append\(|\.extend\(|\.include|\(app|__init__|\bws\b|\b[wb]p\b"
)
READING = re.compile(_READING)
"""Words without one of which a function neither makes nor registers an endpoint."""

_BINDING = re.compile(_READING + rb"|self\.|cls\.|global|send|type|recv|receive")


class Branch(NamedTuple):
    """One arm of a statement that runs at most one of its arms, or none."""

    outer: "Branch | None"
    statement: ast.stmt
    arm: int


class Import(NamedTuple):
    """``from <level dots><module> import <name>``; without a name, ``import <module>``."""

    module: str
    name: str
    level: int


class Loop(NamedTuple):
    """What a loop variable takes its values from: ``at`` is its place in a target that is unpacked."""

    iterated: ast.expr
    at: int | None


@dataclass(slots=True, eq=False)
class Binding:
    """What a name is bound to by one statement."""

    kind: Literal["value", "import", "definition", "parameter", "loop", "more", "context"]
    node: "ast.AST | Import | Loop"
    scope: "Scope"
    line: int
    branch: Branch | None = None


@dataclass(slots=True, eq=False)
class Scope:
    """A module, a class, a function, or one turn of a loop whose values are known."""

    kind: Literal["module", "class", "function", "turn"]
    module: "Module"
    node: ast.AST
    parent: "Scope | None"
    name: str = ""
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    attributes: dict[str, list[Binding]] = field(default_factory=dict)
    """Of a class: what its methods assign to ``self``."""
    inner: dict[int, "Scope"] = field(default_factory=dict)
    """The scopes of the definitions in it, by the identity of their nodes."""

    def bind(self, name: str, binding: Binding) -> None:
        """Add a binding of a name."""
        self.bindings.setdefault(name, []).append(binding)


@dataclass(slots=True, eq=False)
class Module:
    """A parsed file. ``name`` is dotted, as far as ``__init__.py`` files go; ``shown`` is its path as it was given."""

    file: Path
    shown: str
    name: str
    is_package: bool
    tree: ast.Module
    source: bytes
    scope: Scope = field(init=False)
    stars: list[Import] = field(default_factory=list)
    packages: set[str] = field(default_factory=set)
    """First parts of everything that is imported, absolutely, anywhere in it."""
    lines: list[bytes] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scope = Scope("module", self, self.tree, None)
        self.lines = self.source.splitlines(keepends=True)
        self._starts = [0, *itertools.accumulate(map(len, self.lines))]
        _bind_all(self.scope, self.tree.body)

    def has(self, words: "re.Pattern[bytes]", node: ast.stmt) -> bool:
        """Whether the source of a statement has any of some words."""
        last = min(node.end_lineno or node.lineno, len(self._starts) - 1)
        return words.search(self.source, self._starts[min(node.lineno - 1, last)], self._starts[last]) is not None


def statements(body: list[ast.stmt], branch: Branch | None = None) -> Iterator[tuple[ast.stmt, Branch | None]]:
    """Each statement in source order with the arm it stands in; not those inside of definitions."""
    waiting: list[tuple[ast.stmt, Branch | None]] = [(each, branch) for each in reversed(body)]
    while waiting:
        statement, branch = waiting.pop()
        yield statement, branch
        for below, inside in reversed(list(bodies(statement, branch))):
            waiting.extend((each, inside) for each in reversed(below))


def bodies(statement: ast.stmt, branch: Branch | None) -> Iterator[tuple[list[ast.stmt], Branch | None]]:
    """The blocks of a compound statement, definitions excepted."""
    match statement:
        case ast.If():
            yield statement.body, Branch(branch, statement, 0)
            yield statement.orelse, Branch(branch, statement, 1)
        case ast.Try() | ast.TryStar():
            yield statement.body, Branch(branch, statement, 0)
            for at, handler in enumerate(statement.handlers):
                yield handler.body, Branch(branch, statement, at + 1)
            yield statement.orelse, Branch(branch, statement, 0)
            yield statement.finalbody, branch
        case ast.Match():
            for at, case in enumerate(statement.cases):
                yield case.body, Branch(branch, statement, at)
        case ast.For() | ast.AsyncFor() | ast.While():
            yield statement.body, branch
            yield statement.orelse, branch
        case ast.With() | ast.AsyncWith():
            yield statement.body, branch


def exclude(one: Branch | None, other: Branch | None) -> bool:
    """Whether two arms can never both run: they are different arms of one statement."""
    arms = {}
    while one is not None:
        arms[id(one.statement)] = one.arm
        one = one.outer
    while other is not None:
        if arms.get(id(other.statement), other.arm) != other.arm:
            return True
        other = other.outer
    return False


def _bind_all(scope: Scope, body: list[ast.stmt]) -> None:
    waiting = [(scope, body)]
    while waiting:
        scope, body = waiting.pop()
        shared: set[str] = set()
        for statement, branch in statements(body):
            if isinstance(statement, ast.Global):
                shared.update(statement.names)
            elif isinstance(statement, DefinitionNode):
                inner = _define(scope, statement, branch)
                if isinstance(statement, ast.ClassDef) or scope.module.has(_BINDING, statement):
                    waiting.append((inner, statement.body))
            else:
                _bind(scope, statement, branch, shared)


def _define(scope: Scope, node: DefinitionNode, branch: Branch | None) -> Scope:
    name = f"{scope.name}.{node.name}" if scope.name else node.name
    inner = Scope("class" if isinstance(node, ast.ClassDef) else "function", scope.module, node, scope, name)
    scope.inner[id(node)] = inner
    scope.bind(node.name, Binding("definition", node, scope, node.lineno, branch))
    if not isinstance(node, ast.ClassDef):
        spec = node.args
        for argument in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg):
            if argument is not None:
                inner.bind(argument.arg, Binding("parameter", argument, inner, node.lineno))
    return inner


def _bind(scope: Scope, statement: ast.stmt, branch: Branch | None, shared: set[str]) -> None:
    match statement:
        case ast.Assign():
            for target in statement.targets:
                _assign(scope, target, statement.value, statement.lineno, branch, shared)
        case ast.AnnAssign() if statement.value is not None:
            _assign(scope, statement.target, statement.value, statement.lineno, branch, shared)
        case ast.AugAssign() if isinstance(statement.target, ast.Name):
            scope.bind(statement.target.id, Binding("more", statement.value, scope, statement.lineno, branch))
        case ast.For() | ast.AsyncFor():
            targets = statement.target.elts if isinstance(statement.target, ast.Tuple) else [statement.target]
            for at, target in enumerate(targets):
                if isinstance(target, ast.Name):
                    loop = Loop(statement.iter, at if isinstance(statement.target, ast.Tuple) else None)
                    scope.bind(target.id, Binding("loop", loop, scope, statement.lineno, branch))
        case ast.With() | ast.AsyncWith():
            for item in statement.items:
                if isinstance(item.optional_vars, ast.Name):
                    held = Binding("context", item.context_expr, scope, statement.lineno, branch)
                    scope.bind(item.optional_vars.id, held)
        case ast.Import() | ast.ImportFrom():
            _import(scope, statement, branch)


def _assign(
    scope: Scope, target: ast.expr, value: ast.expr, line: int, branch: Branch | None, shared: set[str]
) -> None:
    match target, value:
        case ast.Name(), _:
            holder = scope.module.scope if target.id in shared else scope
            holder.bind(target.id, Binding("value", value, scope, line, branch))
        case ast.Attribute(value=ast.Name(id="self" | "cls")), _:
            if (owner := enclosing_class(scope)) is not None:
                owner.attributes.setdefault(target.attr, []).append(Binding("value", value, scope, line, branch))
        case (ast.Tuple() | ast.List(), ast.Tuple() | ast.List()) if len(target.elts) == len(value.elts):
            for each, its in zip(target.elts, value.elts, strict=True):
                if isinstance(each, ast.Name | ast.Attribute):
                    _assign(scope, each, its, line, branch, shared)


def _import(scope: Scope, statement: ast.Import | ast.ImportFrom, branch: Branch | None) -> None:
    module = scope.module
    for alias in statement.names:
        if isinstance(statement, ast.Import):
            bound = alias.asname or alias.name.partition(".")[0]
            found = Import(alias.name if alias.asname else bound, "", 0)
            module.packages.add(alias.name.partition(".")[0])
        else:
            bound, found = alias.asname or alias.name, Import(statement.module or "", alias.name, statement.level)
            if not statement.level:
                module.packages.add(found.module.partition(".")[0])
        if alias.name == "*":
            module.stars.append(found)
        else:
            scope.bind(bound, Binding("import", found, scope, statement.lineno, branch))


def enclosing_class(scope: Scope | None) -> Scope | None:
    """The class whose method a scope belongs to."""
    while scope is not None and scope.kind != "class":
        scope = scope.parent
    return scope


def in_test(scope: Scope) -> bool:
    """Whether a scope lies in a function that is a test by its name."""
    here: Scope | None = scope
    while here is not None:
        if here.kind == "function" and here.name.rpartition(".")[2].startswith("test"):
            return True
        here = here.parent
    return False
