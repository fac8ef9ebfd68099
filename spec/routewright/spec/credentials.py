"""Rules about ``auth`` and ``scopes``: what proves who a client is, and that it proves anything."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from routewright.spec import plain, units
from routewright.spec.draft import Draft
from routewright.spec.guards import asks, is_loopback
from routewright.spec.nearest import suggestion
from routewright.spec.node import Finding, Node
from routewright.spec.quoting import quoted

_SHARED = ("HS256", "HS384", "HS512")
_PUBLIC = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
_KEYS = ("jwks", "secretEnv", "publicKey")
_PLACES = ("keysFile", "keysEnv")
_OF_CREDENTIALS = ("from", "header", "query")
_OF_KIND = {
    "jwt": (
        *_OF_CREDENTIALS,
        *("algorithms", *_KEYS, "issuer", "audience", "leeway", "scopesClaim", "principalClaim"),
    ),
    "apiKey": (*_OF_CREDENTIALS, *_PLACES),
    "ticket": (*_OF_CREDENTIALS, "ttl", "sameAddress"),
    "plugin": (),
}
_EVERYWHERE = ("kind", "scopes")
_RANGES = (("leeway", "0s", "5m"), ("ttl", "1s", "10m"))


def ways(owner: Node) -> Iterator[Node]:
    """The ways of authentication of a route or of the defaults."""
    auth = owner.get("auth")
    if auth is None:
        return
    for way in auth.items() if isinstance(auth.value, list) else (auth,):
        if isinstance(way.value, dict):
            yield way


def _every(draft: Draft, kind: str = "") -> Iterator[Node]:
    for owner in draft.policies():
        for way in ways(owner):
            if not kind or way.value.get("kind") == kind:
                yield way


def own_keys(draft: Draft) -> Iterator[Finding]:
    """A way of authentication lacks a key of its kind, or has one of another kind."""
    for way in _every(draft):
        kind = way.value.get("kind")
        known = _OF_KIND.get(kind) if isinstance(kind, str) else None
        if known is None:
            continue
        for key in way.value:
            if key not in known and key not in _EVERYWHERE and not key.startswith("x-"):
                owners = [each for each, keys in _OF_KIND.items() if key in keys]
                if owners:
                    hint = f"it belongs to {' and '.join(map(quoted, owners))}"
                    yield way.below(key).finding(f'"{key}" means nothing for {quoted(kind)}', hint, key=True)
        if kind == "jwt" and "algorithms" not in way.value:
            yield way.finding('"jwt" has no "algorithms"', 'list those of your issuer, as in ["RS256"]')
        if kind in ("jwt", "apiKey"):
            yield from _one_of(way, kind, _KEYS if kind == "jwt" else _PLACES)


def _one_of(way: Node, kind: str, keys: tuple[str, ...]) -> Iterator[Finding]:
    given = [key for key in keys if key in way.value]
    listed = " or ".join(f'"{key}"' for key in keys)
    if not given:
        yield way.finding(f"{quoted(kind)} has no keys to check with", f"give one of {listed}")
    for key in given[1:]:
        yield way.below(key).finding(f'"{key}" stands beside "{given[0]}"', f"keep one of {listed}", key=True)


def safe_algorithms(draft: Draft) -> Iterator[Finding]:
    """An algorithm is unknown or unsafe, or does not fit the kind of key (RFC 8725, 3.1 and 3.2)."""
    for way in _every(draft, "jwt"):
        listed = way.get("algorithms")
        names = [node for node in listed.items() if isinstance(node.value, str)] if listed is not None else []
        for node in names:
            if node.value.lower() == "none":
                yield node.finding('with "none" anybody could write a token', "remove it")
            elif node.value not in (*_SHARED, *_PUBLIC):
                hint = suggestion(node.value, [*_PUBLIC, *_SHARED], "algorithms")
                yield node.finding(f"the algorithm {quoted(node.value)} is not known", hint)
        shared = [node for node in names if node.value in _SHARED]
        public = [node for node in names if node.value in _PUBLIC]
        if shared and public:
            text = f"{quoted(shared[0].value)} is for a shared secret and {quoted(public[0].value)} for a public key"
            hint = "with both, a public key could be taken for a secret: write two ways"
            yield shared[0].finding(text, hint)
        elif shared:
            for key in ("jwks", "publicKey"):
                if key in way.value:
                    text = f"{quoted(shared[0].value)} would take a public key for a secret"
                    yield shared[0].finding(text, f'use "RS256" or another algorithm of public keys with "{key}"')
        elif public and "secretEnv" in way.value:
            text = f"{quoted(public[0].value)} needs a public key"
            yield public[0].finding(text, 'give "jwks" or "publicKey", or use "HS256"')


def key_addresses(draft: Draft) -> Iterator[Finding]:
    """A URL of public keys is none, or can be answered by others."""
    for way in _every(draft, "jwt"):
        listed = way.get("jwks")
        for node in listed.items() if listed is not None else ():
            if isinstance(node.value, str) and (problem := _unsafe(node.value)):
                yield node.finding(f"{quoted(node.value)} {problem}", 'write a URL that begins with "https://"')


def _unsafe(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "is no URL"
    if not host or parts.scheme not in ("http", "https") or not url.isprintable() or " " in url:
        return "is no URL"
    if "@" in parts.netloc:
        return "holds a password"
    if parts.scheme == "http" and not is_loopback(host):
        return "can be answered by anybody on the way"
    return ""


def asked_scopes(draft: Draft) -> Iterator[Finding]:
    """Scopes are asked of clients that nobody knows."""
    for route in plain.routes(draft):
        if asks(draft, route):
            continue
        for name, message in route.messages.items():
            if message.get("scopes"):
                text = f"route {quoted(route.title())} does not ask who a client is: nobody may send {quoted(name)}"
                place = plain.node(draft, *route.keys, "messages", name, "scopes")
                yield place.finding(text, 'give the route "auth"', key=True)


def minted_tickets(draft: Draft) -> Iterator[Finding]:
    """A ticket is wanted that nobody can get."""
    for owner in draft.policies():
        found = list(ways(owner))
        kinds = [way.value.get("kind") for way in found]
        tickets = [way for way in found if way.value.get("kind") == "ticket"]
        if tickets and len(tickets) == len(kinds):
            text = "a ticket is got with another credential, and there is no other"
            yield tickets[0].finding(text, 'add a way beside it, as in [{"kind": "jwt", ...}, {"kind": "ticket"}]')
        for way in tickets[1:]:
            yield way.finding("there are two ways by ticket", "keep one of them")


def asking_plugins(draft: Draft) -> Iterator[Finding]:
    """A plugin is to say who clients are, and there is none."""
    for route in plain.routes(draft):
        policy = plain.policy(draft, route, "auth")
        plugins = plain.policy(draft, route, "middleware")
        if policy is None or (plugins is not None and plugins.value not in (False, [])):
            continue
        for way in ways(plain.node(draft, *policy.keys[:-1])):
            if way.value.get("kind") == "plugin":
                text = f"route {quoted(route.title())} has no plugin that could ask who a client is"
                yield way.finding(text, 'name one in "middleware", or remove this way')


def first_frames(draft: Draft) -> Iterator[Finding]:
    """The first frame is to hold a credential where frames mean nothing."""
    for route in plain.routes(draft):
        raw = route.value.get("framing") == "raw" or "proxy" in route.value
        policy = plain.policy(draft, route, "auth") if raw else None
        owner = plain.node(draft, *policy.keys[:-1]) if policy is not None else None
        for way in ways(owner) if owner is not None else ():
            places = way.get("from")
            for node in places.items() if places is not None else ():
                if node.value == "message":
                    text = f"route {quoted(route.title())} does not look into frames, so none can hold a credential"
                    yield node.finding(text, 'use "subprotocol", or a ticket')


def out_of_range(draft: Draft) -> Iterator[Finding]:
    """A duration of ``auth`` is out of range."""
    for way in _every(draft):
        for key, least, most in _RANGES:
            text = way.text(key)
            value, low, high = (units.seconds(each) if each is not None else None for each in (text, least, most))
            if value is not None and low is not None and high is not None and not low <= value <= high:
                yield way.below(key).finding(f'"{key}" must be from {least} to {most}, not {quoted(text)}')


def lasting_queries(draft: Draft) -> Iterator[Finding]:
    """A credential that can be used again stands in a URL."""
    for way in _every(draft):
        places = way.get("from")
        if way.value.get("kind") not in ("jwt", "apiKey") or places is None:
            continue
        for node in places.items():
            if node.value == "query":
                text = "proxies and browsers keep URLs, and with them this credential"
                yield node.finding(text, 'use "subprotocol", or a way by "ticket"')


def own_tokens(draft: Draft) -> Iterator[Finding]:
    """Tokens that were made for other services are taken."""
    for way in _every(draft, "jwt"):
        if "audience" not in way.value:
            text = "without an audience, a token that was made for another service lets in"
            yield way.finding(text, 'give "audience"')
