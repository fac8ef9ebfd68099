"""The vocabulary of the framework tables: what a call, a method or a decorator does with paths and handlers."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias


class At(NamedTuple):
    """Where an argument stands: its position, its keyword, or either."""

    position: int | None = None
    keyword: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """Makes something that routes are added to.

    Attributes:
        app: it is an application, not a part of one.
        prefix: what stands before all of its paths.
        version: Sanic's, which becomes the prefix ``/v1``.
        routes: arguments that hold routes.
        inside: the application that it registers its routes with.
        every: each positional argument is one of its parts.
    """

    app: bool = False
    prefix: At | None = None
    version: At | None = None
    routes: tuple[At, ...] = ()
    inside: At | None = None
    every: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """Gives a path its handler. Without ``path`` it answers any; without ``handler`` it decorates one. ``into``: an
    argument that names what it is added to, in place of the object whose method it is. ``version``: as in `Holds`."""

    path: At | None
    handler: At | None = None
    into: At | None = None
    version: At | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounts:
    """Puts something that holds routes below a prefix; ``replaces`` the prefix that it was made with. ``gives``: the
    call's own value is what is mounted."""

    child: tuple[At, ...] = ()
    prefix: At | None = None
    replaces: bool = False
    gives: bool = False


Word: TypeAlias = Holds | Registers | Mounts
Syntax: TypeAlias = Literal["braces", "angles", "regex", "django"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """One framework.

    Attributes:
        packages: what its names are imported from.
        calls: its functions and classes, and what calling one means.
        methods: of what holds routes.
        bases: classes whose descendants answer WebSockets.
        handlers: decorators, by name, that make a function a handler with a path of its own.
        syntax: how its paths are written.
        glue: what stands between a prefix and a path that begins without a slash.
        trims: a slash at the end of a path does not count.
        ordered: of two routes that fit, the one that was added first answers.
        checks: only handlers that can be seen to answer a WebSocket count: its routes may be plain HTTP as well.
    """

    name: str
    packages: tuple[str, ...]
    calls: dict[str, Word] = field(default_factory=dict)
    methods: dict[str, Word] = field(default_factory=dict)
    bases: tuple[str, ...] = ()
    handlers: frozenset[str] = frozenset()
    syntax: Syntax = "braces"
    glue: str = ""
    trims: bool = False
    ordered: bool = False
    checks: bool = False
