"""What a misspelt name was probably meant to be."""

from collections.abc import Iterable

from rapidfuzz import fuzz, process


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like this one, if any does."""
    names = {each.lower(): each for each in sorted(known)}
    found = process.extractOne(name[:100].lower(), list(names), scorer=fuzz.ratio, score_cutoff=60)
    return None if found is None else names[found[0]]


def suggestion(name: str, known: Iterable[str], what: str) -> str:
    """A hint: the nearest known name, or the first few there are."""
    names = sorted(known)
    found = nearest(name, names)
    if found is not None:
        return f'did you mean "{found}"?'
    if not names:
        return ""
    listed = ", ".join(f'"{each}"' for each in names[:12])
    return f"{what}: {listed}{', ...' if len(names) > 12 else ''}"
