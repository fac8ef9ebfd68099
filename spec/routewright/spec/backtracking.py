"""How long a matcher that backtracks may look for a regular expression at worst.

Strategy: such a matcher, failing in the end, goes every way through the pattern that any beginning of the text allows,
so its time is the number of ways times what a step costs. The pattern becomes an automaton with a state for each
character position (Glushkov's), repetitions of few turns written out. Two states that no text reaches at once take
turns, and all others add up; so a recurrence over the length of the text bounds the ways without knowing the text
(compare Weideman et al., "Analyzing matching time behavior of backtracking regular expression matchers by using
ambiguity of NFA", 2016). It is carried on until its growth is plain, and the rest follows from the power it grows by.
"""

import math
from collections import Counter
from dataclasses import dataclass, field, replace

from routewright.spec.regex import (
    EVERYTHING,
    Anchor,
    Characters,
    Choice,
    Look,
    Part,
    Ranges,
    Repeat,
    Sequence,
    complement,
    meet,
)

IN_RUN, ELSEWHERE, AT_START = 6e-9, 20e-9, 10e-9
"""Seconds that a step takes: another turn of a repeated character, any other step, a place where nothing begins. What
was measured lies between a tenth of the time that they add up to and five times it."""

_TURNS = (128, 24, 8, 1)
"""Repetitions of so many turns are written out, others taken as endless; fewer where the automaton is too large."""

_STATES = 400
_EDGES = 4_000
_PAIRS = 40_000
"""Bounds of the automaton; a pattern that needs more, even with every repetition endless, counts as endless itself."""

_CLIQUES = 60
"""Steps to find which of the states before a state are reached at once; above, what is left to chance counts too."""

_TOO_LONG = 1e6


def seconds(options: tuple[Part, ...], length: int, *, runs: bool) -> float:
    """The time that it may take at worst to find none of these parts in a text of this many characters.

    Each option is looked for everywhere, or from the text's beginning alone if it begins with ``^``.

    Args:
        runs: one that begins with a run is looked for only where a run begins (see `run`).
    """
    for turns in _TURNS:
        automaton = _Automaton(turns)
        try:
            ends = [automaton.add(option, ELSEWHERE) for option in options]
            found = any(each.free for each in ends)
            for option, each in zip(options, ends, strict=True):
                begun = (run(option) or ()) if runs else ()
                automaton.search(each, None if found or anchored(option) else begun)
            return _time(automaton, length)
        except _TooLarge:
            continue
    return math.inf


def run(part: Part) -> Ranges | None:
    """The characters that a part begins with any number of, if it does and goes on. Where such a character stands
    before a match, there is also a match that begins with it, so that it need not be looked for in the middle of a run.
    """
    first = part
    while isinstance(first, Sequence) and first.parts:
        first = first.parts[0]
    if first is not part and isinstance(first, Repeat) and first.most is None and isinstance(first.part, Characters):
        return first.part.ranges
    return None


def anchored(part: Part) -> bool:
    """Whether a part fits at the text's beginning alone."""
    if isinstance(part, Sequence):
        return any(anchored(each) for each in part.parts[:1])
    if isinstance(part, Choice):
        return all(anchored(option) for option in part.options)
    return isinstance(part, Anchor) and part.text == "^"


class _TooLarge(Exception):
    """The automaton is too large to be searched."""


