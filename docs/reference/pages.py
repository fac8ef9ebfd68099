"""The reference pages: everything that can be said by looking at the code."""

from collections.abc import Iterable, Sequence

from docs.reference.commands import commands
from docs.reference.keys import keys
from docs.reference.settings import settings
from docs.reference.table import note, table


def pages() -> dict[str, str]:
    """Every page's text, by its file name."""
    return {
        "spec.md": _page("The keys of a route spec", keys()),
        "rules.md": _page("The rules of a route spec", rules()),
        "cli.md": _page("The commands", commands()),
        "settings.md": _page("The gateway's settings", settings()),
    }


def rules() -> Iterable[str]:
    """One row a rule."""
    from routewright.spec.rules import RULES

    yield (
        "`routewright check` prints each problem with its rule's code. An error keeps the spec from being compiled, "
        "a warning does not."
    )
    rows: list[Sequence[str]] = [(f"`{rule.code}`", rule.severity, note(rule.purpose)) for rule in RULES]
    yield table(("code", "severity", "what holds"), rows)


def _page(title: str, parts: Iterable[str]) -> str:
    made = "<!-- Made by `python -m docs.reference`: change the code, not this page. -->"
    return "\n\n".join((made, f"# {title}", *parts)) + "\n"
