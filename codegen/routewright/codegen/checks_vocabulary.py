"""The names of a module of check functions: what it imports, its constants, the variables of its functions."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from routewright.codegen import literals, names
from routewright.codegen.expressions import Expression, bracket, call, columns, lay, one_line, text
from routewright.codegen.statements import Line
from routewright.spec.ecma import python

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
LONG = 40
"""Characters of a name after which it becomes a constant."""

Path = tuple[str, ...]
"""The steps from the value of a function to a value in it, as source text."""


@dataclass(slots=True)
class Scope:
    """One function while it is written: its name, its variables, how deep it stands."""

    name: str
    variables: set[str] = field(default_factory=set)
    known: dict[str, str] = field(default_factory=dict)
    """The type of variables of which it is sure at this place."""
    depth: int = 1


class Vocabulary:
    """The names of one module.

    Args:
        taken: names of the module that mean something else.

    Attributes:
        used: names the module has to import.
        constants: the lines of the module's constants.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = set(taken)
        self.used: set[str] = set()
        self.constants: list[str] = []
        self._known: dict[tuple[str, str], str] = {}

    def local(self, name: str) -> str:
        """How the module calls a name that it imports."""
        self.used.add(name)
        return names.unique(name, self.taken, separator="_")

    def variable(self, wanted: str, scope: Scope, *, own: bool = False) -> str:
        """A new variable; ``own``: it is not called like a property, and may have a name that these may not have."""
        name = re.sub(r"\W+", "_", wanted, flags=re.ASCII).strip("_").lower()[:LONG]
        if not name or not names.plain(name):
            name = "item"
        if name in _RESERVED and not own:
            name = f"{name}_"
        found = names.unique(name, scope.variables, self.taken, separator="_")
        scope.variables.add(found)
        scope.known.pop(found, None)
        return found

    def text(self, name: str) -> str:
        """A text, by the name of a constant where it is long."""
        written = literals.string(name)
        return written if len(written) <= LONG else self.constant("NAME", text(written))

    def texts(self, texts: Collection[str]) -> str:
        """A tuple of texts, by the name of a constant where it is long."""
        written = bracket("(", (text(literals.string(each)) for each in texts), ")")
        return written.flat if written.flat and len(written.flat) <= LONG else self.constant("NAMES", written)

    def pattern(self, source: str) -> str:
        """The constant that searches for a pattern of ECMA-262."""
        return self.constant("PATTERN", call(self.local("pattern"), [text(literals.pattern(python(source)))]))

    def constant(self, kind: str, value: Expression) -> str:
        """The name of a constant of the module; the same value has one name."""
        known = (kind, one_line(value))
        if known not in self._known:
            count = sum(kind == other for other, _ in self._known) + 1
            self._known[known] = name = names.unique(f"_{kind}_{count}", self.taken)
            head = f"{name}: {self.local('Final')} = "
            self.constants.append(head + lay(value, 0, columns(head)))
        return self._known[known]

    def fail(self, message: str, path: Path) -> Line:
        """The statement that returns a violation found at a path."""
        return Line("return ", call(self.local("Violation"), map(text, (literals.string(message), *path))))