@dataclass(slots=True)
class _Ends:
    """Where a part can begin and end. A position counts once for every way to reach it.

    Attributes:
        empty: nothing need be read.
        free: nothing need be read nor looked at.
        final: the positions of ``last`` after which nothing need be looked at.
    """

    empty: bool = True
    free: bool = True
    first: Counter[int] = field(default_factory=Counter)
    last: Counter[int] = field(default_factory=Counter)
    final: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Automaton:
    """``follow[state][next]`` counts the ways from one position to the next; state 0 is before the text."""

    turns: int
    sets: list[Ranges] = field(default_factory=lambda: [()])
    cost: list[float] = field(default_factory=lambda: [0.0])
    follow: list[Counter[int]] = field(default_factory=lambda: [Counter()])
    edges: int = 0

    def search(self, ends: _Ends, begun: Ranges | None) -> None:
        """Look for a part wherever none of some characters stands before, or (``None``) at the beginning alone."""
        self.connect(_Ends(last=Counter([0])), ends)
        if begun is not None:
            inside, outside = self.state(begun, AT_START), self.state(complement(begun), AT_START)
            for state in (0, inside, outside):
                self.follow[state].update((inside, outside))
            self.connect(_Ends(last=Counter([outside])), ends)
        for state in ends.final:
            # who reads this has found the part, and looks no further
            self.sets[state] = ()

    def state(self, ranges: Ranges, cost: float) -> int:
        if len(self.sets) > _STATES and self.turns > 1:
            raise _TooLarge
        self.sets.append(ranges)
        self.cost.append(cost)
        self.follow.append(Counter())
        return len(self.sets) - 1

    def add(self, part: Part, cost: float) -> _Ends:
        """Add the positions of a part, each step of which costs so many seconds."""
        match part:
            case Characters(ranges):
                state = self.state(ranges, cost)
                return _Ends(False, False, Counter([state]), Counter([state]), frozenset([state]))
            case Sequence(parts):
                ends = _Ends()
                for each in parts:
                    ends = self.join(ends, self.add(each, ELSEWHERE))
                return ends
            case Choice(options):
                return _either([self.add(option, ELSEWHERE) for option in options])
            case Repeat(inner, least, most, _):
                return self.repeat(inner, least, most)
            case Look(opening, inner):
                # ways that end here: nothing follows them
                looked = self.add(_anything(inner) if "<" in opening else inner, ELSEWHERE)
                return _Ends(free=False, first=looked.first)
            case Anchor("^" | r"\Z"):
                return _Ends(free=False)
            case Anchor():
                return _Ends(free=False, first=Counter([self.state(EVERYTHING, ELSEWHERE)]))
        raise AssertionError(part)

    def join(self, before: _Ends, after: _Ends) -> _Ends:
        self.connect(before, after)
        return _Ends(
            before.empty and after.empty,
            before.free and after.free,
            before.first + after.first if before.empty else before.first,
            before.last + after.last if after.empty else after.last,
            before.final | after.final if after.free else after.final,
        )

    def repeat(self, inner: Part, least: int, most: int | None) -> _Ends:
        cost = IN_RUN if isinstance(inner, Characters) else ELSEWHERE
        written = (least if most is None else most) <= self.turns
        several = least > 1
        if not written:
            least, most = min(least, 1), None
        ends = _Ends()
        copies = max(least, 1) if most is None else most
        for turn in range(copies, 0, -1):
            copy = self.add(inner, cost)
            if copy.empty and several and not written:
                # which of the turns read nothing is a choice, which an endless repetition does not offer
                raise _TooLarge
            if turn == copies and most is None:
                self.connect(copy, copy)
            ends = copy if turn == copies else self.join(copy, ends)
            if turn > least:
                ends = replace(ends, empty=True, free=True)
        return ends

    def connect(self, before: _Ends, after: _Ends) -> None:
        self.edges += len(before.last) * len(after.first)
        if self.edges > _EDGES:
            raise _TooLarge
        for state, ways in before.last.items():
            for following, more in after.first.items():
                self.follow[state][following] += ways * more


def _either(options: list[_Ends]) -> _Ends:
    return _Ends(
        any(ends.empty for ends in options),
        any(ends.free for ends in options),
        sum((ends.first for ends in options), Counter[int]()),
        sum((ends.last for ends in options), Counter[int]()),
        frozenset[int]().union(*(ends.final for ends in options)),
    )


def _anything(part: Part) -> Part:
    """A part of the same length that any text fits: a look-behind reads what has been read before."""
    match part:
        case Characters():
            return Characters(EVERYTHING)
        case Sequence(parts):
            return Sequence(tuple(map(_anything, parts)))
        case Choice(options):
            return Choice(tuple(map(_anything, options)))
        case Repeat(inner, least, most, lazy):
            return Repeat(_anything(inner), least, most, lazy)
    return part


