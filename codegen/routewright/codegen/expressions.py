"""Python expressions as trees, and how they are wrapped.

Strategy: the layout that ``ruff format`` and Black agree on: an expression that fits stays on its line; one that does
not has its outermost bracket opened, one item a line with a trailing comma, and each item in turn treated the same.
A node knows its one-line form from the start (``None`` when no line could hold it), so layout is linear. Nodes are
never changed once they are made; they are not declared frozen because making them would then take three times as long.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from unicodedata import ucd_3_2_0

WIDTH = 120
"""Columns of a line."""


@dataclass(slots=True)
class Expression:
    """``flat`` is the one-line form, or ``None`` if it is longer than a line or is to be opened anyway."""

    flat: str | None


@dataclass(slots=True)
class Text(Expression):
    """What cannot be divided: a name, a literal."""

    text: str


@dataclass(slots=True)
class Named(Expression):
    """``name=value`` in a call, ``"key": value`` in a dict."""

    prefix: str
    value: Expression


@dataclass(slots=True)
class Bracket(Expression):
    """A call, a subscript, a tuple, a list or a dict: ``head`` ends with the opening bracket."""

    head: str
    items: tuple[Expression, ...]
    tail: str


@dataclass(slots=True)
class Choice(Expression):
    """``A | B``, of two or more options."""

    options: tuple[Expression, ...]


def text(source: str) -> Text:
    """An indivisible piece of source text, which has come from `routewright.codegen.literals` or is a checked name."""
    return Text(_short(source), source)


def named(prefix: str, value: Expression) -> Named:
    """``prefix`` includes its ``=`` or ``: ``."""
    return Named(_short(prefix + value.flat) if value.flat is not None else None, prefix, value)


def bracket(head: str, items: Iterable[Expression], tail: str, *, opened: bool = False) -> Bracket:
    """``opened``: one item a line even where all of them would fit."""
    parts = tuple(items)
    comma = "," if head == "(" and len(parts) == 1 else ""
    flat = None if opened and parts else _joined(parts, ", ")
    return Bracket(_short(f"{head}{flat}{comma}{tail}") if flat is not None else None, head, parts, tail)


def call(function: str, arguments: Iterable[Expression], *, opened: bool = False) -> Bracket:
    """``function(...)``."""
    return bracket(f"{function}(", arguments, ")", opened=opened)


def subscript(name: str, *items: Expression) -> Bracket:
    """``name[...]``."""
    return bracket(f"{name}[", items, "]")


def choice(options: Iterable[Expression]) -> Expression:
    """``A | B``, without repetitions and ``None`` at its end; of one option, that option."""
    distinct = {one_line(part): part for option in options for part in _options(option)}
    parts = tuple(sorted(distinct.values(), key=lambda part: part.flat == "None"))
    if len(parts) == 1:
        return parts[0]
    flat = _joined(parts, " | ")
    return Choice(_short(flat) if flat is not None else None, parts)


def one_line(expression: Expression) -> str:
    """The whole expression on one line, however long."""
    match expression:
        case Expression(flat=str(flat)):
            return flat
        case Text(text=source):
            return source
        case Named(prefix=prefix, value=value):
            return prefix + one_line(value)
        case Bracket(head=head, items=items, tail=tail):
            comma = "," if head == "(" and len(items) == 1 else ""
            return f"{head}{', '.join(one_line(item) for item in items)}{comma}{tail}"
        case Choice(options=options):
            return " | ".join(one_line(option) for option in options)
    raise TypeError(expression)


def lay(expression: Expression, indent: int = 0, column: int = 0, reserve: int = 0, *, bare: bool = False) -> str:
    """The source text of an expression.

    Args:
        indent: columns of the statement or item that it belongs to.
        column: where its first line begins.
        reserve: columns that must stay free behind its last line.
        bare: it stands alone in a bracket, so that a union needs no parentheses of its own.
    """
    if expression.flat is not None and column + columns(expression.flat) + reserve <= WIDTH:
        return expression.flat
    match expression:
        case Named(prefix=prefix, value=value):
            return prefix + lay(value, indent, column + columns(prefix), reserve)
        case Bracket(head=head, items=items, tail=tail) if items:
            return head + _items(items, indent, subscripted=tail == "]" and head != "[") + tail
        case Choice(options=options):
            inner = indent if bare else indent + 4
            if expression.flat is not None and inner + columns(expression.flat) <= WIDTH and not bare:
                return f"(\n{' ' * inner}{expression.flat}\n{' ' * indent})"
            lines = [lay(option, inner, inner + 2, 0) for option in options]
            body = ("\n" + " " * inner + "| ").join(lines)
            return body if bare else f"(\n{' ' * inner}{body}\n{' ' * indent})"
    return one_line(expression)


def columns(line: str) -> int:
    """How wide the text is drawn: East Asian wide characters take two columns, combining ones none."""
    if line.isascii():
        return len(line)
    return sum(_columns(character) for character in line)


def _columns(character: str) -> int:
    if ucd_3_2_0.category(character) in ("Mn", "Me"):
        return 0
    return 2 if ucd_3_2_0.east_asian_width(character) in "WF" else 1


def _items(items: tuple[Expression, ...], indent: int, *, subscripted: bool) -> str:
    inner = indent + 4
    if subscripted and len(items) == 1:
        return f"\n{' ' * inner}{lay(items[0], inner, inner, 0, bare=True)}\n{' ' * indent}"
    lines = [f"{' ' * inner}{lay(item, inner, inner, 1, bare=True)},\n" for item in items]
    return "\n" + "".join(lines) + " " * indent


def _options(expression: Expression) -> tuple[Expression, ...]:
    return expression.options if isinstance(expression, Choice) else (expression,)


def _joined(parts: tuple[Expression, ...], separator: str) -> str | None:
    flats: list[str] = []
    for part in parts:
        if part.flat is None:
            return None
        flats.append(part.flat)
    return _short(separator.join(flats))


def _short(source: str) -> str | None:
    return source if len(source) <= WIDTH else None
