"""Check functions: payload schemas as straight Python, for messages of which a schema says more than msgspec can.

Strategy: a schema becomes statements about a variable. Each either returns a `Violation` or lets the value pass, so
that the schemas of properties and items, ``allOf`` and the like stand one after the other in one function. A schema of
which only the outcome counts (an option of ``anyOf``, ``not``, ``if``, ``contains``) becomes a function of its own, as
does every component. Where a schema asks what others have not evaluated, these note in a `Seen` what they have.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from routewright.codegen import names
from routewright.codegen.checks_references import UNEVALUATED, tracking
from routewright.codegen.checks_scalars import enumerated, is_kind, length, number, of_type, string
from routewright.codegen.checks_vocabulary import LONG, Path, Scope, Vocabulary
from routewright.codegen.expressions import call, columns, text
from routewright.codegen.statements import Function, If, Line, Statement, body_lines, each, function_lines, when
from routewright.spec.keywords import ANNOTATIONS, component

_DEEP = 6
"""Levels of indentation after which a schema gets a function of its own."""


class Checks:
    """The check functions of one module.

    Args:
        taken: names of the module that mean something else.
        components: name of each component's check function.
        prefix: what components are reached through: ``"components."`` or nothing.

    Attributes:
        vocabulary: the names of the module.
        functions: the functions, in their order.
        needs_components: the module has to import the components.
    """

    def __init__(self, taken: Iterable[str], components: Mapping[str, str], prefix: str) -> None:
        self.vocabulary = Vocabulary(taken)
        self.functions: list[Function] = []
        self.needs_components = False
        self._components = components
        self._prefix = prefix
        self._count = 0

    def add(self, name: str, schema: Any, doc: str, *, tracked: bool = False, once: bool = False) -> None:
        """A function of that name for a schema; ``tracked``: it notes what it has evaluated; ``once``: it remembers
        what it has looked at."""
        scope = Scope(name)
        place = len(self.functions)
        if isinstance(schema, dict) and schema.keys() - {"$defs", *ANNOTATIONS} == {"$ref"}:
            arguments = map(text, ("value", "seen") if tracked else ("value",))
            body: list[Statement] = [Line("return ", call(self._component(schema["$ref"], tracked), arguments))]
        else:
            body = self._schema(schema, "value", (), "seen" if tracked else None, scope)
        parameters = f"value: {self.vocabulary.local('Any')}"
        if tracked:
            parameters += f", seen: {self.vocabulary.local('Seen')}"
        decorator = self.vocabulary.local("once_seen" if tracked else "once") if once else ""
        result = f"{self.vocabulary.local('Violation')} | None"
        self.functions.insert(place, Function(name, parameters, result, doc, tuple(body), decorator))

    def source(self) -> str:
        """The text of all constants and functions."""
        parts = ["\n".join(self.vocabulary.constants)] if self.vocabulary.constants else []
        parts += ["\n".join(function_lines(function)) for function in self.functions]
        return "\n\n\n".join(parts)

    # what a schema says

    def _schema(self, schema: Any, value: str, path: Path, seen: str | None, scope: Scope) -> list[Statement]:
        """The statements that return a violation where ``value``, found at ``path``, is against the schema."""
        if schema is True or schema == {}:
            return []
        if schema is False:
            return [self.vocabulary.fail("Expected nothing here", path)]
        if any(key in schema for key in UNEVALUATED):
            return self._unevaluated(schema, value, path, seen, scope)
        return self._said(schema, value, path, seen, scope)

    def _said(
        self, schema: Mapping[str, Any], value: str, path: Path, seen: str | None, scope: Scope
    ) -> list[Statement]:
        declared = schema.get("type")
        kinds = [declared] if isinstance(declared, str) else list(declared or ())
        statements = of_type(self.vocabulary, kinds, value, path) + enumerated(self.vocabulary, schema, value, path)
        if len(kinds) == 1:
            scope.known[value] = "number" if kinds == ["integer"] else kinds[0]
        if "$ref" in schema:
            statements += self._violation_of(self._component(schema["$ref"], seen is not None), value, path, seen)
        for kind, words in (
            ("number", number(self.vocabulary, schema, value, path)),
            ("string", string(self.vocabulary, schema, value, path)),
            ("array", self._array(schema, value, path, seen, scope)),
            ("object", self._object(schema, value, path, seen, scope)),
        ):
            if words:
                statements += (
                    words if scope.known.get(value) == kind else when(is_kind(self.vocabulary, kind, value), words)
                )
        return statements + self._combined(schema, value, path, seen, scope)

    # arrays

    def _array(
        self, schema: Mapping[str, Any], value: str, path: Path, seen: str | None, scope: Scope
    ) -> list[Statement]:
        statements = length(self.vocabulary, schema, "minItems", "maxItems", "array", value, path)
        if schema.get("uniqueItems"):
            fail = self.vocabulary.fail("Expected `array` of unique items", path)
            statements += when(f"not {self.vocabulary.local('unique')}({value})", [fail])
        prefix = schema.get("prefixItems", ())
        for index, item in enumerate(prefix):
            body = self._inside(item, f"{value}[{index}]", "item", (*path, str(index)), scope, 1)
            statements += when(f"len({value}) > {index}", body)
        if "items" in schema:
            statements += self._items(schema["items"], len(prefix), value, path, scope)
        if seen is not None and ("items" in schema or prefix):
            span = f"len({value})" if "items" in schema else f"min(len({value}), {len(prefix)})"
            statements.append(Line("", text(f"{seen}.items.update(range({span}))")))
        if "contains" in schema:
            statements += self._contains(schema, value, path, seen, scope)
        return statements

    def _items(self, schema: Any, start: int, value: str, path: Path, scope: Scope) -> list[Statement]:
        if schema is False:
            fail = self.vocabulary.fail(f"Expected `array` of length <= {start}", path)
            return when(f"len({value}) > {start}" if start else value, [fail])
        index, item = self.vocabulary.variable("index", scope, own=True), self.vocabulary.variable("item", scope)
        source = f"enumerate({value}[{start}:], {start})" if start else f"enumerate({value})"
        scope.depth += 1
        body = self._part(schema, item, (*path, index), scope)
        scope.depth -= 1
        scope.variables -= {index, item}
        return each(f"for {index}, {item} in {source}", body)

    def _contains(
        self, schema: Mapping[str, Any], value: str, path: Path, seen: str | None, scope: Scope
    ) -> list[Statement]:
        check = self._function(schema["contains"], scope, tracked=False)
        least, most = int(schema.get("minContains", 1)), schema.get("maxContains")
        found = self.vocabulary.variable("found", scope)
        item = f"[index for index, item in enumerate({value}) if {check}(item) is None]"
        bounds = when(
            f"len({found}) < {least}", [self.vocabulary.fail(f"Expected `array` with >= {least} such items", path)]
        )
        if least == 0:
            bounds = []
        if most is not None:
            fail = self.vocabulary.fail(f"Expected `array` with <= {int(most)} such items", path)
            bounds += when(f"len({found}) > {int(most)}", [fail])
        if seen is not None:
            bounds.append(Line("", text(f"{seen}.items.update({found})")))
        return [Line(f"{found} = ", text(item)), *bounds] if bounds else []

    # objects

    def _object(
        self, schema: Mapping[str, Any], value: str, path: Path, seen: str | None, scope: Scope
    ) -> list[Statement]:
        statements: list[Statement] = []
        for name in schema.get("required", ()):
            fail = self.vocabulary.fail(f"Object missing required field `{_shown(name)}`", path)
            statements += when(f"{self.vocabulary.text(name)} not in {value}", [fail])
        statements += length(self.vocabulary, schema, "minProperties", "maxProperties", "object", value, path)
        for name, others in schema.get("dependentRequired", {}).items():
            for other in others:
                fail = self.vocabulary.fail(f"Object missing required field `{_shown(other)}`", path)
                statements += when(
                    (f"{self.vocabulary.text(name)} in {value}", f"{self.vocabulary.text(other)} not in {value}"),
                    [fail],
                )
        properties, required = schema.get("properties", {}), frozenset(schema.get("required", ()))
        for name, inner in properties.items():
            key = self.vocabulary.text(name)
            body = self._inside(inner, f"{value}[{key}]", name, (*path, key), scope, name not in required)
            statements += body if name in required else when(f"{key} in {value}", body)
        statements += self._members(schema, value, path, seen, scope)
        if seen is not None and "additionalProperties" in schema:
            statements.append(Line("", text(f"{seen}.names.update({value})")))
        elif seen is not None and properties:
            known = self.vocabulary.texts(properties) if len(properties) > 1 else self.vocabulary.text(*properties)
            adding = "update" if len(properties) > 1 else "add"
            statements.append(Line("", text(f"{seen}.names.{adding}({known})")))
        for name, inner in schema.get("dependentSchemas", {}).items():
            body = self._branch(inner, value, path, seen, scope)
            statements += when(f"{self.vocabulary.text(name)} in {value}", body)
        return statements

    def _members(
        self, schema: Mapping[str, Any], value: str, path: Path, seen: str | None, scope: Scope
    ) -> list[Statement]:
        """What is said of all properties: by their names, by patterns, by being none of the others."""
        patterns = {text_: self.vocabulary.pattern(text_) for text_ in schema.get("patternProperties", {})}
        further, properties = schema.get("additionalProperties", True), schema.get("properties", {})
        if further is False and not patterns and not properties:
            statements = when(value, [self.vocabulary.fail("Expected `object` of length <= 0", path)])
            further = True
        else:
            statements = []
        name, item = self.vocabulary.variable("key", scope, own=True), self.vocabulary.variable("item", scope)
        scope.depth += 2
        body = self._schema(schema.get("propertyNames", True), name, (*path, name), None, scope)
        for text_, inner in schema.get("patternProperties", {}).items():
            noted: list[Statement] = [Line("", text(f"{seen}.names.add({name})"))] if seen is not None else []
            found = self._part(inner, item, (*path, name), scope)
            body += when(f"{patterns[text_]}({name}) is not None", [*found, *noted])
        if further is False:
            rest: list[Statement] = [self.vocabulary.fail("Object contains unknown field", (*path, name))]
        else:
            rest = self._part(further, item, (*path, name), scope)
        scope.depth -= 2
        scope.variables -= {name, item}
        if rest:
            conditions = [f"{found}({name}) is None" for found in patterns.values()]
            if properties:
                conditions.insert(0, f"{name} not in {self.vocabulary.texts(properties)}")
            body += [If(tuple(conditions), tuple(rest))] if conditions else rest
        uses_item = any(re.search(rf"\b{item}\b", line) for line in body_lines(body))
        head = f"for {name}, {item} in {value}.items()" if uses_item else f"for {name} in {value}"
        return statements + each(head, body)

    # schemas for the value itself

    def _combined(
        self, schema: Mapping[str, Any], value: str, path: Path, seen: str | None, scope: Scope
    ) -> list[Statement]:
        statements: list[Statement] = []
        for inner in schema.get("allOf", ()):
            statements += self._schema(inner, value, path, seen, scope)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                statements += self._options(schema[keyword], keyword, value, path, seen, scope)
        if "not" in schema:
            check = self._function(schema["not"], scope, tracked=False)
            statements += when(f"{check}({value}) is None", [self.vocabulary.fail("Expected anything else", path)])
        if "if" in schema:
            statements += self._if(schema, value, path, seen, scope)
        return statements

    def _options(
        self, options: list[Any], keyword: str, value: str, path: Path, seen: str | None, scope: Scope
    ) -> list[Statement]:
        checks = [self._function(option, scope, tracked=seen is not None) for option in options]
        arguments = [value, *([seen] if seen is not None else []), *checks]
        if keyword == "anyOf":
            counted = call(self.vocabulary.local("any_fits" if seen is None else "any_seen"), map(text, arguments))
            test, found = "not {}", "Expected one of the options"
        else:
            counted = call(
                self.vocabulary.local("count_fitting" if seen is None else "count_seen"), map(text, arguments)
            )
            test, found = "{} != 1", "Expected exactly one of the options"
        fail = self.vocabulary.fail(found, path)
        if counted.flat is not None and columns(counted.flat) + 4 * scope.depth < 90:
            return when(test.format(counted.flat), [fail])
        fitting = self.vocabulary.variable("fitting", scope)
        return [Line(f"{fitting} = ", counted), *when(test.format(fitting), [fail])]

    def _if(self, schema: Mapping[str, Any], value: str, path: Path, seen: str | None, scope: Scope) -> list[Statement]:
        then = self._branch(schema.get("then", True), value, path, seen, scope)
        otherwise = self._branch(schema.get("else", True), value, path, seen, scope)
        check = self._function(schema["if"], scope, tracked=seen is not None)
        if seen is not None:
            branch = self.vocabulary.variable("branch", scope)
            then.insert(0, Line("", text(f"{seen}.add({branch})")))
            start: list[Statement] = [Line(f"{branch} = ", text(f"{self.vocabulary.local('Seen')}()"))]
            return [*start, If((f"{check}({value}, {branch}) is None",), tuple(then), tuple(otherwise))]
        if not then:
            return when(f"{check}({value}) is not None", otherwise)
        return [If((f"{check}({value}) is None",), tuple(then), tuple(otherwise))]

    def _unevaluated(
        self, schema: Mapping[str, Any], value: str, path: Path, seen: str | None, scope: Scope
    ) -> list[Statement]:
        """What the other keywords have not evaluated, which they note in a `Seen` of this schema's own."""
        own = self.vocabulary.variable("evaluated", scope)
        statements: list[Statement] = [Line(f"{own} = ", text(f"{self.vocabulary.local('Seen')}()"))]
        rest = {key: each for key, each in schema.items() if key not in UNEVALUATED}
        statements += self._said(rest, value, path, own, scope)
        for keyword, kind, step, others in (
            ("unevaluatedProperties", "object", "key", "names"),
            ("unevaluatedItems", "array", "index", "items"),
        ):
            if keyword not in schema:
                continue
            key = self.vocabulary.variable(step, scope, own=True)
            scope.depth += 2
            if schema[keyword] is False:
                unexpected = "Unexpected field" if step == "key" else "Unexpected item"
                body: list[Statement] = [self.vocabulary.fail(unexpected, (*path, key))]
            else:
                body = self._inside(schema[keyword], f"{value}[{key}]", "item", (*path, key), scope, 0)
            scope.depth -= 2
            scope.variables.discard(key)
            found = each(f"for {key} in {own}.other_{others}({value})", body)
            whole = value if kind == "object" else f"range(len({value}))"
            found.append(Line("", text(f"{own}.{others}.update({whole})")))
            if seen is None:
                found.pop()
            if found:
                statements += (
                    found if scope.known.get(value) == kind else when(is_kind(self.vocabulary, kind, value), found)
                )
        if seen is not None:
            statements.append(Line("", text(f"{seen}.add({own})")))
        return statements

    # parts

    def _branch(self, schema: Any, value: str, path: Path, seen: str | None, scope: Scope) -> list[Statement]:
        """`_schema` under a condition: what it makes sure of is not so afterwards."""
        before = dict(scope.known)
        scope.depth += 1
        body = self._schema(schema, value, path, seen, scope)
        scope.depth -= 1
        scope.known = before
        return body

    def _inside(self, schema: Any, source: str, wanted: str, path: Path, scope: Scope, deeper: int) -> list[Statement]:
        """A member of a value in a variable of its own, and what its schema says of it."""
        if schema is False:
            return [
                self.vocabulary.fail(
                    "Unexpected field" if path[-1].startswith(('"', "'", "_")) else "Unexpected item", path
                )
            ]
        variable = self.vocabulary.variable(wanted, scope)
        scope.depth += deeper
        body = self._part(schema, variable, path, scope)
        scope.depth -= deeper
        scope.variables.discard(variable)
        return [Line(f"{variable} = ", text(source)), *body] if body else []

    def _part(self, schema: Any, value: str, path: Path, scope: Scope) -> list[Statement]:
        """`_schema` for a part of the value, in a function of its own where it stands too deep. A property may have
        several schemas, each under a condition: what one makes sure of is not so for the next."""
        if scope.depth <= _DEEP or not isinstance(schema, dict):
            before = dict(scope.known)
            statements = self._schema(schema, value, path, None, scope)
            scope.known = before
            return statements
        return self._violation_of(self._function(schema, scope, tracked=False), value, path, None)

    def _function(self, schema: Any, scope: Scope, *, tracked: bool) -> str:
        """The name of a function for a schema of which the outcome counts."""
        if isinstance(schema, bool) or schema == {}:
            return self.vocabulary.local("nothing" if schema is False else "anything")
        if schema.keys() == {"$ref"}:
            return self._component(schema["$ref"], tracked)
        base = scope.name.removeprefix("check").strip("_").rstrip("0123456789").rstrip("_")
        self._count += 1
        name = names.unique(f"_{base}_{self._count}", self.vocabulary.taken, separator="_")
        self.vocabulary.taken.add(name)
        self.add(name, schema, "", tracked=tracked)
        return name

    def _component(self, reference: str, tracked: bool) -> str:
        self.needs_components = True
        function = self._components[component(reference)]
        return self._prefix + (tracking(function) if tracked else function)

    def _violation_of(self, function: str, value: str, path: Path, seen: str | None) -> list[Statement]:
        arguments = value if seen is None else f"{value}, {seen}"
        below = call("violation.below", map(text, path)) if path else text("violation")
        return when(f"(violation := {function}({arguments})) is not None", [Line("return ", below)])


def _shown(name: str) -> str:
    return name if len(name) <= LONG else f"{name[: LONG - 3]}..."
