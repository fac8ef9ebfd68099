"""Which regular expressions can take exponential time in a matcher that backtracks.

Strategy: a pattern explodes where one text can go through a loop in two ways, for then a row of such texts can go
through in 2^n ways, and a matcher that fails in the end tries them all. The pattern's Glushkov automaton has a state
for each character position and an edge for each "may come next"; two ways are found as a pair of edges between the same
two states, or as a walk of two tokens that read the same text, part, and come together again. (Weideman et al.,
"Analyzing matching time behavior of backtracking regular expression matchers by using ambiguity of NFA", 2016.)
"""

from collections import Counter
from dataclasses import dataclass, field

from routewright.spec.regex import Anchor, Characters, Choice, Look, Part, Ranges, Repeat, Sequence, meet

_FEW = 12
"""A loop with fewer turns than this, inner and outer ones multiplied, is taken as none: its ways are few."""

_EDGES = 10_000
_STEPS = 300_000
"""Bounds of the search; a pattern that needs more is taken as one that explodes."""


def explodes(part: Part) -> bool:
    """Whether matching this can take time that is exponential in the length of the text."""
    automaton = _Automaton()
    try:
        automaton.add(part, 1)
        if any(explodes(look.part) for look in automaton.looks):
            return True
        return any(_ambiguous(automaton, loop) for loop in _loops(automaton.follow))
    except _TooLarge:
        return True


class _TooLarge(Exception):
    """The automaton is too large to be searched."""


@dataclass(slots=True)
class _Ends:
    """Where a part can begin and end, and whether it can be empty. A position counts once for every way to reach it."""

    empty: bool
    first: Counter[int]
    last: Counter[int]


@dataclass(slots=True)
class _Automaton:
    """``follow[state][next]`` counts the ways from one position to the next."""

    sets: list[Ranges] = field(default_factory=list)
    follow: list[Counter[int]] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    edges: int = 0

    def add(self, part: Part, turns: int) -> _Ends:
        """Add the positions of a part that stands in loops of ``turns`` turns."""
        match part:
            case Characters(ranges):
                state = len(self.sets)
                self.sets.append(ranges)
                self.follow.append(Counter())
                return _Ends(False, Counter([state]), Counter([state]))
            case Sequence(parts):
                ends = _Ends(True, Counter(), Counter())
                for each in parts:
                    ends = self.join(ends, self.add(each, turns))
                return ends
            case Choice(options):
                several = [self.add(option, turns) for option in options]
                first = sum((ends.first for ends in several), Counter[int]())
                last = sum((ends.last for ends in several), Counter[int]())
                return _Ends(any(ends.empty for ends in several), first, last)
            case Repeat(inner, least, most, _):
                return self.loop(inner, least, most, turns)
            case Look():
                self.looks.append(part)
            case Anchor():
                pass
        return _Ends(True, Counter(), Counter())

    def join(self, before: _Ends, after: _Ends) -> _Ends:
        self.connect(before, after)
        first = before.first + after.first if before.empty else before.first
        last = before.last + after.last if after.empty else after.last
        return _Ends(before.empty and after.empty, first, last)

    def loop(self, inner: Part, least: int, most: int | None, turns: int) -> _Ends:
        most_here = _FEW if most is None else max(most, 1)
        ends = self.add(inner, turns * most_here)
        if most_here > 1 and turns * most_here * _turns(inner) >= _FEW:
            self.connect(ends, ends)
        return _Ends(ends.empty or least == 0, ends.first, ends.last)

    def connect(self, before: _Ends, after: _Ends) -> None:
        self.edges += len(before.last) * len(after.first)
        if self.edges > _EDGES:
            raise _TooLarge
        for state, ways in before.last.items():
            for following, more in after.first.items():
                self.follow[state][following] += ways * more


def _turns(part: Part) -> int:
    """How often the innermost part of this can be repeated."""
    match part:
        case Sequence(parts) | Choice(parts):
            return max(map(_turns, parts), default=1)
        case Repeat(inner, _, most, _):
            return _turns(inner) * (_FEW if most is None else max(most, 1))
    return 1


def _loops(follow: list[Counter[int]]) -> list[set[int]]:
    """The sets of states that can all reach each other."""
    reach = [_reachable(follow, state) for state in range(len(follow))]
    loops: list[set[int]] = []
    seen: set[int] = set()
    for state, reached in enumerate(reach):
        if state in reached and state not in seen:
            loop = {other for other in reached if state in reach[other]}
            loops.append(loop)
            seen |= loop
    return loops


def _reachable(follow: list[Counter[int]], state: int) -> set[int]:
    found: set[int] = set()
    ahead = [state]
    while ahead:
        for following in follow[ahead.pop()]:
            if following not in found:
                found.add(following)
                ahead.append(following)
    return found


def _ambiguous(automaton: _Automaton, loop: set[int]) -> bool:
    """Whether one text can go through this loop in two ways."""
    inside = {state: [each for each in automaton.follow[state] if each in loop] for state in loop}
    if any(automaton.follow[state][each] > 1 for state in loop for each in inside[state]):
        return True
    edges: dict[tuple[int, int], list[tuple[int, int]]] = {}
    ahead = [(state, state) for state in loop]
    steps = 0
    while ahead:
        pair = ahead.pop()
        if pair in edges:
            continue
        one, other = pair
        steps += len(inside[one]) * len(inside[other])
        if steps > _STEPS:
            raise _TooLarge
        edges[pair] = [
            (next_one, next_other)
            for next_one in inside[one]
            for next_other in inside[other]
            if meet(automaton.sets[next_one], automaton.sets[next_other])
        ]
        ahead += edges[pair]
    return _returns(edges)


def _returns(edges: dict[tuple[int, int], list[tuple[int, int]]]) -> bool:
    """Whether any pair of two different states leads back to a pair of one."""
    back: dict[tuple[int, int], list[tuple[int, int]]] = {pair: [] for pair in edges}
    for pair, following in edges.items():
        for each in following:
            back[each].append(pair)
    found: set[tuple[int, int]] = set()
    ahead = [pair for pair in edges if pair[0] == pair[1]]
    while ahead:
        for before in back[ahead.pop()]:
            if before not in found:
                found.add(before)
                ahead.append(before)
    return any(one != other for one, other in found)
