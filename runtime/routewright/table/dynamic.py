"""A route that no spec names: what a worker says of it when it registers it, and the route that becomes of that.

Strategy: the worker says as little as possible. It is an open route (or a raw one), its parameters are strings, and its
policies are those of the spec's ``defaults``. A path is of the spec's language (literal segments, ``{name}`` and a last
``{name...}``), and never meets one that is claimed already.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from routewright.table.paths import overlap
from routewright.table.route import Framing, Parameter, Route

RESERVED = "/.well-known/{rest...}"
"""The gateway's own paths."""

_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+|\{[A-Za-z_][A-Za-z0-9_]{0,99}\}")
_TAIL = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]{0,99}\.\.\.\}")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,99}")
_CAPABILITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")
_MOST = 32


class ClaimError(ValueError):
    """A route cannot be registered; the message says why."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says of its route. Without ``name`` it is the path's words but for ``ws``."""

    path: str
    name: str = ""
    capabilities: tuple[str, ...] = ()
    framing: Framing = "message"
    summary: str = ""


def claim(said: Any) -> Claim:
    """What a worker has said, checked.

    Raises:
        ClaimError: it is no route.
    """
    try:
        found = msgspec.convert(said, Claim)
    except msgspec.ValidationError as error:
        raise ClaimError(f"the route is not well said: {error}") from None
    segments = found.path.split("/")[1:]
    names = [each[1:-1].removesuffix("...") for each in segments if each.startswith("{")]
    sound = all(_SEGMENT.fullmatch(each) for each in segments[:-1]) and (
        _SEGMENT.fullmatch(segments[-1]) or _TAIL.fullmatch(segments[-1]) if segments else False
    )
    dots = any(each in (".", "..") for each in segments)
    if not found.path.startswith("/") or not sound or dots or len(segments) > _MOST or len(set(names)) != len(names):
        raise ClaimError(f"{found.path[:200]!r} is no path")
    if overlap(found.path.lower(), RESERVED):
        raise ClaimError(f"path {found.path!r} is the gateway's own")
    if len(found.capabilities) > _MOST or not all(map(_CAPABILITY.fullmatch, found.capabilities)):
        raise ClaimError("a capability is no name")
    if len(found.summary) > 1000 or not found.summary.isprintable():
        raise ClaimError("the summary is no short line")
    name = found.name or _name(found.path)
    if _NAME.fullmatch(name) is None:
        raise ClaimError(f"{name[:200]!r} is no name of a route: give it one")
    return msgspec.structs.replace(found, name=name)


def _name(path: str) -> str:
    words = [each.lower() for each in path.split("/")[1:] if not each.startswith("{")]
    return re.sub(r"[^a-z0-9]+", "_", "_".join(words[1:] if words[:1] == ["ws"] else words)).strip("_")


def unclaimed(claim: Claim, routes: Iterable[Route]) -> None:
    """Hold a claim against routes that are there already. A path in other letters, upper or lower case, counts as the
    same: near-path matching takes one for the other.

    Raises:
        ClaimError: one of them has its name, or a path in common with it.
    """
    for route in routes:
        if route.name == claim.name:
            raise ClaimError(f"there is a route {claim.name!r} at {route.path} already")
        for pattern in (route.path, *route.aliases):
            if overlap(claim.path.lower(), pattern.lower()):
                raise ClaimError(f"path {claim.path!r} meets {pattern!r} of route {route.name!r}")


def route(claim: Claim, undeclared: Route) -> Route:
    """The route of a claim, with the policies of ``undeclared``."""
    digest = hashlib.sha256(msgspec.json.encode(claim, order="sorted")).hexdigest()[:16]
    segments = [each for each in claim.path.split("/") if each.startswith("{")]
    return msgspec.structs.replace(
        undeclared,
        name=claim.name,
        path=claim.path,
        parameters=tuple(
            Parameter(name=each[1:-1].removesuffix("..."), tail=each.endswith("...}")) for each in segments
        ),
        summary=claim.summary,
        capabilities=claim.capabilities,
        source="worker",
        handler=claim.name,
        framing=claim.framing,
        open=True,
        digest=digest,
        contract=digest,
    )
