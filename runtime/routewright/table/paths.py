"""Which route a path leads to.

Strategy: a tree of segments. At each segment a literal beats a parameter beats a tail, and where the better branch
leads nowhere the next one is tried; a table of literal paths answers the common case with one look-up. Paths are
matched as they came over the wire, segment by segment after percent-decoding, so an encoded slash never makes a new
segment and no other spelling of a path reaches another route.
"""

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote

import msgspec
from rapidfuzz import fuzz, process

from routewright.table.route import Route

_LONGEST = 2048
"""Characters of a path that is looked at; a longer one matches nothing."""


class Match(NamedTuple):
    """A route and the raw text of its path parameters; ``pattern`` is the path or alias that matched, or which the
    path is only ``near`` to."""

    route: Route
    parameters: dict[str, str]
    pattern: str
    near: bool = False


class ParameterError(ValueError):
    """A path parameter does not satisfy the route's schema for it."""


class _Node:
    __slots__ = ("leaf", "literals", "parameter", "tail")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.tail: tuple[Route, str] | None = None
        self.leaf: tuple[Route, str] | None = None


class Matcher:
    """Finds routes by path; built once per table."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        self._literal: dict[str, Match] = {}
        self._patterns: list[str] = []
        for route in routes:
            for pattern in (route.path, *route.aliases):
                self._add(route, pattern)

    def _add(self, route: Route, pattern: str) -> None:
        self._patterns.append(pattern)
        if "{" not in pattern and "%" not in pattern:
            self._literal[pattern] = Match(route, {}, pattern)
        node = self._root
        for segment in pattern.split("/")[1:]:
            if segment.startswith("{") and segment.endswith("...}"):
                node.tail = (route, pattern)
                return
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
        node.leaf = (route, pattern)

    def match(self, path: str) -> Match | None:
        """The route that answers a path (percent-encoded as it came, without its query), or ``None``."""
        found = self._literal.get(path)
        if found is not None:
            return found
        if not path.startswith("/") or len(path) > _LONGEST:
            return None
        try:
            segments = [unquote(segment, errors="strict") for segment in path.split("/")[1:]]
        except UnicodeDecodeError:
            return None
        if not all(map(_sound, segments)):
            return None
        values: list[str] = []
        leaf = _walk(self._root, segments, 0, values)
        if leaf is None:
            return None
        route, pattern = leaf
        names = [segment[1:-1].removesuffix("...") for segment in pattern.split("/") if segment.startswith("{")]
        return Match(route, dict(zip(names, values, strict=True)), pattern)

    def near(self, path: str, limit: int = 3) -> list[str]:
        """Declared paths that look like this one, nearest first."""
        found = process.extract(path[:200], self._patterns, scorer=fuzz.ratio, limit=limit, score_cutoff=60)
        return [pattern for pattern, _, _ in found]

    def nearest(self, path: str, threshold: float) -> Match | None:
        """The route whose literal path or alias looks most like this one, upper and lower case aside.

        The measure is the normalised indel similarity (rapidfuzz ``fuzz.ratio``, here 0 to 1).

        Returns:
            ``None`` where none is at least so alike, or two routes are equally near.
        """
        try:
            plain = unquote(path[:_LONGEST], errors="strict")
        except UnicodeDecodeError:
            return None
        if not all(map(_sound, plain.split("/")[1:])):
            return None
        literals = [pattern for pattern in self._patterns if "{" not in pattern]
        found = process.extract(
            plain, literals, scorer=fuzz.ratio, processor=str.lower, limit=None, score_cutoff=threshold * 100
        )
        best = [self._literal[pattern] for pattern, score, _ in found if score == found[0][1]]
        if not best or any(each.route is not best[0].route for each in best):
            return None
        return best[0]._replace(near=True)


def overlap(one: str, other: str) -> bool:
    """Whether some path fits both of two templates, even where one of them would win it."""
    ours, theirs = one.split("/")[1:], other.split("/")[1:]
    for left, right in zip(ours, theirs, strict=False):
        if left.endswith("...}") or right.endswith("...}"):
            return True
        if not left.startswith("{") and not right.startswith("{") and left != right:
            return False
        if not (left and right) and left != right:
            return False
    return len(ours) == len(theirs)


def _sound(segment: str) -> bool:
    """Whether a decoded segment climbs nowhere, not even by slashes that were encoded."""
    return segment.isprintable() and not any(part in (".", "..") for part in segment.split("/"))


def _walk(node: _Node, segments: list[str], at: int, values: list[str]) -> tuple[Route, str] | None:
    if at == len(segments):
        return node.leaf
    segment = segments[at]
    child = node.literals.get(segment)
    if child is not None and (leaf := _walk(child, segments, at + 1, values)) is not None:
        return leaf
    if node.parameter is not None and segment:
        values.append(segment)
        if (leaf := _walk(node.parameter, segments, at + 1, values)) is not None:
            return leaf
        values.pop()
    if node.tail is not None and any(segments[at:]):
        values.append("/".join(segments[at:]))
        return node.tail
    return None


def convert(route: Route, parameters: dict[str, str]) -> dict[str, object]:
    """The path parameters as their schemas' types.

    Raises:
        ParameterError: one does not satisfy its schema; the message names it.
    """
    if not parameters:
        return {}
    types = {parameter.name: parameter.type for parameter in route.parameters}
    converted: dict[str, object] = {}
    for name, text in parameters.items():
        try:
            converted[name] = msgspec.convert(text, types.get(name, str), strict=False)
        except msgspec.ValidationError as error:
            raise ParameterError(f"path parameter {name!r}: {error}") from None
    return converted
