"""Path templates: ``/ws/vision``, ``/ws/rooms/{room}``, ``/ws/files/{path...}``; and which of them claim one path.

Strategy: a path is matched segment by segment, and a literal beats a parameter beats a tail. Two templates conflict
where some path fits both and neither is the better one at every segment where they differ. The templates are kept in a
trie, so that a new one is only compared with those it can meet.
"""

import re
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from routewright.spec.quoting import quoted

Kind = Literal["literal", "parameter", "tail"]
_PLAIN = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+")
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]{0,99})(\.\.\.)?\}")

RESERVED = ("/.well-known/websocket-routes", "/.well-known/websocket-tickets")
"""The gateway's own paths: the discovery document, and where tickets are got."""

SEGMENTS = 32
"""Segments that a path may have."""


class Segment(NamedTuple):
    """``text`` is the literal itself or the parameter's name. A tail takes one segment or more."""

    kind: Kind
    text: str


class PathError(Exception):
    """The template is wrong; the first argument says how, the second what to do."""


def parse(text: str) -> tuple[Segment, ...]:
    """The segments of a path template.

    Raises:
        PathError: it is none.
    """
    if not text.startswith("/"):
        raise PathError(
            f'path {quoted(text)} does not begin with "/"', f"write {quoted('/' + text)}" if _PLAIN.match(text) else ""
        )
    if text == "/":
        return ()
    parts = text[1:].split("/")
    if len(parts) > SEGMENTS:
        raise PathError(f"path has more than {SEGMENTS} segments", "use a tail parameter")
    segments = tuple(_segment(part, index == len(parts) - 1) for index, part in enumerate(parts))
    seen: set[str] = set()
    for segment in segments:
        if segment.kind != "literal" and segment.text in seen:
            raise PathError(f'path parameter "{segment.text}" stands twice', "give each its own name")
        if segment.kind != "literal":
            seen.add(segment.text)
    return segments


def _segment(part: str, last: bool) -> Segment:
    if not part:
        raise PathError("path has an empty segment", "write single slashes, and none at the end")
    if part in (".", ".."):
        raise PathError(f'path has a "{part}" segment', "write the path that it leads to")
    if "{" not in part and "}" not in part:
        if _PLAIN.fullmatch(part) is None:
            wrong = next(letter for letter in part if _PLAIN.fullmatch(letter) is None)
            raise PathError(
                f"path holds {quoted(wrong)}", "a path is made of ASCII letters, digits and -._~!$&'()*+,;=:@"
            )
        return Segment("literal", part)
    found = _PLACEHOLDER.fullmatch(part)
    if found is None:
        raise PathError(
            f"path segment {quoted(part)} is no parameter", 'a parameter fills a segment: "{name}" or "{name...}"'
        )
    if found[2] and not last:
        raise PathError(f"tail {quoted(part)} is not the last segment", "a tail takes the rest of the path")
    return Segment("tail" if found[2] else "parameter", found[1])


def literals(segments: tuple[Segment, ...]) -> list[str]:
    """The literal segments."""
    return [segment.text for segment in segments if segment.kind == "literal"]


def parameters(segments: tuple[Segment, ...]) -> dict[str, bool]:
    """Parameter names, and whether each is a tail."""
    return {segment.text: segment.kind == "tail" for segment in segments if segment.kind != "literal"}


def meeting(one: tuple[Segment, ...], other: tuple[Segment, ...]) -> str:
    """A path that fits both of two templates that conflict."""
    parts: list[str] = []
    for index in range(max(len(one), len(other))):
        found = [segments[min(index, len(segments) - 1)] for segments in (one, other)]
        literal = next((each.text for each in found if each.kind == "literal"), None)
        parts.append(found[0].text if literal is None else literal)
    return "/" + "/".join(parts)


@dataclass(slots=True)
class _Branch:
    literals: dict[str, "_Branch"] = field(default_factory=dict)
    parameter: "_Branch | None" = None
    tail: int | None = None
    end: int | None = None


class Claims:
    """The templates so far, each with the number it was claimed under."""

    def __init__(self) -> None:
        self._root = _Branch()
        self._count = 0

    def claim(self, segments: tuple[Segment, ...]) -> int | None:
        """Add a template; its number is how many were added before.

        Returns:
            The number of one that it conflicts with.
        """
        rival = self._rival(segments, 0, self._root, False, False)
        self._add(segments)
        return rival

    def _add(self, segments: tuple[Segment, ...]) -> None:
        branch, number = self._root, self._count
        self._count += 1
        for segment in segments:
            if segment.kind == "tail":
                branch.tail = number if branch.tail is None else branch.tail
                return
            if segment.kind == "parameter":
                branch.parameter = branch.parameter or _Branch()
                branch = branch.parameter
            else:
                branch = branch.literals.setdefault(segment.text, _Branch())
        branch.end = number if branch.end is None else branch.end

    def _rival(self, segments: tuple[Segment, ...], at: int, branch: _Branch, better: bool, worse: bool) -> int | None:
        """A template below ``branch`` that shares a path with the rest of ``segments``, where neither is the better one
        throughout; ``better`` and ``worse`` are what the segments before ``at`` have shown of ours."""
        if at == len(segments):
            return branch.end if better == worse else None
        kind, text = segments[at]
        if branch.tail is not None and (better or kind != "tail") == worse:
            return branch.tail
        if kind == "tail":
            return _any(branch) if better else None
        meets: list[tuple[_Branch | None, bool, bool]]
        if kind == "literal":
            meets = [(branch.literals.get(text), better, worse), (branch.parameter, True, worse)]
        else:
            meets = [(branch.parameter, better, worse)]
            meets += [(below, better, True) for below in branch.literals.values()]
        for below, ours, theirs in meets:
            found = None if below is None else self._rival(segments, at + 1, below, ours, theirs)
            if found is not None:
                return found
        return None


def _any(branch: _Branch) -> int | None:
    """Any template that goes on below ``branch`` by a literal or a parameter."""
    for below in (branch.parameter, *branch.literals.values()):
        if below is not None:
            for number in (below.end, below.tail):
                if number is not None:
                    return number
            return _any(below)
    return None
