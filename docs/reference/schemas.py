"""The page of JSON Schema: which keywords are enforced and how, which are refused and what to write instead."""

from collections.abc import Iterable

from docs.reference.table import note, table
from routewright.spec.keywords import ANNOTATIONS, COMBINING, FORMATS, OF_TYPE, REFUSED, SIMPLE


def schemas() -> Iterable[str]:
    """The page's parts."""
    yield (
        "Payload schemas are JSON Schema 2020-12. Every keyword is enforced in the gateway or refused by `check`; what"
        " they mean stands in [the keys of a route spec](spec.md#a-payload-schema)."
    )
    yield "## Enforced by the decoder"
    yield (
        "A message whose schema uses only these is checked while it is decoded, at no further cost. `anyOf` and `oneOf`"
        " belong here where their options have different types, or are objects that a required property with a constant"
        " tells apart; `enum` and `const` where they hold strings, integers of 64 bits and null."
    )
    known = {kind: keys for kind, keys in SIMPLE.items() if kind != "integer"}
    rows = [(f"`{kind}`", _listed(keys) or "none") for kind, keys in known.items()]
    yield table(("type", "keywords"), [*rows, ("any", "`type`, `enum`, `const`, `anyOf`, `oneOf`, `$ref`")])
    yield "## Enforced by a check function"
    yield (
        "A schema that uses one of these, or a keyword for a type that it does not declare, gets a function in"
        " `generated/` that checks the whole payload. Messages without one pay nothing for it."
    )
    more = [(f"`{kind}`", _listed(key for key in keys if key not in SIMPLE[kind])) for kind, keys in OF_TYPE.items()]
    yield table(("type", "keywords"), [*((kind, keys) for kind, keys in more if keys), ("any", _listed(COMBINING))])
    yield f"`format` is enforced for {_listed(FORMATS)}; any other format is an error."
    yield "## Annotations"
    yield f"Demand nothing of a value: {_listed(sorted(ANNOTATIONS))}; `$id` and `$schema` say what a schema is called."
    yield "## Refused"
    yield table(("keyword", "instead"), [(f"`{key}`", note(_sentence(hint))) for key, hint in sorted(REFUSED.items())])


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys)


def _sentence(hint: str) -> str:
    return hint[0].upper() + hint[1:] + "."
