"""Conflicts: endpoints that claim one path, or that are taken for each other.

Strategy: endpoints are compared within groups of equal keys, so that the cost grows with their number; only shadowing
asks which paths cover which, within one application.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, TypeAlias

from routewright.scan.coverage import Coverage
from routewright.scan.endpoints import Endpoint
from routewright.scan.modules import exclude
from routewright.scan.sites import Place
from routewright.scan.templates import key, segments

_FAMILIES = {"starlette": "fastapi"}
"""Frameworks whose parts go into each other's applications."""

Kind: TypeAlias = Literal["duplicate", "prefix", "shadowed", "slash"]


class Conflict(NamedTuple):
    """Endpoints that are in each other's way; the first one is where the conflict is reported."""

    kind: Kind
    message: str
    endpoints: tuple[Endpoint, ...]

    @property
    def place(self) -> Place:
        """Where it is reported."""
        return self.endpoints[0].place


def conflicts(endpoints: Iterable[Endpoint]) -> tuple[Conflict, ...]:
    """Every conflict, by place."""
    known = [each for each in endpoints if each.known and each.path != "*"]
    found = [*_duplicates(known), *_prefixes(known), *_shadows(known), *_slashes(known)]
    return tuple(sorted(found, key=lambda each: (each.place, each.kind, each.message)))


def _together(one: Endpoint, other: Endpoint) -> bool:
    """Whether both can be in one application at a time."""
    if one.app and other.app:
        if one.app != other.app:
            return False
    elif _family(one) != _family(other):
        return False
    return not exclude(one.branch, other.branch)


def _family(endpoint: Endpoint) -> str:
    return _FAMILIES.get(endpoint.framework, endpoint.framework)


def _rivals(group: list[Endpoint]) -> Iterator[list[Endpoint]]:
    """The endpoints of a group that meet each other: those of each application; those whose application is not known
    with them if there is one application at most; one only of what is registered at one line."""
    by_app: dict[str, list[Endpoint]] = defaultdict(list)
    for each in group:
        by_app[each.app].append(each)
    unknown = by_app.pop("", [])
    parties = (
        [*by_app.values(), unknown]
        if len(by_app) > 1
        else [[each for found in by_app.values() for each in found] + unknown]
    )
    for rivals in parties:
        met: dict[tuple[Place, str], Endpoint] = {}
        for each in rivals:
            met.setdefault((each.place, each.handler), each)
        yield list(met.values())


def _duplicates(endpoints: list[Endpoint]) -> Iterator[Conflict]:
    groups: dict[tuple[str, ...], list[Endpoint]] = defaultdict(list)
    for each in endpoints:
        groups[(_family(each), *key(each.path))].append(each)
    for group in groups.values():
        told: set[frozenset[Place]] = set()
        for rivals in _rivals(group):
            kept = rivals
            if any(each.branch is not None for each in rivals):
                kept = [each for each in rivals if any(_together(each, other) for other in rivals if other is not each)]
            places = frozenset(each.place for each in kept)
            if len(kept) > 1 and places not in told:
                told.add(places)
                sure = all(each.app for each in kept)
                doubt = "" if sure else "; that all of them are in one application cannot be ruled out"
                yield Conflict("duplicate", f"{kept[0].path} has {len(kept)} handlers{doubt}", tuple(kept))


def _prefixes(endpoints: list[Endpoint]) -> Iterator[Conflict]:
    by_path: dict[tuple[str, ...], list[Endpoint]] = defaultdict(list)
    for each in endpoints:
        by_path[key(each.path)].append(each)
    told: set[tuple[Place, str]] = set()
    for each in endpoints:
        for prefix in each.prefixes:
            words = [segment.text for segment in segments(prefix) if segment.text and not segment.takes]
            rest = segments(each.declared)
            if not words or not any(segment.text == words[-1] for segment in rest) or (each.place, each.path) in told:
                continue
            bare = "/" + each.path.removeprefix(prefix.rstrip("/")).lstrip("/")
            beside = [
                other for other in by_path.get(key(bare), ()) if other.place != each.place and _together(each, other)
            ]
            begins = [segment.text for segment in rest[: len(words)]] == words
            if beside:
                told.add((each.place, each.path))
                message = f"{each.path} is {each.declared} below the prefix {prefix}, beside {bare}"
                yield Conflict("prefix", message, (each, *beside[:1]))
            elif begins and len(rest) > len(words):
                told.add((each.place, each.path))
                yield Conflict("prefix", f"{each.path} has the prefix {prefix} twice", (each,))


def _shadows(endpoints: list[Endpoint]) -> Iterator[Conflict]:
    by_app: dict[str, list[Endpoint]] = defaultdict(list)
    for each in endpoints:
        if each.ordered and each.app:
            by_app[each.app].append(each)
    for group in by_app.values():
        group.sort(key=lambda each: each.order)
        patterns: Coverage[Endpoint] = Coverage()
        for each in group:
            for earlier in patterns.covering(each.path):
                same = key(earlier.path) == key(each.path) or earlier.handler == each.handler
                if not same and not exclude(earlier.branch, each.branch):
                    message = f"{each.path} is never reached: {earlier.path} is registered before it"
                    yield Conflict("shadowed", message, (each, earlier))
                    break
            if any(segment.takes for segment in segments(each.path)):
                patterns.add(each.path, each)


def _slashes(endpoints: list[Endpoint]) -> Iterator[Conflict]:
    groups: dict[tuple[str, ...], list[Endpoint]] = defaultdict(list)
    for each in endpoints:
        parts = key(each.path)
        groups[parts[:-1] if parts[-1] == "" else parts].append(each)
    for group in groups.values():
        with_slash = [each for each in group if each.path.endswith("/") and each.path != "/"]
        for each in with_slash:
            other = next(
                (
                    one
                    for one in group
                    if not one.path.endswith("/") and one.place != each.place and _together(one, each)
                ),
                None,
            )
            if other is not None and other.handler != each.handler:
                message = f"{each.path} and {other.path} differ only in the slash at the end"
                yield Conflict("slash", message, (each, other))
                break
