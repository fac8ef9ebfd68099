"""What generated check functions say: the first violation of a schema, and where it is.

Strategy: a check function takes a decoded value and answers with a `Violation` or ``None``. Its path is put together
on the way back, so that a value without violation costs no path. Functions that have to know which properties and
items a schema has looked at (``unevaluatedProperties``, ``unevaluatedItems``) note them in a `Seen`.
"""

import re
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

Token = str | int
"""A step of a path: the name of a property, or the index of an item."""

_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


class Violation(Exception):
    """A value that its schema does not allow.

    Attributes:
        message: what was expected.
        path: the steps from the checked value to the wrong one.
    """

    def __init__(self, message: str, *path: Token) -> None:
        super().__init__(message)
        self.message = message
        self.path = path

    def below(self, *path: Token) -> "Violation":
        """The same one, as seen from the value that this path leads from."""
        self.path = path + self.path
        return self

    @property
    def where(self) -> str:
        """The path as JSON path without its root: ``.lines[2].name``, or ``""``."""
        return "".join(
            f"[{step}]" if isinstance(step, int) else f".{step}" if _NAME.fullmatch(step) else f"[{_quoted(step)}]"
            for step in self.path
        )


Check = Callable[[Any], Violation | None]
"""A generated check function."""


class Seen:
    """The properties and items of one value that a schema has evaluated."""

    __slots__ = ("items", "names")

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.items: set[int] = set()

    def add(self, other: "Seen") -> None:
        """What the other has seen is seen."""
        self.names |= other.names
        self.items |= other.items

    def other_names(self, value: dict[str, Any]) -> Iterator[str]:
        """The names of an object's properties that nothing has evaluated, of which there may become more meanwhile."""
        return (name for name in value if name not in self.names)

    def other_items(self, value: list[Any]) -> Iterator[int]:
        """The indices of an array's items that nothing has evaluated, of which there may become more meanwhile."""
        return (index for index in range(len(value)) if index not in self.items)


TrackedCheck = Callable[[Any, Seen], Violation | None]
"""A generated check function that notes what it evaluates."""


@lru_cache(maxsize=4096)
def pattern(text: str) -> Callable[[str], Any]:
    """Where a regular expression occurs in a text, or ``None``."""
    return re.compile(text).search


Verdict = tuple[tuple[str, *tuple[Token, ...]] | None, Seen]
"""Message and path of a violation, or ``None``, and what has been evaluated."""


class _Memory(threading.local):
    """What the outermost check of this thread has found out about parts of its value, while it runs."""

    verdicts: dict[tuple[object, int], Verdict] | None = None


_memory = _Memory()
_NOTHING = Seen()


def once(check: Check) -> Check:
    """A check function that looks at each value once, however many options lead there. Without that, options that
    recur would double the work at each level of a value. Values are told apart by identity: they live on meanwhile."""

    def remembering(value: Any) -> Violation | None:
        verdicts = _memory.verdicts
        if verdicts is None:
            _memory.verdicts = {}
            try:
                return remembering(value)
            finally:
                _memory.verdicts = None
        known = verdicts.get((check, id(value)))
        if known is None:
            violation = check(value)
            verdicts[check, id(value)] = None if violation is None else (violation.message, *violation.path), _NOTHING
            return violation
        return None if known[0] is None else Violation(*known[0])

    return remembering


def once_seen(check: TrackedCheck) -> TrackedCheck:
    """`once` for a function that notes what it evaluates."""

    def remembering(value: Any, seen: Seen) -> Violation | None:
        verdicts = _memory.verdicts
        if verdicts is None:
            _memory.verdicts = {}
            try:
                return remembering(value, seen)
            finally:
                _memory.verdicts = None
        known = verdicts.get((check, id(value)))
        if known is None:
            own = Seen()
            violation = check(value, own)
            verdicts[check, id(value)] = None if violation is None else (violation.message, *violation.path), own
            if violation is None:
                seen.add(own)
            return violation
        failed, own = known
        if failed is not None:
            return Violation(*failed)
        seen.add(own)
        return None

    return remembering


def anything(value: Any, seen: Seen | None = None) -> Violation | None:
    """The check function of a schema that allows every value."""
    return None


def nothing(value: Any, seen: Seen | None = None) -> Violation | None:
    """The check function of a schema that allows no value."""
    return Violation("Expected nothing here")


def any_fits(value: Any, *checks: Check) -> bool:
    """Whether one of the check functions finds nothing wrong."""
    return any(check(value) is None for check in checks)


def count_fitting(value: Any, *checks: Check) -> int:
    """How many of the check functions find nothing wrong."""
    return sum(check(value) is None for check in checks)


def any_seen(value: Any, seen: Seen, *checks: TrackedCheck) -> bool:
    """`any_fits` of functions that note what they evaluate: what the fitting ones have noted counts."""
    return count_seen(value, seen, *checks) > 0


def count_seen(value: Any, seen: Seen, *checks: TrackedCheck) -> int:
    """`count_fitting` of functions that note what they evaluate: what the fitting ones have noted counts."""
    count = 0
    for check in checks:
        own = Seen()
        if check(value, own) is None:
            seen.add(own)
            count += 1
    return count


def _quoted(name: str) -> str:
    shown = name if len(name) <= 100 else f"{name[:97]}..."
    return "'" + shown.replace("\\", "\\\\").replace("'", "\\'") + "'"
