"""Rules about payload schemas that are right, and better otherwise."""

from collections.abc import Iterator

from routewright.spec import plain
from routewright.spec.draft import Draft
from routewright.spec.node import Finding
from routewright.spec.pointer import tokens
from routewright.spec.quoting import quoted
from routewright.spec.untyped import KINDS, PLURALS, kinds

_WORDS = {"maxLength": "string", "maxItems": "list", "maxProperties": "map"}


def bounded(draft: Draft) -> Iterator[Finding]:
    """A client may make a string, a list or a map as long as a whole message."""
    general = plain.section(draft, "gateway", "limits").get("messageBytes", "64KiB")
    for each in draft.survey.unbounded:
        own = plain.part(draft, each.route, "limits", "messageBytes")
        text = (
            f"message {quoted(each.message)}: only the size of a message ({own.value if own else general}) "
            f"bounds this {_WORDS[each.keyword]}"
        )
        yield each.place.finding(text, f'give "{each.keyword}"')


def used_components(draft: Draft) -> Iterator[Finding]:
    """Nothing refers to a schema of ``components``."""
    seen = draft.survey
    components = draft.root.get("components", "schemas")
    if seen.lost or components is None:
        return
    targets = seen.targets.get(draft.library.spec.path, set())
    used = {parts[2] for parts in map(tokens, targets) if parts[:2] == ["components", "schemas"] and len(parts) > 2}
    for name, schema in components.members():
        if name not in used:
            text = f"no message and no parameter reaches the schema {quoted(name)}"
            yield schema.finding(text, "remove it, or refer to it", key=True)


def used_definitions(draft: Draft) -> Iterator[Finding]:
    """Nothing refers to an entry of ``$defs``."""
    seen = draft.survey
    targets = seen.targets.get(draft.library.spec.path, set())
    for schema in () if seen.lost else seen.definitions:
        if not any(target == schema.pointer or target.startswith(f"{schema.pointer}/") for target in targets):
            text = f"nothing refers to {quoted(tokens(schema.pointer)[-1])}"
            yield schema.finding(text, "remove it, or refer to it", key=True)


def required_no_more(draft: Draft) -> Iterator[Finding]:
    """A property is deprecated, and must be sent all the same."""
    for place in draft.survey.outdated:
        name = tokens(place.pointer)[-2]
        text = f"{quoted(name)} is deprecated and required: nobody can leave it out"
        yield place.finding(text, 'take it out of "required"', key=True)


def exact_numbers(draft: Draft) -> Iterator[Finding]:
    """A number is one that JavaScript rounds."""
    for place in draft.survey.imprecise:
        text = f'"{tokens(place.pointer)[-1]}" is beyond 2^53: clients in JavaScript cannot tell it from its neighbours'
        yield place.finding(text, "send such numbers as strings")


def said_types(draft: Draft) -> Iterator[Finding]:
    """A schema speaks of objects, say, and takes anything else as well."""
    for place, keyword in draft.survey.untyped:
        found = kinds(place.value)
        types = f'"{found[0]}"' if len(found) == 1 else f"[{', '.join(quoted(each) for each in found)}]"
        own = place.below(keyword)
        text = f'"{keyword}" only speaks of {PLURALS[KINDS[keyword]]}, and no "type" says that this is one'
        hint = f'write "type": {types}' + (', or "integer"' if found == ["number"] else "")
        yield own.finding(f"{text}: any other value fits as well", hint, key=True)
