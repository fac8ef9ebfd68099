"""Python statements as trees, and how they are laid out: conditions, loops and what is returned.

Strategy: as in `routewright.codegen.expressions`, the layout is that of ``ruff format``. A condition that holds nothing
but another condition is written as one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from routewright.codegen.expressions import WIDTH, Expression, columns, lay

INDENT = "    "


@dataclass(frozen=True, slots=True)
class Line:
    """``prefix`` and an expression: ``return Violation(...)``, ``item = value[0]``."""

    prefix: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class If:
    """Statements that run where all conditions hold, and others that run otherwise."""

    conditions: tuple[str, ...]
    body: tuple["Statement", ...]
    otherwise: tuple["Statement", ...] = ()


@dataclass(frozen=True, slots=True)
class For:
    """Statements that run for each item: ``head`` is ``for item in value``."""

    head: str
    body: tuple["Statement", ...]


Statement = Line | If | For


@dataclass(frozen=True, slots=True)
class Function:
    """A function. ``parameters`` and ``result`` are source text, ``doc`` its docstring or ``""``."""

    name: str
    parameters: str
    result: str
    doc: str
    body: tuple[Statement, ...]
    decorator: str = ""


def when(conditions: str | Sequence[str], body: Iterable[Statement]) -> list[Statement]:
    """The statements under one or several conditions; nothing where there are none."""
    found = tuple(body)
    return [If((conditions,) if isinstance(conditions, str) else tuple(conditions), found)] if found else []


def each(head: str, body: Iterable[Statement]) -> list[Statement]:
    """The statements in a loop; nothing where there are none."""
    found = tuple(body)
    return [For(head, found)] if found else []


def function_lines(function: Function) -> list[str]:
    """The lines of a function."""
    head = f"def {function.name}({function.parameters}) -> {function.result}:"
    doc = [f'{INDENT}"""{function.doc}"""'] if function.doc else []
    last = function.body[-1] if function.body else None
    end = [] if isinstance(last, Line) and last.prefix.startswith("return") else [f"{INDENT}return None"]
    decorator = [f"@{function.decorator}"] if function.decorator else []
    return [*decorator, head, *doc, *body_lines(function.body, 1), *end]


def body_lines(statements: Iterable[Statement], depth: int = 0) -> list[str]:
    """The lines of some statements, so many levels in."""
    margin = INDENT * depth
    lines: list[str] = []
    for statement in statements:
        match statement:
            case Line(prefix=prefix, expression=expression):
                source = prefix + lay(expression, len(margin), len(margin) + columns(prefix))
                lines += (margin + source).split("\n")
            case If():
                lines += _if(statement, depth)
            case For(head=head, body=body):
                lines += [f"{margin}{head}:", *body_lines(body, depth + 1)]
    return lines


def _if(statement: If, depth: int, keyword: str = "if") -> list[str]:
    margin = INDENT * depth
    conditions, body = statement.conditions, statement.body
    while not statement.otherwise and len(body) == 1 and isinstance(body[0], If) and not body[0].otherwise:
        conditions, body = conditions + body[0].conditions, body[0].body
    lines = [*_condition(conditions, margin + keyword), *body_lines(body, depth + 1)]
    match statement.otherwise:
        case (If() as other,):
            return lines + _if(other, depth, "elif")
        case (_, *_):
            return [*lines, f"{margin}else:", *body_lines(statement.otherwise, depth + 1)]
    return lines


def _condition(conditions: tuple[str, ...], start: str) -> list[str]:
    margin = start[: len(start) - len(start.lstrip())]
    parts = [f"({each})" if " or " in each and len(conditions) > 1 else each for each in conditions]
    whole = f"{start} {' and '.join(parts)}:"
    if columns(whole) <= WIDTH:
        return [whole]
    inner = margin + INDENT
    joined = f"{inner}{' and '.join(parts)}"
    return [f"{start} (", *([joined] if columns(joined) <= WIDTH else _split(parts, inner)), f"{margin}):"]


def _split(parts: list[str], inner: str) -> list[str]:
    return [f"{inner}{'and ' if index else ''}{part}" for index, part in enumerate(parts)]
