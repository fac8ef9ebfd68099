"""Strings as far as they can be known from reading: known pieces, and holes where only running would tell."""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias


class Hole(NamedTuple):
    """A piece that cannot be known; ``shown`` is the expression that makes it."""

    shown: str


Text: TypeAlias = tuple[str | Hole, ...]
"""Pieces in a row. No two strings stand side by side, and none is empty."""

EMPTY: Text = ()


def text(*pieces: str | Hole) -> Text:
    """A text of these pieces."""
    return joined([pieces])


def joined(texts: Iterable[Text]) -> Text:
    """Texts, one after the other."""
    made: list[str | Hole] = []
    for each in texts:
        for piece in each:
            if isinstance(piece, str) and made and isinstance(made[-1], str):
                made[-1] += piece
            elif piece != "":
                made.append(piece)
    return tuple(made)


def known(given: Text) -> str | None:
    """The string, where nothing of it is a hole."""
    if not given:
        return ""
    first = given[0]
    return first if len(given) == 1 and isinstance(first, str) else None


def shown(given: Text) -> str:
    """The string with ``<expression>`` for each hole."""
    return "".join(piece if isinstance(piece, str) else f"<{piece.shown}>" for piece in given)


def strip_left(given: Text, letters: str) -> Text:
    """Without these letters at the beginning."""
    if given and isinstance(given[0], str):
        return text(given[0].lstrip(letters), *given[1:])
    return given


def strip_right(given: Text, letters: str) -> Text:
    """Without these letters at the end."""
    if given and isinstance(given[-1], str):
        return text(*given[:-1], given[-1].rstrip(letters))
    return given
