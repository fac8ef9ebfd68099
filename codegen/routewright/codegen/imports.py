"""Import statements, sorted and wrapped as isort would."""

from collections.abc import Iterable

from routewright.codegen.expressions import WIDTH, bracket, columns, lay, text


def export_order(name: str) -> tuple[int, str]:
    """The order of names in an import and in ``__all__``: constants, classes, then the rest."""
    if name.isupper() and len(name) > 1:
        return 0, name
    return (1, name) if name[:1].isupper() else (2, name)


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
