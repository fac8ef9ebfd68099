"""Ways of authentication: how a client of a route may prove who it is, with every default filled in.

Strategy: one struct a ``kind`` of the spec's ``auth``, of its words. What they do is written in
`routewright.gateway.auth`. No secret stands here: secrets are named by the variable or the file that holds them.
"""

from typing import Literal, TypeAlias

import msgspec

Source: TypeAlias = Literal["header", "subprotocol", "query", "message"]
"""Where a credential may be: in a header, in an offered subprotocol, in the URL, or in the first frame."""


class Jwt(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="jwt"):
    """A JSON Web Token (RFC 7519). Its signature is checked with the keys of exactly one of ``jwks`` (URLs),
    ``secret_env`` (a variable) and ``public_key`` (a PEM file below the project). ``scopes`` are those that it must
    carry; ``issuer`` ``None`` and no ``audience`` mean any. ``leeway`` is in seconds."""

    sources: tuple[Source, ...] = ("header", "subprotocol")
    header: str | None = None
    query: str = "token"
    scopes: tuple[str, ...] = ()
    algorithms: tuple[str, ...]
    jwks: tuple[str, ...] = ()
    secret_env: str | None = None
    public_key: str | None = None
    issuer: str | None = None
    audience: tuple[str, ...] = ()
    leeway: float = 30.0
    scopes_claim: str = "scope"
    principal_claim: str = "sub"


class ApiKey(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="apiKey"):
    """A key that is known by its hash, from exactly one of ``keys_file`` (below the project) and ``keys_env``."""

    sources: tuple[Source, ...] = ("header",)
    header: str | None = None
    query: str = "key"
    scopes: tuple[str, ...] = ()
    keys_file: str | None = None
    keys_env: str | None = None


class Ticket(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="ticket"):
    """A credential that works once, within ``ttl`` seconds after it was got with another one."""

    sources: tuple[Source, ...] = ("subprotocol", "query")
    header: str | None = None
    query: str = "ticket"
    scopes: tuple[str, ...] = ()
    ttl: float = 30.0
    same_address: bool = False


class Plugin(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="plugin"):
    """Whatever the route's plugins ask for with the hook ``routewright_authenticate``."""

    scopes: tuple[str, ...] = ()


Auth: TypeAlias = Jwt | ApiKey | Ticket | Plugin
