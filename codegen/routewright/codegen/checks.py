"""Check functions: payload schemas as straight Python, for messages of which a schema says more than msgspec can.

Strategy: a schema becomes statements about a variable. Each either returns a `Violation` or lets the value pass, so
that the schemas of properties and items, ``allOf`` and the like stand one after the other in one function. A schema of
which only the outcome counts (an option of ``anyOf``, ``not``, ``if``, ``contains``) becomes a function of its own, as
does every component. Where a schema asks what others have not evaluated, these note in a `Seen` what they have.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from routewright.codegen import literals, names
from routewright.codegen.defaults import json_value
from routewright.codegen.expressions import Expression, bracket, call, columns, lay, one_line, text
from routewright.codegen.statements import Function, If, Line, Statement, body_lines, each, function_lines, when
from routewright.spec.ecma import python
from routewright.spec.keywords import ANNOTATIONS, subschemas

SOURCES = {
    "routewright.table.checks": (
        "Seen",
        "Violation",
        "any_fits",
        "any_seen",
        "anything",
        "count_fitting",
        "count_seen",
        "nothing",
        "once",
        "once_seen",
        "pattern",
    ),
    "routewright.table.formats": (
        "is_date",
        "is_date_time",
        "is_duration",
        "is_email",
        "is_hostname",
        "is_ipv4",
        "is_ipv6",
        "is_regex",
        "is_time",
        "is_uri",
        "is_uuid",
    ),
    "routewright.table.json_values": ("equal", "is_integer", "is_multiple", "is_number", "unique"),
}
"""What check functions may import, by module."""

_RESERVED = frozenset({*(name for each in SOURCES.values() for name in each), "violation", "components", "msgspec"}) | {
    "any", "bool", "dict", "enumerate", "float", "int", "isinstance", "len", "list", "set", "str",
    "value", "seen", "range", "sum", "violation", "constant", "key", "index",
    # what a reader takes for something else
    "abs", "all", "bytes", "chr", "dir", "filter", "format", "hash", "hex", "id", "input", "iter", "map", "max", "min",
    "next", "object", "open", "ord", "pow", "print", "repr", "round", "slice", "sorted", "tuple", "type", "vars", "zip",
}  # fmt: skip
_DEEP = 6
"""Levels of indentation after which a schema gets a function of its own."""
_LONG = 40
"""Characters of a name after which it becomes a constant."""
_TYPES = {
    "object": ("object", "dict"),
    "array": ("array", "list"),
    "string": ("str", "str"),
    "boolean": ("bool", "bool"),
    "null": ("null", ""),
    "integer": ("int", ""),
    "number": ("float", ""),
}
"""How a type is called in messages, and the class that its values have."""

_UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")

Path = tuple[str, ...]
"""The steps from the value of a function to a value in it, as source text."""


@dataclass(slots=True)
class _Scope:
    """One function while it is written: its name, its variables, how deep it stands."""

    name: str
    variables: set[str] = field(default_factory=set)
    known: dict[str, str] = field(default_factory=dict)
    """The type of variables of which it is sure at this place."""
    depth: int = 1


class Checks:
    """The check functions of one module.

    Args:
        taken: names of the module that mean something else.
        components: name of each component's check function.
        prefix: what components are reached through: ``"components."`` or nothing.

    Attributes:
        used: names the module has to import.
        constants: the lines of the module's constants.
        functions: the functions, in their order.
        needs_components: the module has to import the components.
    """

    def __init__(self, taken: Iterable[str], components: Mapping[str, str], prefix: str) -> None:
        self.taken = set(taken)
        self.used: set[str] = set()
        self.constants: list[str] = []
        self.functions: list[Function] = []
        self.needs_components = False
        self._components = components
        self._prefix = prefix
        self._known: dict[tuple[str, str], str] = {}
        self._count = 0

    def add(self, name: str, schema: Any, doc: str, *, tracked: bool = False, once: bool = False) -> None:
        """A function of that name for a schema; ``tracked``: it notes what it has evaluated; ``once``: it remembers
        what it has looked at."""
        scope = _Scope(name)
        place = len(self.functions)
        if isinstance(schema, dict) and schema.keys() - {"$defs", *ANNOTATIONS} == {"$ref"}:
            arguments = map(text, ("value", "seen") if tracked else ("value",))
            body: list[Statement] = [Line("return ", call(self._component(schema["$ref"], tracked), arguments))]
        else:
            body = self._schema(schema, "value", (), "seen" if tracked else None, scope)
        parameters = f"value: {self.local('Any')}"
        if tracked:
            parameters += f", seen: {self.local('Seen')}"
        decorator = self.local("once_seen" if tracked else "once") if once else ""
        result = f"{self.local('Violation')} | None"
        self.functions.insert(place, Function(name, parameters, result, doc, tuple(body), decorator))

    def source(self) -> str:
        """The text of all constants and functions."""
        parts = ["\n".join(self.constants)] if self.constants else []
        parts += ["\n".join(function_lines(function)) for function in self.functions]
        return "\n\n\n".join(parts)

    def local(self, name: str) -> str:
        """How the module calls a name that it imports."""
        self.used.add(name)
        return names.unique(name, self.taken, separator="_")

    # what a schema says

    def _schema(self, schema: Any, value: str, path: Path, seen: str | None, scope: _Scope) -> list[Statement]:
        """The statements that return a violation where ``value``, found at ``path``, is against the schema."""
        if schema is True or schema == {}:
            return []
        if schema is False:
            return [self._fail("Expected nothing here", path)]
        if any(key in schema for key in _UNEVALUATED):
            return self._unevaluated(schema, value, path, seen, scope)
        return self._said(schema, value, path, seen, scope)

    def _said(
        self, schema: Mapping[str, Any], value: str, path: Path, seen: str | None, scope: _Scope
    ) -> list[Statement]:
        declared = schema.get("type")
        kinds = [declared] if isinstance(declared, str) else list(declared or ())
        statements = self._type(kinds, value, path) + self._enumerated(schema, value, path)
        if len(kinds) == 1:
            scope.known[value] = "number" if kinds == ["integer"] else kinds[0]
        if "$ref" in schema:
            statements += self._violation_of(self._component(schema["$ref"], seen is not None), value, path, seen)
        for kind, words in (
            ("number", self._number(schema, value, path)),
            ("string", self._string(schema, value, path)),
            ("array", self._array(schema, value, path, seen, scope)),
            ("object", self._object(schema, value, path, seen, scope)),
        ):
            if words:
                statements += words if scope.known.get(value) == kind else when(self._is(kind, value), words)
        return statements + self._combined(schema, value, path, seen, scope)

    def _type(self, kinds: list[str], value: str, path: Path) -> list[Statement]:
        if not kinds:
            return []
        classes = [_TYPES[kind][1] for kind in kinds if _TYPES[kind][1]]
        tests = [f"isinstance({value}, {' | '.join(classes)})"] if classes else []
        tests += [self._is(kind, value) for kind in kinds if not _TYPES[kind][1]]
        if tests == [f"{value} is None"]:
            condition = f"{value} is not None"
        else:
            condition = f"not {tests[0]}" if len(tests) == 1 else f"not ({' or '.join(tests)})"
        expected = " | ".join(_TYPES[kind][0] for kind in kinds)
        return when(condition, [self._fail(f"Expected `{expected}`", path)])

    def _is(self, kind: str, value: str) -> str:
        if kind == "null":
            return f"{value} is None"
        if kind in ("integer", "number"):
            return f"{self.local(f'is_{kind}')}({value})"
        return f"isinstance({value}, {_TYPES[kind][1]})"

    def _enumerated(self, schema: Mapping[str, Any], value: str, path: Path) -> list[Statement]:
        found: list[Statement] = []
        for keyword in ("enum", "const"):
            if keyword not in schema:
                continue
            constants = schema[keyword] if keyword == "enum" else [schema[keyword]]
            fail = self._fail("Expected the constant" if len(constants) == 1 else "Expected one of the constants", path)
            if len(constants) == 1:
                found += when(self._differs(constants[0], value), [fail])
            elif all(isinstance(each, str) for each in constants):
                found += when(f"{value} not in {self._texts(constants)}", [fail])
            else:
                listed = self._constant("VALUES", json_value(constants))
                found += when(f"not any({self.local('equal')}({value}, constant) for constant in {listed})", [fail])
        return found

    def _differs(self, constant: Any, value: str) -> str:
        if constant is None:
            return f"{value} is not None"
        if isinstance(constant, bool):
            return f"{value} is not {constant}"
        if isinstance(constant, str):
            return f"{value} != {self._text(constant)}"
        written = self._constant("VALUE", json_value(constant)) if isinstance(constant, dict | list) else None
        return f"not {self.local('equal')}({value}, {written or _number(constant)})"

    def _number(self, schema: Mapping[str, Any], value: str, path: Path) -> list[Statement]:
        statements: list[Statement] = []
        for keyword, against, words in (
            ("minimum", "<", ">="),
            ("exclusiveMinimum", "<=", ">"),
            ("maximum", ">", "<="),
            ("exclusiveMaximum", ">=", "<"),
        ):
            if keyword in schema:
                bound = _number(schema[keyword])
                statements += when(
                    f"{value} {against} {bound}", [self._fail(f"Expected a number {words} {bound}", path)]
                )
        if "multipleOf" in schema:
            step = _number(schema["multipleOf"])
            fail = self._fail(f"Expected a number that is a multiple of {step}", path)
            statements += when(f"not {self.local('is_multiple')}({value}, {step})", [fail])
        return statements

    def _string(self, schema: Mapping[str, Any], value: str, path: Path) -> list[Statement]:
        statements = self._length(schema, "minLength", "maxLength", "str", value, path)
        if "pattern" in schema:
            found = f"{self._pattern(schema['pattern'])}({value}) is None"
            statements += when(found, [self._fail("Expected `str` matching the pattern", path)])
        if "format" in schema:
            format_ = schema["format"]
            test = self.local(f"is_{format_.replace('-', '_')}")
            statements += when(f"not {test}({value})", [self._fail(f"Expected `str` in the format {format_}", path)])
        return statements

    def _length(
        self, schema: Mapping[str, Any], least: str, most: str, type_: str, value: str, path: Path
    ) -> list[Statement]:
        statements: list[Statement] = []
        for keyword, against, words in ((least, "<", ">="), (most, ">", "<=")):
            if keyword in schema and (keyword == most or schema[keyword] > 0):
                fail = self._fail(f"Expected `{type_}` of length {words} {int(schema[keyword])}", path)
                statements += when(f"len({value}) {against} {int(schema[keyword])}", [fail])
        return statements

    # arrays

    def _array(
        self, schema: Mapping[str, Any], value: str, path: Path, seen: str | None, scope: _Scope
    ) -> list[Statement]:
        statements = self._length(schema, "minItems", "maxItems", "array", value, path)
        if schema.get("uniqueItems"):
            fail = self._fail("Expected `array` of unique items", path)
            statements += when(f"not {self.local('unique')}({value})", [fail])
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

    def _items(self, schema: Any, start: int, value: str, path: Path, scope: _Scope) -> list[Statement]:
        if schema is False:
            fail = self._fail(f"Expected `array` of length <= {start}", path)
            return when(f"len({value}) > {start}" if start else value, [fail])
        index, item = self._variable("index", scope, own=True), self._variable("item", scope)
        source = f"enumerate({value}[{start}:], {start})" if start else f"enumerate({value})"
        scope.depth += 1
        body = self._part(schema, item, (*path, index), scope)
        scope.depth -= 1
        scope.variables -= {index, item}
        return each(f"for {index}, {item} in {source}", body)

    def _contains(
        self, schema: Mapping[str, Any], value: str, path: Path, seen: str | None, scope: _Scope
    ) -> list[Statement]:
        check = self._function(schema["contains"], scope, tracked=False)
        least, most = int(schema.get("minContains", 1)), schema.get("maxContains")
        found = self._variable("found", scope)
        item = f"[index for index, item in enumerate({value}) if {check}(item) is None]"
        bounds = when(f"len({found}) < {least}", [self._fail(f"Expected `array` with >= {least} such items", path)])
        if least == 0:
            bounds = []
        if most is not None:
            fail = self._fail(f"Expected `array` with <= {int(most)} such items", path)
            bounds += when(f"len({found}) > {int(most)}", [fail])
        if seen is not None:
            bounds.append(Line("", text(f"{seen}.items.update({found})")))
        return [Line(f"{found} = ", text(item)), *bounds] if bounds else []

    # objects

    def _object(
        self, schema: Mapping[str, Any], value: str, path: Path, seen: str | None, scope: _Scope
    ) -> list[Statement]:
        statements: list[Statement] = []
        for name in schema.get("required", ()):
            fail = self._fail(f"Object missing required field `{_shown(name)}`", path)
            statements += when(f"{self._text(name)} not in {value}", [fail])
        statements += self._length(schema, "minProperties", "maxProperties", "object", value, path)
        for name, others in schema.get("dependentRequired", {}).items():
            for other in others:
                fail = self._fail(f"Object missing required field `{_shown(other)}`", path)
                statements += when((f"{self._text(name)} in {value}", f"{self._text(other)} not in {value}"), [fail])
        properties, required = schema.get("properties", {}), frozenset(schema.get("required", ()))
        for name, inner in properties.items():
            key = self._text(name)
            body = self._inside(inner, f"{value}[{key}]", name, (*path, key), scope, name not in required)
            statements += body if name in required else when(f"{key} in {value}", body)
        statements += self._members(schema, value, path, seen, scope)
        if seen is not None and "additionalProperties" in schema:
            statements.append(Line("", text(f"{seen}.names.update({value})")))
        elif seen is not None and properties:
            known = self._texts(properties) if len(properties) > 1 else self._text(*properties)
            adding = "update" if len(properties) > 1 else "add"
            statements.append(Line("", text(f"{seen}.names.{adding}({known})")))
        for name, inner in schema.get("dependentSchemas", {}).items():
            body = self._branch(inner, value, path, seen, scope)
            statements += when(f"{self._text(name)} in {value}", body)
        return statements

    def _members(
        self, schema: Mapping[str, Any], value: str, path: Path, seen: str | None, scope: _Scope
    ) -> list[Statement]:
        """What is said of all properties: by their names, by patterns, by being none of the others."""
        patterns = {text_: self._pattern(text_) for text_ in schema.get("patternProperties", {})}
        further, properties = schema.get("additionalProperties", True), schema.get("properties", {})
        if further is False and not patterns and not properties:
            statements = when(value, [self._fail("Expected `object` of length <= 0", path)])
            further = True
        else:
            statements = []
        name, item = self._variable("key", scope, own=True), self._variable("item", scope)
        scope.depth += 2
        body = self._schema(schema.get("propertyNames", True), name, (*path, name), None, scope)
        for text_, inner in schema.get("patternProperties", {}).items():
            noted: list[Statement] = [Line("", text(f"{seen}.names.add({name})"))] if seen is not None else []
            found = self._part(inner, item, (*path, name), scope)
            body += when(f"{patterns[text_]}({name}) is not None", [*found, *noted])
        if further is False:
            rest: list[Statement] = [self._fail("Object contains unknown field", (*path, name))]
        else:
            rest = self._part(further, item, (*path, name), scope)
        scope.depth -= 2
        scope.variables -= {name, item}
        if rest:
            conditions = [f"{found}({name}) is None" for found in patterns.values()]
            if properties:
                conditions.insert(0, f"{name} not in {self._texts(properties)}")
            body += [If(tuple(conditions), tuple(rest))] if conditions else rest
        uses_item = any(re.search(rf"\b{item}\b", line) for line in body_lines(body))
        head = f"for {name}, {item} in {value}.items()" if uses_item else f"for {name} in {value}"
        return statements + each(head, body)

    # schemas for the value itself

    def _combined(
        self, schema: Mapping[str, Any], value: str, path: Path, seen: str | None, scope: _Scope
    ) -> list[Statement]:
        statements: list[Statement] = []
        for inner in schema.get("allOf", ()):
            statements += self._schema(inner, value, path, seen, scope)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                statements += self._options(schema[keyword], keyword, value, path, seen, scope)
        if "not" in schema:
            check = self._function(schema["not"], scope, tracked=False)
            statements += when(f"{check}({value}) is None", [self._fail("Expected anything else", path)])
        if "if" in schema:
            statements += self._if(schema, value, path, seen, scope)
        return statements

    def _options(
        self, options: list[Any], keyword: str, value: str, path: Path, seen: str | None, scope: _Scope
    ) -> list[Statement]:
        checks = [self._function(option, scope, tracked=seen is not None) for option in options]
        arguments = [value, *([seen] if seen is not None else []), *checks]
        if keyword == "anyOf":
            counted = call(self.local("any_fits" if seen is None else "any_seen"), map(text, arguments))
            test, found = "not {}", "Expected one of the options"
        else:
            counted = call(self.local("count_fitting" if seen is None else "count_seen"), map(text, arguments))
            test, found = "{} != 1", "Expected exactly one of the options"
        fail = self._fail(found, path)
        if counted.flat is not None and columns(counted.flat) + 4 * scope.depth < 90:
            return when(test.format(counted.flat), [fail])
        fitting = self._variable("fitting", scope)
        return [Line(f"{fitting} = ", counted), *when(test.format(fitting), [fail])]

    def _if(
        self, schema: Mapping[str, Any], value: str, path: Path, seen: str | None, scope: _Scope
    ) -> list[Statement]:
        then = self._branch(schema.get("then", True), value, path, seen, scope)
        otherwise = self._branch(schema.get("else", True), value, path, seen, scope)
        check = self._function(schema["if"], scope, tracked=seen is not None)
        if seen is not None:
            branch = self._variable("branch", scope)
            then.insert(0, Line("", text(f"{seen}.add({branch})")))
            start: list[Statement] = [Line(f"{branch} = ", text(f"{self.local('Seen')}()"))]
            return [*start, If((f"{check}({value}, {branch}) is None",), tuple(then), tuple(otherwise))]
        if not then:
            return when(f"{check}({value}) is not None", otherwise)
        return [If((f"{check}({value}) is None",), tuple(then), tuple(otherwise))]

    def _unevaluated(
        self, schema: Mapping[str, Any], value: str, path: Path, seen: str | None, scope: _Scope
    ) -> list[Statement]:
        """What the other keywords have not evaluated, which they note in a `Seen` of this schema's own."""
        own = self._variable("evaluated", scope)
        statements: list[Statement] = [Line(f"{own} = ", text(f"{self.local('Seen')}()"))]
        rest = {key: each for key, each in schema.items() if key not in _UNEVALUATED}
        statements += self._said(rest, value, path, own, scope)
        for keyword, kind, step, others in (
            ("unevaluatedProperties", "object", "key", "names"),
            ("unevaluatedItems", "array", "index", "items"),
        ):
            if keyword not in schema:
                continue
            key = self._variable(step, scope, own=True)
            scope.depth += 2
            if schema[keyword] is False:
                unexpected = "Unexpected field" if step == "key" else "Unexpected item"
                body: list[Statement] = [self._fail(unexpected, (*path, key))]
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
                statements += found if scope.known.get(value) == kind else when(self._is(kind, value), found)
        if seen is not None:
            statements.append(Line("", text(f"{seen}.add({own})")))
        return statements

    # parts

    def _branch(self, schema: Any, value: str, path: Path, seen: str | None, scope: _Scope) -> list[Statement]:
        """`_schema` under a condition: what it makes sure of is not so afterwards."""
        before = dict(scope.known)
        scope.depth += 1
        body = self._schema(schema, value, path, seen, scope)
        scope.depth -= 1
        scope.known = before
        return body

    def _inside(self, schema: Any, source: str, wanted: str, path: Path, scope: _Scope, deeper: int) -> list[Statement]:
        """A member of a value in a variable of its own, and what its schema says of it."""
        if schema is False:
            return [self._fail("Unexpected field" if path[-1].startswith(('"', "'", "_")) else "Unexpected item", path)]
        variable = self._variable(wanted, scope)
        scope.depth += deeper
        body = self._part(schema, variable, path, scope)
        scope.depth -= deeper
        scope.variables.discard(variable)
        return [Line(f"{variable} = ", text(source)), *body] if body else []

    def _part(self, schema: Any, value: str, path: Path, scope: _Scope) -> list[Statement]:
        """`_schema` for a part of the value, in a function of its own where it stands too deep. A property may have
        several schemas, each under a condition: what one makes sure of is not so for the next."""
        if scope.depth <= _DEEP or not isinstance(schema, dict):
            before = dict(scope.known)
            statements = self._schema(schema, value, path, None, scope)
            scope.known = before
            return statements
        return self._violation_of(self._function(schema, scope, tracked=False), value, path, None)

    def _function(self, schema: Any, scope: _Scope, *, tracked: bool) -> str:
        """The name of a function for a schema of which the outcome counts."""
        if isinstance(schema, bool) or schema == {}:
            return self.local("nothing" if schema is False else "anything")
        if schema.keys() == {"$ref"}:
            return self._component(schema["$ref"], tracked)
        base = scope.name.removeprefix("check").strip("_").rstrip("0123456789").rstrip("_")
        self._count += 1
        name = names.unique(f"_{base}_{self._count}", self.taken, separator="_")
        self.taken.add(name)
        self.add(name, schema, "", tracked=tracked)
        return name

    def _component(self, reference: str, tracked: bool) -> str:
        name = reference.removeprefix("#/$defs/")
        self.needs_components = True
        function = self._components[name]
        return self._prefix + (tracking(function) if tracked else function)

    def _violation_of(self, function: str, value: str, path: Path, seen: str | None) -> list[Statement]:
        arguments = value if seen is None else f"{value}, {seen}"
        below = call("violation.below", map(text, path)) if path else text("violation")
        return when(f"(violation := {function}({arguments})) is not None", [Line("return ", below)])

    def _fail(self, message: str, path: Path) -> Line:
        return Line("return ", call(self.local("Violation"), map(text, (literals.string(message), *path))))

    # names

    def _variable(self, wanted: str, scope: _Scope, *, own: bool = False) -> str:
        """A new variable; ``own``: it is not called like a property, and may have a name that these may not have."""
        name = re.sub(r"\W+", "_", wanted, flags=re.ASCII).strip("_").lower()[:_LONG]
        if not name or not names.plain(name):
            name = "item"
        if name in _RESERVED and not own:
            name = f"{name}_"
        found = names.unique(name, scope.variables, self.taken, separator="_")
        scope.variables.add(found)
        scope.known.pop(found, None)
        return found

    def _text(self, name: str) -> str:
        """A text, by the name of a constant where it is long."""
        written = literals.string(name)
        return written if len(written) <= _LONG else self._constant("NAME", text(written))

    def _texts(self, texts: Collection[str]) -> str:
        """A tuple of texts, by the name of a constant where it is long."""
        written = bracket("(", (text(literals.string(each)) for each in texts), ")")
        return written.flat if written.flat and len(written.flat) <= _LONG else self._constant("NAMES", written)

    def _pattern(self, source: str) -> str:
        return self._constant("PATTERN", call(self.local("pattern"), [text(literals.pattern(python(source)))]))

    def _constant(self, kind: str, value: Expression) -> str:
        """The name of a constant of the module; the same value has one name."""
        known = (kind, one_line(value))
        if known not in self._known:
            count = sum(kind == other for other, _ in self._known) + 1
            self._known[known] = name = names.unique(f"_{kind}_{count}", self.taken)
            head = f"{name}: {self.local('Final')} = "
            self.constants.append(head + lay(value, 0, columns(head)))
        return self._known[known]


