"""Which topic of a table a name belongs to: ``jobs.7`` to ``jobs.{id}``, and so does the pattern ``jobs.*``.

Strategy: a tree by segments. As with paths, a literal beats a placeholder, so a name belongs to one topic at most. In a
pattern ``*`` stands for one segment and only fits a placeholder, so a pattern never reaches into a topic that has an
entry of its own.
"""

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Generic, NamedTuple, TypeVar

LONGEST = 255
"""Bytes (UTF-8) that the name of a topic may have."""

ANY = "*"
"""Stands for one segment in a pattern."""

T = TypeVar("T")


class Found(NamedTuple, Generic[T]):
    """What a name belongs to, and what stands at the placeholders (``*`` for those of a pattern)."""

    value: T
    parameters: dict[str, str]


class _Branch(Generic[T]):
    __slots__ = ("end", "literals", "parameter")

    def __init__(self) -> None:
        self.literals: dict[str, _Branch[T]] = {}
        self.parameter: _Branch[T] | None = None
        self.end: tuple[T, tuple[str, ...]] | None = None


class TopicTree(Generic[T]):
    """Values by the names of their topics, as the spec gives these; of two with one form the first counts."""

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        self._root = _Branch[T]()
        for name, value in entries:
            branch, names = self._root, list[str]()
            for segment in name.split("."):
                if segment.startswith("{"):
                    names.append(segment[1:-1])
                    branch.parameter = branch.parameter or _Branch[T]()
                    branch = branch.parameter
                else:
                    branch = branch.literals.setdefault(segment, _Branch[T]())
            if branch.end is None:
                branch.end = value, tuple(names)

    def find(self, name: str) -> Found[T] | None:
        """What a name or a pattern belongs to; ``None`` where it is none, or no topic's."""
        if not is_name(name):
            return None
        values: list[str] = []
        end = self._find(name.split("."), 0, self._root, values)
        return None if end is None else Found(end[0], dict(zip(end[1], values, strict=True)))

    def _find(
        self, segments: list[str], at: int, branch: _Branch[T], values: list[str]
    ) -> tuple[T, tuple[str, ...]] | None:
        if at == len(segments):
            return branch.end
        literal = branch.literals.get(segments[at])
        if literal is not None and (end := self._find(segments, at + 1, literal, values)) is not None:
            return end
        if branch.parameter is None:
            return None
        values.append(segments[at])
        end = self._find(segments, at + 1, branch.parameter, values)
        if end is None:
            values.pop()
        return end


def is_name(text: str) -> bool:
    """Whether this may be a concrete topic or a pattern: segments that can be printed, without ``{}`` and blanks, and
    with ``*`` alone or not at all."""
    if not text.isprintable() or len(text.encode()) > LONGEST:
        return False
    return all(
        segment and (segment == ANY or ANY not in segment) and not any(each in "{} " for each in segment)
        for segment in text.split(".")
    )


def suggestion(name: str, topics: Iterable[str]) -> str:
    """A hint: the topic of the spec that a name was probably meant for, or some that there are."""
    from rapidfuzz import process

    given = name[:LONGEST].split(".")
    names = sorted(topics)
    # with what was given in the place of the placeholders, names of one length differ by their words alone
    filled = {
        ".".join(
            given[at] if segment.startswith("{") and at < len(given) else segment
            for at, segment in enumerate(each.split("."))
        ): each
        for each in reversed(names)
    }
    found = process.extractOne(".".join(given), list(filled), score_cutoff=60)
    if found is not None:
        return f"did you mean {filled[found[0]]!r}?"
    return f"one of: {', '.join(names[:10])}" if names else "there are no topics"


def is_pattern(name: str) -> bool:
    """Whether a name stands for several."""
    return ANY in name


def covers(pattern: str, name: str) -> bool:
    """Whether a pattern, or a name, stands for a concrete name; which topics there are is not asked."""
    segments, wanted = name.split("."), pattern.split(".")
    return len(segments) == len(wanted) and all(
        each in (ANY, segment) for each, segment in zip(wanted, segments, strict=True)
    )


def form(topic: str) -> str:
    """A topic of the spec as a pattern: ``jobs.{id}`` is ``jobs.*``."""
    return ".".join(ANY if segment.startswith("{") else segment for segment in topic.split("."))


def reaching(topic: str, name: str) -> Iterator[str]:
    """Every name by which a concrete ``name`` of this ``topic`` of the spec may have been subscribed to: its own first,
    then its patterns. There are 2 to the number of placeholders."""
    segments = name.split(".")
    places = [at for at, segment in enumerate(topic.split(".")) if segment.startswith("{")]
    for count in range(len(places) + 1):
        for chosen in combinations(places, count):
            yield ".".join(ANY if at in chosen else segment for at, segment in enumerate(segments))
