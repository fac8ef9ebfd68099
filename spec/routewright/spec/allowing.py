"""Rules about allowances, and what they silence."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from routewright.spec.allowances import ABSENT, ALLOW, REASON, Allowance
from routewright.spec.draft import Draft
from routewright.spec.node import Finding, Node
from routewright.spec.pointer import child, parent
from routewright.spec.problem import Severity
from routewright.spec.quoting import quoted, type_name

IDLE = "RW151"
"""The rule of allowances that silence nothing; it is applied last, and nothing silences it."""


def malformed(draft: Draft) -> Iterator[Finding]:
    """An allowance has another form, or gives no reason."""
    for holder, allowance in _all(draft):
        place, reason = _written(holder, ALLOW, allowance.codes), _written(holder, REASON, allowance.reason)
        if allowance.codes is ABSENT:
            yield reason.finding(f'"{REASON}" has no "{ALLOW}" beside it', "remove it", key=True)
        elif isinstance(allowance.codes, dict):
            for code, member in place.members():
                if not _says_why(member.value):
                    yield member.finding(f"the allowance of {quoted(code)} has no reason", "say why")
            if allowance.reason is not ABSENT:
                yield reason.finding("the reasons stand beside the codes already", "remove it", key=True)
        elif not isinstance(allowance.codes, list) or not allowance.codes:
            what = "an empty list" if allowance.codes == [] else type_name(allowance.codes)
            hint = 'write "x-allow": ["RW251"] and "x-allow-reason": "..."'
            yield place.finding(f'"{ALLOW}" must be a list of codes, not {what}', hint)
        elif not _says_why(allowance.reason):
            wrong = place if allowance.reason is ABSENT else reason
            yield wrong.finding("the allowance has no reason", f'say why in "{REASON}", beside it')


def unfit(draft: Draft, rules: Mapping[str, Severity]) -> Iterator[Finding]:
    """An allowance names a code that no rule has, or a rule that cannot be silenced; ``rules`` are severities by
    code."""
    for holder, allowance in _all(draft):
        for place in _codes(holder, allowance):
            code = place.value
            if not isinstance(code, str) or code not in rules:
                yield place.finding(f"no rule has the code {quoted(code)}", "write the code that a warning shows")
            elif code == IDLE:
                yield place.finding(f"{code} cannot be silenced", "remove the allowance that silences nothing")
            elif rules[code] == "error":
                yield place.finding(f"{code} is an error, which nothing silences", "only warnings can be allowed")


def quieten(
    draft: Draft, warnings: Iterable[tuple[str, Finding]], rules: Mapping[str, Severity]
) -> tuple[list[tuple[str, Finding]], list[Finding]]:
    """The warnings that nothing silences, and a finding for each code of an allowance that silences nothing."""
    places = {
        (holder.document.path, holder.pointer, place.value): place
        for holder, allowance in _all(draft)
        for place in _codes(holder, allowance)
        if isinstance(place.value, str) and rules.get(place.value) == "warning" and place.value != IDLE
    }
    used: set[tuple[Path, str, str]] = set()
    loud = []
    for code, finding in warnings:
        over = {
            (finding.document.path, pointer, code) for pointer in (_upwards(finding.pointer) if places else ())
        } & places.keys()
        used |= over
        if not over:
            loud.append((code, finding))
    idle = [
        place.finding(f"nothing here is found by {place.value}", "remove the allowance")
        for key, place in places.items()
        if key not in used
    ]
    return loud, idle


def _upwards(pointer: str) -> Iterator[str]:
    """A node and all that it is part of."""
    yield pointer
    while pointer:
        pointer = parent(pointer)
        yield pointer


def _all(draft: Draft) -> Iterator[tuple[Node, Allowance]]:
    for document in draft.library.documents.values():
        for allowance in document.allowances:
            yield Node(document, allowance.holder, None), allowance


def _codes(holder: Node, allowance: Allowance) -> Iterator[Node]:
    """A node for each code: its value is the code, whether that is an item or a key."""
    place = _written(holder, ALLOW, allowance.codes)
    if isinstance(allowance.codes, dict):
        yield from (Node(member.document, member.pointer, code) for code, member in place.members())
    elif isinstance(allowance.codes, list):
        yield from place.items()


def _written(holder: Node, key: str, value: Any) -> Node:
    return Node(holder.document, child(holder.pointer, key), value)


def _says_why(reason: Any) -> bool:
    return isinstance(reason, str) and bool(reason.strip())
