"""Sites: whatever holds routes (applications, routers, blueprints, lists), the routes in them, how they are nested."""

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from routewright.scan.modules import Branch, Scope
from routewright.scan.names import Definition
from routewright.scan.texts import EMPTY, Text, shown, strip_right, text
from routewright.scan.vocabulary import Framework


class Place(NamedTuple):
    """A file as it was given, a line from 1."""

    file: str
    line: int


class Handler(NamedTuple):
    """What answers: its dotted name, or its expression, and its definition where that is among the files."""

    name: str
    definition: Definition | None = None


@dataclass(slots=True, eq=False)
class Registration:
    """A path that is given a handler. ``path`` is ``None`` where the handler answers any; ``order`` counts
    the items of its site; ``version`` is a prefix that stands before all others."""

    site: "Site"
    path: Text | None
    handler: Handler
    framework: Framework
    place: Place
    order: int = 0
    branch: Branch | None = None
    version: Text = EMPTY


@dataclass(slots=True, eq=False)
class Mount:
    """A site below a prefix of another."""

    parent: "Site"
    child: "Site"
    prefix: Text = EMPTY
    replaces: bool = False
    order: int = 0


Item: TypeAlias = Registration | Mount


@dataclass(slots=True, eq=False)
class Site:
    """Something that holds routes.

    Attributes:
        shown: how the source writes it.
        app: it is an application of its own.
        version: what stands before the whole path of a route that has none of its own.
        items: what was added, in order.
        parents: where it is mounted.
        alone: it was made in a test, and belongs to nothing outside of it.
        parameter: the function scope and the name whose argument it is.
    """

    framework: Framework | None
    shown: str
    place: Place
    app: bool = False
    prefix: Text = EMPTY
    version: Text = EMPTY
    items: list[Item] = field(default_factory=list)
    parents: list[Mount] = field(default_factory=list)
    alone: bool = False
    parameter: tuple[Scope, str] | None = None

    def mount(self, child: "Site", prefix: Text = EMPTY, *, replaces: bool = False) -> None:
        """Put another site below a prefix; the same again changes nothing."""
        known = any(each.parent is self and each.prefix == prefix for each in child.parents)
        if child is not self and not known:
            mount = Mount(self, child, prefix, replaces, len(self.items))
            self.items.append(mount)
            child.parents.append(mount)


def join(prefix: Text, path: Text, glue: str) -> Text:
    """A path below a prefix."""
    if not prefix or not path:
        return prefix or path
    first, last = shown(path[:1]), prefix[-1]
    if isinstance(path[0], str) and first.startswith("/"):
        prefix = strip_right(prefix, "/")
    elif glue and not (isinstance(last, str) and last.endswith("/")):
        prefix = text(*prefix, glue)
    return text(*prefix, *path)
