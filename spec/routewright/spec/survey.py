"""One walk through all payload schemas of a spec, for the rules that look at them as they were written.

Strategy: every schema that a message or a path parameter reaches is visited, and what references lead to only once.
Nothing is built for a schema: the keys on the way to it become a node where a rule finds something.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from routewright.spec import plain
from routewright.spec.library import ReferenceProblem
from routewright.spec.node import Node
from routewright.spec.pointer import child, parent, tokens
from routewright.spec.untyped import leaves_open, untyped

if TYPE_CHECKING:
    from routewright.spec.draft import Draft

PRECISE = 2**53 - 1
"""The largest integer that JavaScript holds exactly."""

_SCHEMA, _LIST, _NAMES, _REFERENCE, _NUMBER, _NOTED, _ASIDE, _MORE = range(8)
_KEYWORDS: dict[str, int] = {
    **dict.fromkeys(("items", "additionalProperties", "unevaluatedItems", "unevaluatedProperties"), _SCHEMA),
    **dict.fromkeys(("not", "if", "then", "else", "contains", "propertyNames"), _ASIDE),
    **dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems"), _LIST),
    **dict.fromkeys(("properties", "patternProperties"), _NAMES),
    "dependentSchemas": _MORE,
    **dict.fromkeys(("$ref", "$dynamicRef"), _REFERENCE),
    **dict.fromkeys(("$defs", "deprecated"), _NOTED),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "const", "enum"), _NUMBER),
}
_SHORT_FORMATS = frozenset(("date", "time", "date-time", "duration", "ipv4", "ipv6", "uuid", "hostname"))
_SPELLED = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]")


_Place = tuple[Path, str]


class Unbounded(NamedTuple):
    """A string, list or map of what clients send that nothing bounds; ``keyword`` would. The route and the message are
    the first that reach it."""

    place: Node
    keyword: str
    route: plain.PlainRoute
    message: str


class Survey:
    """What was seen.

    Attributes:
        unbounded: what clients may make as long as a message.
        targets: where every ``$ref`` leads, by file.
        definitions: the entries of all ``$defs`` of the spec itself that were seen.
        outdated: properties that are required and deprecated.
        imprecise: bounds and constants that JavaScript cannot hold.
        untyped: schemas that do not say the type that they speak of, each with the first keyword that does so. In
            conditions and in what is added to another schema (``if``, ``not``, ``allOf``, ...) that is usual.
        lost: a ``$ref`` leads nowhere, so that what is reached is not known.
    """

    def __init__(self, draft: "Draft") -> None:
        self.unbounded: list[Unbounded] = []
        self.targets: dict[Path, set[str]] = {}
        self.definitions: list[Node] = []
        self.outdated: list[Node] = []
        self.imprecise: list[Node] = []
        self.untyped: list[tuple[Node, str]] = []
        self.lost = False
        self._library = draft.library
        self._document = draft.library.spec
        self._path: list[str | int] = []
        self._message: tuple[plain.PlainRoute, str]
        self._seen, self._bounded, self._asked = set[_Place](), set[_Place](), set[_Place]()
        self._ahead: list[tuple[Node, bool, bool, frozenset[str]]] = []
        self._roots(draft.plain_routes)

    def _roots(self, routes: list[plain.PlainRoute]) -> None:
        """Walk from every payload, those of clients first, and from every parameter."""
        for clients in (True, False):
            for route in routes:
                for name, message in route.messages.items():
                    if "payload" in message and plain.sent_by_clients(message) is clients:
                        self._message = route, name
                        self._walk([*route.keys, "messages", name, "payload"], message["payload"], clients, True)
        for route in routes:
            parameters = route.value.get("parameters")
            for name, schema in parameters.items() if isinstance(parameters, dict) else ():
                self._walk([*route.keys, "parameters", name], schema, False, False)

    def _walk(self, path: list[str | int], schema: Any, clients: bool, asked: bool) -> None:
        """Visit a schema, and then whatever its references lead to and theirs, each for what is new about it."""
        self._document, self._path = self._library.spec, path
        self._visit(schema, clients, asked, _NOTHING)
        while self._ahead:
            target, clients, asked, given = self._ahead.pop()
            place = target.document.path, target.pointer
            clients, asked = clients and place not in self._bounded, asked and place not in self._asked
            if place not in self._seen or clients or asked:
                self._seen.add(place)
                self._bounded.update([place] if clients else ())
                self._asked.update([place] if asked else ())
                self._document, self._path = target.document, list(tokens(target.pointer))
                self._visit(target.value, clients, asked, given)

    def _visit(self, schema: Any, clients: bool, asked: bool, given: frozenset[str]) -> None:
        """Look at a schema and all that is written inside it; ``given`` are keywords that hold for it from outside.

        Args:
            clients: clients send it, so it should be bounded.
            asked: it should say its type.
        """
        if type(schema) is not dict:
            return
        if clients and (keyword := _missing(schema, given)):
            self.unbounded.append(Unbounded(self._here(), keyword, *self._message))
        if asked and (keyword := untyped(schema)):
            self.untyped.append((self._here(), keyword))
        path = self._path
        for key, member in schema.items():
            kind = _KEYWORDS.get(key)
            if kind is None:
                continue
            path.append(key)
            if kind in (_NAMES, _MORE):
                for name, each in member.items() if type(member) is dict else ():
                    path.append(name)
                    self._visit(each, clients, asked and kind == _NAMES, _NOTHING)
                    path.pop()
            elif kind == _SCHEMA:
                self._visit(member, clients, asked, _NOTHING)
            elif kind == _ASIDE:
                self._visit(member, False, False, _NOTHING)
            elif kind == _LIST:
                inherited = _NOTHING if key == "prefixItems" else _given(schema, given, key)
                options = asked and (key == "prefixItems" or leaves_open(schema, key))
                for at, each in enumerate(member) if type(member) is list else ():
                    path.append(at)
                    self._visit(each, clients, options, inherited)
                    path.pop()
            elif kind == _REFERENCE:
                self._follow(schema, member, clients, asked and leaves_open(schema, key), _given(schema, given, key))
            elif kind == _NUMBER:
                first = member[0] if type(member) is list and member else member
                if type(first) is int:
                    self._measure(member)
            else:
                self._note(key, member)
            path.pop()

    def _follow(self, schema: Any, reference: Any, clients: bool, asked: bool, given: frozenset[str]) -> None:
        if not isinstance(reference, str):
            return
        try:
            target = self._library.target(Node(self._document, parent(self._pointer()), schema), reference)
        except ReferenceProblem:
            self.lost = True
        else:
            self.targets.setdefault(target.document.path, set()).add(target.pointer)
            self._ahead.append((target, clients, asked, given))

    def _measure(self, member: Any) -> None:
        numbers = member if isinstance(member, list) else (member,)
        if any(isinstance(each, int) and abs(each) > PRECISE for each in numbers):
            self.imprecise.append(self._here())

    def _note(self, key: str, member: Any) -> None:
        if key == "$defs":
            if self._document is self._library.spec:
                self.definitions += [each for _, each in self._here().members()]
        elif member is True and len(self._path) > 2 and self._path[-3] == "properties":
            holder = self._at(self._path[:-3]).get("required")
            if holder is not None and isinstance(holder.value, list) and self._path[-2] in holder.value:
                self.outdated.append(self._here())

    def _here(self) -> Node:
        return self._at(self._path)

    def _at(self, path: list[str | int]) -> Node:
        node = Node(self._document, "", self._document.value)
        for key in path:
            node = node.below(key if isinstance(node.value, dict) else int(key))
        return node

    def _pointer(self) -> str:
        pointer = ""
        for key in self._path:
            pointer = child(pointer, key)
        return pointer


_NOTHING: frozenset[str] = frozenset()


def _missing(schema: dict[str, Any], given: frozenset[str]) -> str:
    """The keyword that would bound a schema; ``""`` where something does, or where nothing has a length."""
    kind = schema.get("type")
    if kind == "string" or (isinstance(kind, list) and "string" in kind):
        return "" if _bounded(schema, given, "maxLength") or _spelled_out(schema) else "maxLength"
    if kind == "array" or (isinstance(kind, list) and "array" in kind):
        fixed = schema.get("items") is False
        return "" if fixed or _bounded(schema, given, "maxItems") else "maxItems"
    if "properties" in schema or not (isinstance(schema.get("additionalProperties"), dict)):
        return ""
    return "" if _bounded(schema, given, "maxProperties") or "propertyNames" in schema else "maxProperties"


def _bounded(schema: dict[str, Any], given: frozenset[str], keyword: str) -> bool:
    if keyword in schema or keyword in given or "enum" in schema or "const" in schema:
        return True
    if "enum" in given or "const" in given:
        return True
    if "$ref" in schema or "anyOf" in schema or "oneOf" in schema:
        return True  # what it leads to, or each option, is looked at by itself
    return keyword in _keys(schema.get("allOf"))


def _spelled_out(schema: dict[str, Any]) -> bool:
    """Whether a format or a pattern bounds the length of a string."""
    form = schema.get("format")
    if isinstance(form, str) and form in _SHORT_FORMATS:
        return True
    pattern = schema.get("pattern")
    if not isinstance(pattern, str) or not pattern.startswith("^") or not pattern.endswith("$"):
        return False
    plain_text = _SPELLED.sub("x", pattern)
    return plain_text.endswith("$") and re.search(r"[*+|]|,\}", plain_text) is None


def _given(schema: dict[str, Any], given: frozenset[str], key: str) -> frozenset[str]:
    """The keywords that hold for a branch as well: those beside it, and of the other branches of an ``allOf``."""
    others = _keys(schema[key]) if key == "allOf" else set()
    return given | schema.keys() | others


def _keys(branches: Any) -> set[str]:
    listed = branches if isinstance(branches, list) else ()
    return {key for branch in listed if isinstance(branch, dict) for key in branch}
