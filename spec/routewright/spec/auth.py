"""The ``auth`` key of a spec -> the ways of authentication of a route.

Strategy: the draft has no problems (see `routewright.spec.credentials`), so every key stands where it means something.
"""

from collections.abc import Callable
from typing import Any

from routewright.spec import units
from routewright.spec.policies import ApiKey, Auth, Jwt, Plugin, Ticket

_FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "from": ("sources", tuple),
    "header": ("header", str),
    "query": ("query", str),
    "scopes": ("scopes", tuple),
    "algorithms": ("algorithms", tuple),
    "jwks": ("jwks", tuple),
    "secretEnv": ("secret_env", str),
    "publicKey": ("public_key", str),
    "issuer": ("issuer", str),
    "audience": ("audience", lambda value: (value,) if isinstance(value, str) else tuple(value)),
    "leeway": ("leeway", units.seconds),
    "scopesClaim": ("scopes_claim", str),
    "principalClaim": ("principal_claim", str),
    "keysFile": ("keys_file", str),
    "keysEnv": ("keys_env", str),
    "ttl": ("ttl", units.seconds),
    "sameAddress": ("same_address", bool),
}
_KINDS: dict[str, Callable[..., Auth]] = {"jwt": Jwt, "apiKey": ApiKey, "ticket": Ticket, "plugin": Plugin}


def auth(policy: Any) -> tuple[Auth, ...]:
    """The ways of a route, in the order in which they are tried; none where the policy is off."""
    if policy is False:
        return ()
    return tuple(_way(each) for each in (policy if isinstance(policy, list) else [policy]))


def _way(value: dict[str, Any]) -> Auth:
    fields = {_FIELDS[key][0]: _FIELDS[key][1](each) for key, each in value.items() if key in _FIELDS}
    return _KINDS[value["kind"]](**fields)
