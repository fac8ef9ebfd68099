"""Import statements, sorted and wrapped as isort would."""

import re
from collections.abc import Iterable

from routewright.codegen.expressions import WIDTH, bracket, columns, lay, text


def export_order(name: str) -> tuple[int, list[str | int]]:
    """The order of names in an import and in ``__all__``: constants, classes, then the rest, numbers by their value."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    parts = enumerate(re.split("([0-9]+)", name))
    return kind, [int(part) if index % 2 else part for index, part in parts]


def imported(source: str, names: Iterable[tuple[str, str]]) -> list[str]:
    """Statements that import from ``source``; each name comes with what the module calls it."""
    pairs = sorted(names, key=lambda pair: export_order(pair[0]))
    plain = [name for name, local in pairs if name == local]
    statements = [f"from {source} import {name} as {local}" for name, local in pairs if name != local]
    if plain:
        statement = f"from {source} import {', '.join(plain)}"
        if columns(statement) > WIDTH:
            statement = lay(bracket(f"from {source} import (", map(text, plain), ")", opened=True))
        statements.insert(0, statement)
    return statements


def exported(names: Iterable[str]) -> str:
    """The value of ``__all__``."""
    entries = bracket("[", (text(f'"{name}"') for name in sorted(names, key=export_order)), "]")
    return lay(entries, 0, len("__all__ = "))
