"""The reference pages: everything that can be said by looking at the code."""

from collections.abc import Iterable

from docs.reference.commands import commands
from docs.reference.keys import keys
from docs.reference.rules import rules
from docs.reference.schemas import schemas
from docs.reference.settings import settings


def pages() -> dict[str, str]:
    """Every page's text, by its place in docs/."""
    return {
        "reference/spec.md": _page("The keys of a route spec", keys()),
        "reference/schemas.md": _page("JSON Schema in route specs", schemas()),
        "rules.md": _page("The rules of a route spec", rules()),
        "reference/cli.md": _page("The commands", commands()),
        "reference/settings.md": _page("The gateway's settings", settings()),
    }


def _page(title: str, parts: Iterable[str]) -> str:
    made = "<!-- Made by `python -m docs.reference`: change the code, not this page. -->"
    return "\n\n".join((made, f"# {title}", *parts)) + "\n"
