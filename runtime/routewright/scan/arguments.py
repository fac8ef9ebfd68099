"""Arguments of calls, and the paths that they and the attributes of classes are."""

import ast

from routewright.scan.constants import Constants
from routewright.scan.modules import Scope
from routewright.scan.names import Definition, External, Names
from routewright.scan.templates import canonical
from routewright.scan.texts import EMPTY, Text, text
from routewright.scan.vocabulary import At, Framework, Registers, Syntax

_MATCHERS = ("PathMatches", "_PathMatches")


def argument(node: ast.Call, at: At | None) -> ast.expr | None:
    """The argument of a call that stands somewhere; an explicit ``None`` counts as none."""
    if at is None:
        return None
    found = next((each.value for each in node.keywords if at.keyword and each.arg == at.keyword), None)
    if found is None and at.position is not None and len(node.args) > at.position:
        before = node.args[: at.position + 1]
        found = None if any(isinstance(each, ast.Starred) for each in before) else before[-1]
    return None if isinstance(found, ast.Constant) and found.value is None else found


class Paths:
    """Reads paths off arguments and attributes, in the one way of writing."""

    def __init__(self, names: Names, constants: Constants) -> None:
        self._names = names
        self._constants = constants

    def one(self, node: ast.expr | None, scope: Scope, syntax: Syntax) -> Text:
        """A path; empty where there is no argument."""
        return EMPTY if node is None else canonical(self._constants.text(node, scope), syntax)

    def each(self, node: ast.expr | None, scope: Scope, syntax: Syntax) -> list[Text]:
        """One path, or each in a literal list."""
        if isinstance(node, ast.List | ast.Tuple):
            return [self.one(each, inside, syntax) for each, inside in self._constants.items(node, scope)]
        return [self.one(node, scope, syntax)]

    def version(self, node: ast.expr | None, scope: Scope) -> Text:
        """The prefix that Sanic makes of a version."""
        return EMPTY if node is None else text("/v", *self.one(node, scope, "braces"))

    def pattern(self, node: ast.Call, scope: Scope, word: Registers, framework: Framework) -> Text:
        """The path of the route that a call makes; the function or a matcher may say how it is written."""
        given = argument(node, word.path)
        syntax = framework.syntax
        function = self._names.thing(node.func, scope)
        if isinstance(function, External) and function.last in ("re_path", "url"):
            syntax = "regex"
        if isinstance(given, ast.Call) and given.args:
            matcher = self._names.thing(given.func, scope)
            if isinstance(matcher, External) and matcher.last in _MATCHERS:
                given = given.args[0]
        return self.one(given, scope, syntax)

    def attribute(self, thing: Definition, name: str) -> Text:
        """The path in an attribute of a class that knows its own; empty where it has none."""
        for each in self._names.lineage(thing):
            bound = each.scope.bindings.get(name) if isinstance(each, Definition) else None
            if bound and isinstance(each, Definition) and isinstance(bound[-1].node, ast.expr):
                return self.one(bound[-1].node, each.scope, "braces")
        return EMPTY
