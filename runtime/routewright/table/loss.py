"""What one schema refuses of what another accepts, and how that is found for scalars."""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from routewright.table.conjuncts import Conjunct, Together
from routewright.table.json_values import is_integer


class Loss(NamedTuple):
    """Something that one schema accepts and the other refuses.

    Attributes:
        steps: where, as keywords and names from the schema's root: ``("properties", "depth")``.
        keyword: the keyword that refuses it; ``properties`` for a property that the other side does not know.
        given: what the accepting side says there, ``None`` for nothing; for ``required`` and properties, the name.
        limit: what the refusing side says there.
        undecided: it may be accepted all the same.
    """

    steps: tuple[str, ...]
    keyword: str
    given: Any
    limit: Any
    undecided: bool = False


def number_losses(together: Together, part: Conjunct, steps: tuple[str, ...]) -> Iterator[Loss]:
    """What the bounds of ``part`` refuse of numbers."""
    low, low_open = together.lower()
    high, high_open = together.upper()
    refused: dict[str, Callable[[float], bool]] = {
        "minimum": lambda bound: low < bound,
        "exclusiveMinimum": lambda bound: low < bound or (low == bound and not low_open),
        "maximum": lambda bound: high > bound,
        "exclusiveMaximum": lambda bound: high > bound or (high == bound and not high_open),
    }
    for keyword, refuses in refused.items():
        if keyword in part and refuses(part[keyword]):
            yield Loss(steps, keyword, finite(low if "inimum" in keyword else high), part[keyword])
    if "multipleOf" in part:
        wanted = part["multipleOf"]
        divisors = together.all("multipleOf") + ([] if "fraction" in together.atoms else [1])
        if not any(
            each == wanted or (is_integer(each) and is_integer(wanted) and each % wanted == 0) for each in divisors
        ):
            yield Loss(steps, "multipleOf", together.least("multipleOf"), wanted)


def string_losses(together: Together, part: Conjunct, steps: tuple[str, ...]) -> Iterator[Loss]:
    """What the bounds, the pattern and the format of ``part`` refuse of strings."""
    yield from bound_losses(together, part, "minLength", "maxLength", steps)
    for keyword in ("pattern", "format"):
        if keyword in part and part[keyword] not in together.all(keyword):
            given = next(iter(together.all(keyword)), None)
            yield Loss(steps, keyword, given, part[keyword], undecided=given is not None)


def bound_losses(together: Together, part: Conjunct, least: str, most: str, steps: tuple[str, ...]) -> Iterator[Loss]:
    """What a least and a greatest count refuse."""
    if part.get(least, 0) > (together.least(least) or 0):
        yield Loss(steps, least, together.least(least), part[least])
    if part.get(most, math.inf) < together.most(most):
        yield Loss(steps, most, finite(together.most(most)), part[most])


def finite(bound: float) -> float | None:
    """A bound, ``None`` where there is none."""
    return None if math.isinf(bound) else bound
