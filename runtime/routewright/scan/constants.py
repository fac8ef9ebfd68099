"""Constants followed to their values: strings put together in any of Python's ways, and the items of literal lists."""

import ast
import re
from collections.abc import Iterator

from routewright.scan.modules import Binding, Module, Scope
from routewright.scan.names import Definition, Expression, External, Names, Thing
from routewright.scan.texts import Hole, Text, joined, known, strip_left, strip_right, text

_DEPTH = 40
_SHOWN = 60
_LENGTH = 2000
_DIRECTIVE = re.compile(r"%(?:\((\w+)\))?[sdr]|%%")
_FIELD = re.compile(r"\{(\w*)\}|\{\{|\}\}")


def source_text(node: ast.AST, module: Module, limit: int = _SHOWN) -> str:
    """The source of a node on one line, cut where it is long."""
    first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
    lines = module.lines[first - 1 : last] if first else []
    if not lines:
        return "..."
    start, end = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", 0)
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    found = " ".join(b"".join(lines).decode("utf-8", "replace").split())
    return found if len(found) <= limit else f"{found[: limit - 3]}..."


class Constants:
    """Reads strings and sequences off expressions."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._texts: dict[tuple[int, int], Text] = {}

    def text(self, node: ast.expr, scope: Scope, depth: int = 0) -> Text:
        """The string that an expression makes; what cannot be known of it is a hole."""
        key = (id(node), id(scope))
        if key not in self._texts:
            hole = text(Hole(source_text(node, scope.module)))
            if depth >= _DEPTH:
                return hole
            self._texts[key] = hole
            made = self._text(node, scope, depth + 1)
            self._texts[key] = hole if made is None or sum(map(_length, made)) > _LENGTH else made
        return self._texts[key]

    def string(self, node: ast.expr, scope: Scope) -> str | None:
        """The string that an expression makes, if all of it is known."""
        return known(self.text(node, scope))

    def _text(self, node: ast.expr, scope: Scope, depth: int) -> Text | None:
        match node:
            case ast.Constant(value=str() as value):
                return text(value)
            case ast.Constant(value=bool() | int() as value):
                return text(str(value))
            case ast.Constant(value=None):
                return ()
            case ast.JoinedStr():
                return joined(self.text(each, scope, depth) for each in node.values)
            case ast.FormattedValue(format_spec=None):
                return self._inserted(node.value, scope, depth)
            case ast.BinOp(op=ast.Add()):
                return self._sum(node, scope, depth)
            case ast.BinOp(op=ast.Mod()):
                return self._formatted(node, scope, depth)
            case ast.Name() | ast.Attribute():
                return self._followed(node, scope, depth)
            case ast.Call():
                return self._called(node, scope, depth)
            case ast.BoolOp(op=ast.Or()):
                return self._text(node.values[-1], scope, depth)
        return None

    def _inserted(self, node: ast.expr, scope: Scope, depth: int) -> Text:
        """A value inside of an f-string, whose nodes have no places of their own in every version of Python."""
        found = self._text(node, scope, depth + 1) if depth < _DEPTH else None
        if found is not None:
            return found
        try:
            written = ast.unparse(node)
        except RecursionError:
            written = "..."
        return text(Hole(written if len(written) <= _SHOWN else f"{written[: _SHOWN - 3]}..."))

    def _sum(self, node: ast.BinOp, scope: Scope, depth: int) -> Text:
        terms: list[ast.expr] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Add):
            terms.append(left.right)
            left = left.left
        return joined(self.text(each, scope, depth) for each in (left, *reversed(terms)))

    def _formatted(self, node: ast.BinOp, scope: Scope, depth: int) -> Text | None:
        pattern = known(self.text(node.left, scope, depth))
        if pattern is None:
            return None
        values = node.right
        given: list[ast.expr] = values.elts if isinstance(values, ast.Tuple) else [values]
        named: dict[str, ast.expr] = {}
        if isinstance(values, ast.Dict):
            pairs = zip(values.keys, values.values, strict=True)
            named = {str(key.value): value for key, value in pairs if isinstance(key, ast.Constant)}
        pieces: list[Text] = []
        end = at = 0
        for found in _DIRECTIVE.finditer(pattern):
            pieces.append(text(pattern[end : found.start()]))
            end = found.end()
            if found[0] == "%%":
                pieces.append(text("%"))
                continue
            value = named.get(found[1]) if found[1] else given[at] if at < len(given) else None
            at += 1
            if value is None:
                return None
            pieces.append(self.text(value, scope, depth))
        return joined([*pieces, text(pattern[end:])])

    def _followed(self, node: ast.expr, scope: Scope, depth: int) -> Text | None:
        if isinstance(node, ast.Name):
            binding = self.names.binding(node.id, scope, node.lineno)
            if binding is not None and self._is_uncertain(node.id, binding, depth):
                return None
        if isinstance(node, ast.Attribute) and node.attr == "value":
            inner = self._text(node.value, scope, depth + 1) if depth < _DEPTH else None
            if inner is not None:
                return inner
        return self.of(self.names.thing(node, scope), node, depth)

    def _is_uncertain(self, name: str, binding: Binding, depth: int) -> bool:
        """Whether one of several branches gave the name its value, and another branch another."""
        if binding.kind in ("loop", "more"):
            return True
        rivals = [each for each in binding.scope.bindings.get(name, ()) if each.kind in ("value", "more")]
        if binding.branch is None or len(rivals) < 2:
            return any(each.kind == "more" for each in rivals)
        values = {
            self.text(each.node, each.scope, depth + 1) if isinstance(each.node, ast.expr) else () for each in rivals
        }
        return len(values) > 1

    def of(self, thing: Thing, asked: ast.expr, depth: int = 0) -> Text | None:
        """The string that a thing is; `None` where it is none, or is ``asked`` itself."""
        if isinstance(thing, Expression) and thing.node is not asked and depth < _DEPTH:
            return self._text(thing.node, thing.scope, depth + 1)
        return None

    def _called(self, node: ast.Call, scope: Scope, depth: int) -> Text | None:
        match node.func:
            case ast.Attribute(attr="format") if not any(isinstance(each, ast.Starred) for each in node.args):
                return self._fields(node, node.func.value, scope, depth)
            case ast.Attribute(attr="join", value=ast.Constant(value=str() as between)) if len(node.args) == 1:
                items = list(self.items(node.args[0], scope))
                parts = [self.text(each, inside, depth) for each, inside in items]
                return joined(piece for at, part in enumerate(parts) for piece in ((text(between) if at else ()), part))
            case ast.Attribute(attr="rstrip" | "lstrip" | "strip" as method):
                letters = known(self.text(node.args[0], scope, depth)) if node.args else " "
                inner = self.text(node.func.value, scope, depth)
                if letters is None:
                    return None
                inner = strip_right(inner, letters) if method != "lstrip" else inner
                return strip_left(inner, letters) if method != "rstrip" else inner
            case ast.Name(id="str" | "_" | "r") if len(node.args) == 1:
                return self._text(node.args[0], scope, depth)
        found = self.names.thing(node.func, scope)
        if isinstance(found, External) and found.last in ("url_path_join", "_") and not node.keywords:
            parts = [self.text(each, scope, depth) for each in node.args]
            joints = [text("/", *strip_left(strip_right(each, "/"), "/")) for each in parts if each]
            return joined(joints)
        return None

    def _fields(self, node: ast.Call, pattern: ast.expr, scope: Scope, depth: int) -> Text | None:
        form = known(self.text(pattern, scope, depth))
        if form is None:
            return None
        named = {each.arg: each.value for each in node.keywords if each.arg}
        pieces: list[Text] = []
        end = at = 0
        for found in _FIELD.finditer(form):
            pieces.append(text(form[end : found.start()]))
            end = found.end()
            if found[0] in ("{{", "}}"):
                pieces.append(text(found[0][0]))
                continue
            key = found[1] or str(at)
            at += not found[1]
            place = int(key) if key.isdecimal() and len(key) < 4 else -1
            value = node.args[place] if 0 <= place < len(node.args) else named.get(key)
            if value is None:
                return None
            pieces.append(self.text(value, scope, depth))
        return joined([*pieces, text(form[end:])])

    def items(self, node: ast.expr, scope: Scope, depth: int = 0) -> Iterator[tuple[ast.expr, Scope]]:
        """The items of a literal list, tuple or set, of a sum of them, or of a name for one; of a dict its keys."""
        if depth > _DEPTH:
            return
        match node:
            case ast.List() | ast.Tuple() | ast.Set():
                for each in node.elts:
                    if isinstance(each, ast.Starred):
                        yield from self.items(each.value, scope, depth + 1)
                    else:
                        yield each, scope
            case ast.Dict():
                yield from ((key, scope) for key in node.keys if key is not None)
            case ast.BinOp(op=ast.Add()):
                yield from self.items(node.left, scope, depth + 1)
                yield from self.items(node.right, scope, depth + 1)
            case ast.Call(func=ast.Name(id="list" | "tuple" | "set" | "frozenset" | "sorted"), args=[only]):
                yield from self.items(only, scope, depth + 1)
            case ast.Call(func=ast.Attribute(attr="items", value=ast.expr() as mapping), args=[]):
                yield from self._pairs(mapping, scope)
            case ast.Name() | ast.Attribute():
                thing = self.names.thing(node, scope)
                if isinstance(thing, Expression) and thing.node is not node:
                    yield from self.items(thing.node, thing.scope, depth + 1)

    def _pairs(self, node: ast.expr, scope: Scope) -> Iterator[tuple[ast.expr, Scope]]:
        thing = self.names.thing(node, scope)
        if isinstance(thing, Expression) and isinstance(thing.node, ast.Dict):
            for key, value in zip(thing.node.keys, thing.node.values, strict=True):
                if key is not None:
                    pair = ast.copy_location(ast.Tuple([key, value], ast.Load()), key)
                    self.names.held.append(pair)
                    yield pair, thing.scope

    def keys(self, node: ast.expr, scope: Scope) -> list[str]:
        """The strings among the keys of a literal dict, or of a name for one."""
        thing = self.names.thing(node, scope)
        if not isinstance(thing, Expression) or not isinstance(thing.node, ast.Dict):
            return []
        found = [self.string(key, thing.scope) for key in thing.node.keys if key is not None]
        return [each for each in found if each]


def _length(piece: str | Hole) -> int:
    return len(piece if isinstance(piece, str) else piece.shown)


def is_class(thing: Thing) -> bool:
    """Whether a thing is a class of the files."""
    return isinstance(thing, Definition) and isinstance(thing.node, ast.ClassDef)