def _time(automaton: _Automaton, length: int) -> float:
    """Seconds for the worst text of this length: the recurrence step by step, then its growth carried on."""
    together = _together(automaton)
    before: list[dict[int, float]] = [{} for _ in automaton.sets]
    for state, following in enumerate(automaton.follow):
        for each, count in following.items():
            before[each][state] = count
    most_ways = [_Most.of(weights, together) for weights in before]
    most_time = _Most.of(dict(enumerate(automaton.cost)), together)
    ways = [1.0] + [0.0] * (len(automaton.sets) - 1)
    times: list[float] = []
    for step in range(min(length, 4 * len(ways) + 64)):
        now = [most(ways) for most in most_ways]
        if now == ways:
            return sum(times) + times[-1] * (length - step)
        ways = now
        times.append(most_time(ways))
        if times[-1] > _TOO_LONG:
            return math.inf
    return sum(times) + _rest(times, length)


@dataclass(frozen=True, slots=True)
class _Most:
    """The most that some states add up to, when each counts so much: of every choice the sum, of every group of the
    choice the largest."""

    choices: list[list[list[tuple[int, float]]]]

    def __call__(self, ways: list[float]) -> float:
        return max(
            (sum(max(ways[state] * weight for state, weight in group) for group in choice) for choice in self.choices),
            default=0.0,
        )

    @classmethod
    def of(cls, weights: dict[int, float], together: list[set[int]]) -> "_Most":
        states = list(weights)
        cliques = _cliques(states, together)
        choices = [[[state] for state in clique] for clique in cliques] if cliques else [_turns(states, together)]
        return cls([[[(state, weights[state]) for state in group] for group in choice] for choice in choices])


def _cliques(states: list[int], together: list[set[int]]) -> list[list[int]] | None:
    """All the largest sets of states that are reached at once, or ``None`` if they are many."""
    found: list[list[int]] = []
    ahead: list[tuple[list[int], set[int], set[int]]] = [([], set(states), set())]
    for _ in range(_CLIQUES):
        if not ahead:
            return found
        clique, open_, closed = ahead.pop()
        if not open_:
            if not closed:
                found.append(clique)
            continue
        pivot = max(open_ | closed, key=lambda state: len(together[state] & open_))
        for state in open_ - together[pivot]:
            others = together[state]
            ahead.append(([*clique, state], (open_ & others) - {state}, closed & others))
            open_ = open_ - {state}
            closed = closed | {state}
    return None


def _rest(times: list[float], length: int) -> float:
    """What the steps after these take. Quarters are compared by their peaks, so that a rhythm is no growth; a line
    grows by as much every quarter, whatever it begins with, and a curve of higher power by more and more."""
    left = length - len(times)
    quarter = len(times) // 4
    if left <= 0 or not quarter:
        return 0.0
    low, middle, high = (max(times[at * quarter : (at + 1) * quarter]) for at in (1, 2, 3))
    if high <= low:
        return high * left
    growth = (high - middle) / (middle - low) if middle > low else math.inf
    if growth > _TOO_LONG:
        return math.inf
    power = 1 + max(0, math.ceil(math.log(max(growth, 1.0)) / math.log(1.4) - 0.6))
    return high * length / (power + 1) * float(length / len(times)) ** power


def _together(automaton: _Automaton) -> list[set[int]]:
    """For each state, the others that one text can reach as well."""
    numbers: dict[Ranges, int] = {}
    kinds = [numbers.setdefault(ranges, len(numbers)) for ranges in automaton.sets]
    meeting = [[meet(one, other) for other in numbers] for one in numbers]
    together: list[set[int]] = [set() for _ in automaton.sets]
    found = {(0, 0)}
    ahead = [(0, 0)]
    steps = 0
    while ahead:
        one, other = ahead.pop()
        steps += len(automaton.follow[one]) * len(automaton.follow[other])
        if steps > _PAIRS:
            raise _TooLarge
        for next_one in automaton.follow[one]:
            row = meeting[kinds[next_one]]
            for next_other in automaton.follow[other]:
                pair = (next_one, next_other) if next_one <= next_other else (next_other, next_one)
                if row[kinds[next_other]] and pair not in found:
                    found.add(pair)
                    ahead.append(pair)
                    if next_one != next_other:
                        together[next_one].add(next_other)
                        together[next_other].add(next_one)
    return together


def _turns(states: list[int], together: list[set[int]]) -> list[list[int]]:
    """The states in groups, no two of one of which are reached at once."""
    groups: list[list[int]] = []
    for state in states:
        for group in groups:
            if together[state].isdisjoint(group):
                group.append(state)
                break
        else:
            groups.append([state])
    return groups