def tracking(function: str) -> str:
    """The name of the variant of a component's check function that notes what it evaluates."""
    return function.replace("check_", "track_", 1)


def refers(schema: Any) -> bool:
    """Whether a schema refers to components."""
    return any(True for _ in _references(schema, False))


def needed(schemas: Iterable[Any], components: Mapping[str, Any]) -> set[tuple[str, bool]]:
    """The components that check functions for these schemas call, with whether they have to note what they evaluate."""
    found: set[tuple[str, bool]] = set()
    ahead = [(schema, False) for schema in schemas]
    while ahead:
        schema, tracked = ahead.pop()
        for edge in _references(schema, tracked):
            if edge not in found:
                found.add(edge)
                ahead.append((components[edge[0]], edge[1]))
    return found


_IN_PLACE = frozenset({"allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas"})


def _references(schema: Any, tracked: bool) -> Iterator[tuple[str, bool]]:
    ahead = [(schema, tracked)]
    while ahead:
        each_, noted = ahead.pop()
        if not isinstance(each_, dict):
            continue
        noted = noted or any(key in each_ for key in _UNEVALUATED)
        if "$ref" in each_:
            yield each_["$ref"].removeprefix("#/$defs/"), noted
        ahead += [(inner, noted and steps[0] in _IN_PLACE) for steps, inner in subschemas(each_) if steps[0] != "$defs"]


def _number(value: int | float) -> str:
    return literals.number(value) if isinstance(value, float) else repr(int(value))


def _shown(name: str) -> str:
    return name if len(name) <= _LONG else f"{name[: _LONG - 3]}..."
