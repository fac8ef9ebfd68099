"""Whether a value is as a JSON Schema wants it, and nothing about why not.

Strategy: the schema becomes one function, made of a function for each of its parts. Only the keywords that the language
of route specs is described with are known; by any other, nothing is sound. For where the answer is no, jsonschema is
asked what is wrong: a no too many costs time, a yes too many would let a fault pass.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from routewright.spec.ecma import python

Sound = Callable[[Any], bool]

_ANNOTATIONS = frozenset(
    {"$schema", "title", "description", "default", "examples", "patternErrorMessage", "deprecated", "oneOf"}
)
"""What demands nothing; ``oneOf`` see `routewright.spec.form`."""

_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def sound(schema: Any) -> Sound:
    """A function that says whether a value is without error by this schema, which has no ``$ref`` any more."""
    if isinstance(schema, bool):
        return _anything if schema else _nothing
    demands = {key: each for key, each in schema.items() if key not in _ANNOTATIONS}
    match demands.pop("type", None):
        case "object":
            return _object(demands)
        case "array" if demands.keys() <= {"items"}:
            return _array(sound(demands.get("items", True)))
        case str(kind) if kind in _SCALARS and demands.keys() <= _TESTS.keys():
            return _scalar(_SCALARS[kind], [_TESTS[key](each) for key, each in demands.items()])
        case None if demands.keys() == {"anyOf"}:
            return _any_of([sound(each) for each in demands["anyOf"]])
        case None if demands.keys() == {"const"}:
            return _among([demands["const"]])
        case None if not demands:
            return _anything
    return _nothing


def _anything(value: Any) -> bool:
    return True


def _nothing(value: Any) -> bool:
    return False


def _any_of(options: list[Sound]) -> Sound:
    return lambda value: any(option(value) for option in options)


def _all_of(demands: list[Sound]) -> Sound:
    telling = [each for each in demands if each is not _anything]
    if len(telling) < 2:
        return telling[0] if telling else _anything
    return lambda value: all(each(value) for each in telling)


def _among(values: list[Any]) -> Sound:
    known = {(type(value), value) for value in values}
    return lambda value: value.__hash__ is not None and (type(value), value) in known


def _object(demands: Mapping[str, Any]) -> Sound:
    if not demands.keys() <= {"properties", "patternProperties", "additionalProperties", "required"}:
        return _nothing
    patterns = [
        (re.compile(python(key)).search, sound(each)) for key, each in demands.get("patternProperties", {}).items()
    ]
    properties = {
        key: _all_of([sound(each), *(wanted for search, wanted in patterns if search(key))])
        for key, each in demands.get("properties", {}).items()
    }
    rest = sound(demands.get("additionalProperties", True))
    required = frozenset(demands.get("required", ()))

    def other(key: str, value: Any) -> bool:
        matching = [each for search, each in patterns if search(key)]
        return all(each(value) for each in matching or (rest,))

    def check(value: Any) -> bool:
        if type(value) is not dict or not required <= value.keys():
            return False
        for key, each in value.items():
            known = properties.get(key)
            if not (known(each) if known is not None else other(key, each)):
                return False
        return True

    return check


def _array(item: Sound) -> Sound:
    return lambda value: type(value) is list and all(map(item, value))


def _scalar(types: tuple[type, ...], tests: list[Sound]) -> Sound:
    if not tests:
        return lambda value: type(value) in types
    return lambda value: type(value) in types and all(test(value) for test in tests)


_TESTS: dict[str, Callable[[Any], Sound]] = {
    "enum": _among,
    "pattern": lambda pattern: _found(re.compile(python(pattern)).search),
    "minLength": lambda least: lambda value: len(value) >= least,
    "minimum": lambda least: lambda value: bool(value >= least),
    "maximum": lambda most: lambda value: bool(value <= most),
    "exclusiveMinimum": lambda bound: lambda value: bool(value > bound),
    "exclusiveMaximum": lambda bound: lambda value: bool(value < bound),
}


def _found(search: Callable[[str], Any]) -> Sound:
    return lambda value: search(value) is not None
