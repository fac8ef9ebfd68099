"""A problem of a spec: what is wrong, where, and what to do about it."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One problem, at one place.

    Attributes:
        path: the file, relative to the working folder where it is below that.
        line: from 1.
        column: from 1, in code points.
        code: ``RW`` and three digits; see `routewright.spec.rules.RULES`.
        message: one line; may hold strings of the spec as they are (`routewright.spec.report` escapes them).
        hint: what to do about it, or ``""``.
        pointer: JSON pointer of the node.
    """

    path: str
    line: int
    column: int
    code: str
    severity: Severity
    message: str
    hint: str = ""
    pointer: str = ""
