"""Whether a spec has the form that its JSON Schema demands: known keys, needed keys, types, ranges.

Strategy: jsonschema finds the errors; this module says them in the words of the spec, at the places of the spec.
Payload schemas are left out, because `routewright.spec.payload` knows more about them.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from routewright.spec.ecma import python
from routewright.spec.language import form
from routewright.spec.nearest import suggestion
from routewright.spec.node import Finding, Node
from routewright.spec.pointer import tokens
from routewright.spec.quoting import quoted, type_name

UNKNOWN, MISSING, WRONG, RANGE = "RW101", "RW102", "RW103", "RW104"

_TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
_BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
}

Found = tuple[str, Finding]


def check_form(root: Node) -> Iterator[Found]:
    """Every error of form, with its code."""
    for error in _validator().iter_errors(root.value):
        yield from _explain(root, error)


@cache
def _validator() -> Validator:
    # jsonschema's own annotations stop at `extend`.
    build: Callable[..., type[Validator]] = extend
    return build(Draft202012Validator, {"pattern": _pattern, "oneOf": _elsewhere})(form())


def _pattern(_: Validator, pattern: str, instance: Any, schema: dict[str, Any]) -> Iterator[ValidationError]:
    """JSON Schema's ``pattern``, with ECMA-262's meaning of ``$``."""
    if isinstance(instance, str) and re.search(python(pattern), instance) is None:
        yield ValidationError(schema.get("patternErrorMessage", f"it must match {pattern}"))


def _elsewhere(*_: Any) -> Iterator[ValidationError]:
    """``oneOf`` is there for editors; `routewright.spec.routes` says what is wrong in better words."""
    return iter(())


def _explain(root: Node, error: ValidationError) -> Iterator[Found]:
    node = _node(root, error)
    label = _label(node)
    known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
    wanted: Any = error.validator_value
    match error.validator:
        case "additionalProperties":
            yield from _unknown(node, known)
        case "required":
            yield from _missing(node, wanted)
        case "anyOf":
            yield from _alternatives(root, node, error)
        case "type":
            yield WRONG, node.finding(f"{label} must be {_TYPES[wanted]}, not {type_name(node.value)}")
        case "enum" if not isinstance(node.value, str):
            pass  # Every "enum" of the language stands beside "type": "string", which has said so.
        case "enum" | "const":
            yield WRONG, _not_among(node, wanted if error.validator == "enum" else [wanted])
        case "pattern":
            yield WRONG, node.finding(f"{label} cannot be {quoted(node.value)}", error.message)
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" as bound:
            yield RANGE, node.finding(f"{label} must be {_BOUNDS[bound]} {wanted}, not {node.value}")
        case "minLength":
            yield WRONG, node.finding(f"{label} must not be empty")
        case _:
            yield WRONG, node.finding(f"{label}: {error.message}")


def _node(root: Node, error: ValidationError) -> Node:
    node = root
    for token in error.absolute_path:
        node = node.below(token)
    return node


def _label(node: Node) -> str:
    """The words for a node: its key, or its number in a list."""
    if not node.pointer:
        return "the spec"
    *above, last = tokens(node.pointer)
    names = [token for token in above if not token.isdigit()]
    return f"item {int(last) + 1} of {quoted(names[-1])}" if last.isdigit() and names else quoted(last)


def _unknown(node: Node, known: Mapping[str, Any]) -> Iterator[Found]:
    names = [key for key in known if not key.startswith("x-")]
    for key, member in node.members():
        if key not in known and not key.startswith("x-"):
            hint = suggestion(key, names, "known keys")
            yield UNKNOWN, member.finding(f"unknown key {quoted(key)} in {_label(node)}", hint, key=True)


def _missing(node: Node, needed: list[str]) -> Iterator[Found]:
    """jsonschema reports each missing key by itself, and names it only in its message; the same findings fall together
    in `routewright.spec.rules`."""
    for key in needed:
        if key not in node.value:
            yield MISSING, node.finding(f"{_label(node)} has no {quoted(key)}")


def _not_among(node: Node, values: list[Any]) -> Finding:
    listed = " or ".join(quoted(value) for value in values)
    hint = suggestion(node.value, [str(value) for value in values], "") if isinstance(node.value, str) else ""
    hint = hint if hint.startswith("did") else ""
    return node.finding(f"{_label(node)} must be {listed}, not {quoted(node.value)}", hint)


def _alternatives(root: Node, node: Node, error: ValidationError) -> Iterator[Found]:
    """The errors of the one option whose type fits, or that none does."""
    options: dict[Any, list[ValidationError]] = {}
    for each in error.context or ():
        options.setdefault(each.relative_schema_path[0], []).append(each)
    fitting = [
        errors
        for errors in options.values()
        if not any(each.validator in ("type", "const") and not each.relative_path for each in errors)
    ]
    if len(fitting) == 1:
        for each in fitting[0]:
            yield from _explain(root, each)
        return
    listed: Any = error.validator_value
    titles = " or ".join(map(_title, listed))
    yield WRONG, node.finding(f"{_label(node)} must be {titles}, not {type_name(node.value)}")


def _title(option: dict[str, Any]) -> str:
    return str(option["title"])
