"""Arguments of calls, and the paths that they are."""

import ast

from routewright.scan.constants import Constants
from routewright.scan.modules import Scope
from routewright.scan.templates import canonical
from routewright.scan.texts import EMPTY, Text, text
from routewright.scan.vocabulary import At, Syntax


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
    """Reads paths off arguments, in the one way of writing."""

    def __init__(self, constants: Constants) -> None:
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
