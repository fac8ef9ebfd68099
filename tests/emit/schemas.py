"""Random payload schemas over the whole vocabulary, and specs of them that are built by hand.

The specs do not go through `check`: what is tried here is that any schema has a type and a document, not which schemas
the language takes.
"""

import functools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routewright.spec.model import AnyShape, Message, Parameter, Route, Spec, StringShape
from tests.codegen.hostile import texts

RANDOM = 25
"""Specs that one run of a slow judge is given."""

_WORDS = """
    any await class constructor default delete enum function get global in interface let module namespace new null
    number object package readonly static string symbol type typeof undefined unknown void yield async __proto__
    toString prototype arguments of never bigint declare abstract keyof infer is 1 0x1 -1 a-b #a
"""
WORDS = (*_WORDS.split(), "", " ", "a b")
"""Names that mean something to TypeScript."""

PIECES = (
    "*/", "/*", "/**", "//", "///", "*/ export type X = 1; /*", "@deprecated", "@ts-ignore", "@ts-expect-error",
    "@ts-nocheck", "// @ts-expect-error", "\n@param x", "{@link x}", "*\\/", "`", "${x}", "/// <reference path='x' />",
    "\n", "\u2028", "\u2029", "\0", "\u202e", "*" * 130, "word " * 40,
)  # fmt: skip
"""Texts that could end a comment, or begin a directive."""


def prose() -> st.SearchStrategy[str]:
    """Texts for people."""
    return st.lists(st.sampled_from(PIECES) | texts(), max_size=4).map("".join)


def names() -> st.SearchStrategy[str]:
    """Names of properties."""
    return st.sampled_from(WORDS) | texts()


def values() -> st.SearchStrategy[Any]:
    """JSON values."""
    numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False).filter(
        lambda each: not each.is_integer()
    )
    leaves = st.none() | st.booleans() | numbers | texts()
    return st.recursive(
        leaves, lambda each: st.lists(each, max_size=3) | st.dictionaries(names(), each, max_size=3), max_leaves=6
    )


def schemas(components: list[str]) -> st.SearchStrategy[Any]:
    """Schemas, with references to these components."""
    references = (
        [st.builds(lambda name: {"$ref": f"#/$defs/{name}"}, st.sampled_from(components))] if components else []
    )
    bounds = st.fixed_dictionaries(
        {},
        optional={
            "minimum": st.integers(), "maxLength": st.integers(0, 9), "pattern": texts(), "default": values(),
            "title": prose(), "description": prose(), "deprecated": st.booleans(),
            "examples": st.lists(values(), max_size=2), "format": st.sampled_from(["date-time", "uuid"]),
        },
    )  # fmt: skip
    kinds = st.sampled_from(["string", "number", "integer", "boolean", "null", "object", "array"])
    leaves = st.one_of(
        st.booleans(),
        st.builds(
            lambda kind, more: {"type": kind, **more},
            kinds | st.lists(kinds, min_size=1, max_size=3, unique=True),
            bounds,
        ),
        st.builds(lambda each: {"const": each}, values()),
        st.builds(lambda each: {"enum": each}, st.lists(values(), min_size=1, max_size=4)),
        *references,
    )
    return st.recursive(leaves, lambda inner: _compound(inner, bounds), max_leaves=8)


def _compound(inner: st.SearchStrategy[Any], bounds: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3)
    members = st.dictionaries(names(), inner, max_size=4)
    objects = st.fixed_dictionaries(
        {"type": st.just("object")},
        optional={
            "properties": members, "required": st.lists(names(), max_size=2, unique=True),
            "additionalProperties": inner, "patternProperties": st.dictionaries(st.just("^x"), inner, max_size=1),
            "dependentRequired": st.dictionaries(names(), st.lists(names(), unique=True), max_size=2),
            "dependentSchemas": st.dictionaries(names(), inner, max_size=2), "propertyNames": inner,
            "unevaluatedProperties": inner,
        },
    )  # fmt: skip
    arrays = st.fixed_dictionaries(
        {"type": st.just("array")},
        optional={
            "items": inner, "prefixItems": some, "minItems": st.integers(0, 4), "maxItems": st.integers(0, 4),
            "contains": inner, "uniqueItems": st.booleans(),
        },
    )  # fmt: skip
    applied = st.fixed_dictionaries(
        {}, optional={"allOf": some, "anyOf": some, "oneOf": some, "not": inner, "if": inner, "then": inner}
    )
    return (
        st.builds(
            lambda *parts: {key: value for each in parts for key, value in each.items()},
            objects | arrays,
            applied,
            bounds,
        )
        | applied
    )


@functools.cache
def many(number: int) -> tuple[Spec, ...]:
    """This many random specs, for what is too slow to be tried one by one."""
    found: list[Spec] = []

    @settings(max_examples=number, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(specs())
    def collect(each: Spec) -> None:
        found.append(each)

    collect()
    return tuple(found)


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """Specs whose names, texts and schemas are hostile."""
    components = draw(
        st.lists(
            st.sampled_from(["Array", "Record", "Tree", "Infinity", "undefined", "string"]), max_size=3, unique=True
        )
    )
    schema = schemas(components)
    definitions = {name: draw(schema) for name in components}
    messages = []
    for number in range(draw(st.integers(0, 4))):
        payload = draw(st.none() | schema)
        if isinstance(payload, dict) and definitions:
            payload = {**payload, "$defs": definitions}
        messages.append(
            Message(
                name=f"m{number}{draw(st.sampled_from(['', ':a/b', '.x-y']))}",
                model=draw(st.sampled_from(["Model", "Request", "any", "interface"])) + str(number or ""),
                origin=draw(st.sampled_from(["client", "handler", "both"])),
                summary=draw(prose()),
                description=draw(prose()),
                payload=None if payload is None else AnyShape(),
                schema=payload,
                deprecated=draw(st.booleans()),
                examples=tuple(draw(st.lists(values(), max_size=1))) if payload is not None else (),
            )
        )
    module = draw(st.sampled_from(["vision", "any", "string", "await_", "type", "module", "globalThis", "table1"]))
    route = Route(
        name=module,
        module=module,
        path="/ws/{room}",
        parameters=(Parameter(name="room", shape=StringShape()),),
        summary=draw(prose()),
        description=draw(prose()),
        capabilities=tuple(draw(st.lists(st.sampled_from(["a", "b:c", "d/e"]), max_size=2, unique=True))),
        handler="handlers.vision",
        framing=draw(st.sampled_from(["message", "message", "raw"])),
        open=draw(st.booleans()),
        messages=tuple(messages),
    )
    return Spec(file="a.json", digest="5" * 16, title=draw(prose()), description=draw(prose()), routes=(route,))
