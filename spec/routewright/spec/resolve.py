"""A checked draft -> the `Spec`: defaults merged, units converted, references followed.

Strategy: the draft has no problems, so every value has the type that its key wants; nothing is checked again here.
"""

import hashlib
import json
from dataclasses import replace
from typing import Any, Literal

from routewright.spec import names, paths, units
from routewright.spec.auth import auth
from routewright.spec.bundle import Bundles
from routewright.spec.draft import Draft
from routewright.spec.fits import follow, is_valid
from routewright.spec.gateway import gateway
from routewright.spec.model import (
    Authorize,
    Component,
    MapShape,
    Message,
    ObjectShape,
    Parameter,
    ReferenceShape,
    Route,
    Shape,
    Spec,
    StringShape,
    Topic,
    Upstream,
)
from routewright.spec.node import Node
from routewright.spec.payload import location
from routewright.spec.policies import (
    Balance,
    Batch,
    Cache,
    CircuitBreaker,
    Compression,
    Delivery,
    Limits,
    Middleware,
    RateLimit,
    Retry,
    SlowConsumer,
)

_POLICIES = (
    *("timeout", "rateLimit", "limits", "slowConsumer", "middleware"),
    "auth",
    *("circuitBreaker", "retry", "cache", "balance", "batch", "compression", "delivery"),
)

UNLIMITED = 1_000_000
"""Requests in flight where a route's ``limits`` are off."""


def resolve(draft: Draft) -> Spec:
    """The spec of a draft in which no problem was found."""
    resolver = _Resolver(draft)
    routes = tuple(resolver.route(node) for node in draft.routes())
    info = draft.root.value.get("info", {})
    extensions = _extensions(draft.root)
    document = {
        "version": draft.root.value.get("version", "1"),
        "info": info,
        "gateway": draft.root.value.get("gateway", {}),
        "components": resolver.bundles.definitions(set(draft.payloads.components)),
        "routes": [route.document for route in routes],
        "extensions": extensions,
    }
    return Spec(
        file=draft.library.spec.path.name,
        digest=digest(document),
        title=info.get("title", ""),
        version=info.get("version", ""),
        description=info.get("description", ""),
        gateway=resolver.gateway,
        components={name: resolver.component(name) for name in draft.payloads.nodes},
        routes=routes,
        undeclared=Route(name="", module="", path="", **resolver.guarded(resolver.policies({}))),
        extensions=extensions,
    )


def digest(document: Any) -> str:
    """Sixteen hexadecimal digits that change with the document, but not with the order of its keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


class _Resolver:
    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.bundles = Bundles(draft.payloads)
        self.checked = bool(draft.payloads.loose)
        self.gateway = gateway(draft.root.value.get("gateway", {}))
        self.defaults: dict[str, Any] = draft.root.value.get("defaults", {})

    def route(self, node: Node) -> Route:
        """One route."""
        value = node.value
        name = self.draft.name(node)
        policies = self.policies(value)
        source, handler = _source(value)
        messages = dict(self.draft.messages(node))
        timeout = _seconds(policies.get("timeout"), 30.0)
        return Route(
            name=name,
            module=names.module(name),
            path=value["path"],
            aliases=tuple(value.get("aliases", ())),
            parameters=self.parameters(node),
            summary=value.get("summary", ""),
            description=value.get("description", ""),
            capabilities=tuple(value.get("capabilities", ())),
            source=source,
            handler=handler,
            workers=int(value.get("workers", 1)),
            upstream=_upstream(value["proxy"]) if source == "proxy" else None,
            framing="raw" if source == "proxy" else value.get("framing", "message"),
            open=value.get("open", "messages" not in value),
            messages=tuple(
                self.message(each, message, timeout, policies.get("cache")) for each, message in messages.items()
            ),
            topics=tuple(_topic(each, topic) for each, topic in value.get("topics", {}).items()),
            **self.guarded(policies),
            extensions=_extensions(node),
            document=self.document(node, name, policies),
        )

    def guarded(self, policies: dict[str, Any]) -> dict[str, Any]:
        """The fields of a route that its policies are."""
        return {
            "timeout": _seconds(policies.get("timeout"), 30.0),
            "auth": auth(policies.get("auth", False)),
            "rate_limit": _rate_limit(policies.get("rateLimit", {})),
            "limits": _limits(policies.get("limits", {}), self.gateway.limits.message_bytes),
            "slow_consumer": _slow_consumer(policies.get("slowConsumer", {})),
            "circuit_breaker": _circuit_breaker(policies.get("circuitBreaker", {})),
            "retry": _retry(policies.get("retry", False)),
            "balance": _balance(policies.get("balance", False)),
            "batch": _batch(policies.get("batch", {})),
            "compression": _compression(policies.get("compression", False)),
            "delivery": _delivery(policies.get("delivery", {})),
            "middleware": _middleware(policies.get("middleware", [])),
        }

    def policies(self, route: dict[str, Any]) -> dict[str, Any]:
        """The route's policies over the defaults: a policy of both is merged key by key, but for ``auth``."""
        merged: dict[str, Any] = {}
        for key in _POLICIES:
            given = [each[key] for each in (self.defaults, route) if key in each]
            if not given:
                continue
            if key != "auth" and all(isinstance(each, dict) for each in given):
                merged[key] = {inner: value for each in given for inner, value in each.items()}
            else:
                merged[key] = given[-1]
        return merged

    def component(self, name: str) -> Component:
        """One component, with its schema."""
        return replace(self.draft.payloads.components[name], schema=self.bundles.part(name))

    def parameters(self, node: Node) -> tuple[Parameter, ...]:
        """The path's parameters in its order; one without a schema is a string."""
        declared = node.get("parameters")
        known = paths.parameters(self.draft.segments[node.below("path").pointer])
        found = []
        for name, tail in known.items():
            schema = declared.get(name) if declared is not None else None
            shape = self.shape(schema) if schema is not None else StringShape()
            found.append(Parameter(name=name, shape=follow(shape, self.draft.payloads.components), tail=tail))
        return tuple(found)

    def message(self, name: str, node: Node, timeout: float, cache: Any) -> Message:
        """One message of a route, whose cache is ``cache``."""
        value, payload, reply = node.value, node.get("payload"), node.value.get("reply")
        shape = self.shape(payload) if payload is not None else None
        schema = self.bundles.bundle(payload) if payload is not None else None
        checked = payload is not None and self.checked and self.bundles.is_loose(payload)
        return Message(
            name=name,
            model=names.model(name, "Message"),
            origin=value.get("from", "client"),
            summary=value.get("summary", ""),
            description=value.get("description", ""),
            payload=shape,
            schema=schema,
            checked=checked,
            optional=shape is not None and self.optional(shape) and not (checked and not is_valid({}, schema)),
            reply=reply["message"] if isinstance(reply, dict) else reply,
            stream=reply.get("stream", False) if isinstance(reply, dict) else False,
            timeout=_seconds(value.get("timeout"), timeout),
            idempotent=value.get("idempotent", False),
            cache=_cache(value, cache),
            scopes=tuple(value.get("scopes", ())),
            deprecated=value.get("deprecated", False),
            examples=tuple(value.get("examples", ())),
        )

    def shape(self, schema: Node) -> Shape:
        """The shape of a payload or parameter; a reference where other schemas lead to this one."""
        name = self.draft.payloads.names.get(location(schema))
        return ReferenceShape(component=name) if name is not None else self.draft.shapes[schema.pointer]

    def optional(self, shape: Shape) -> bool:
        """Whether ``{}`` fits: an object that requires nothing."""
        match follow(shape, self.draft.payloads.components):
            case ObjectShape(properties=properties):
                return not any(each.required for each in properties)
            case MapShape(min_properties=least):
                return not least
        return False

    def document(self, node: Node, name: str, policies: dict[str, Any]) -> dict[str, Any]:
        """The route as JSON that stands on its own."""
        document = {**node.value, **policies, "name": name}
        reached: set[str] = set()
        for key, inner in (("parameters", None), ("messages", "payload")):
            listed = node.get(key)
            if listed is None:
                continue
            document[key] = {}
            for each, member in listed.members():
                schema = member if inner is None else member.get(inner)
                rewritten, more = self.bundles.rewritten(schema) if schema is not None else (None, set())
                reached |= more
                plain = rewritten if inner is None else {**member.value, inner: rewritten}
                document[key][each] = member.value if schema is None else plain
        definitions = self.bundles.definitions(reached)
        return {**document, "$defs": definitions} if definitions else document


def _source(route: dict[str, Any]) -> tuple[Literal["module", "worker", "proxy"], str]:
    """What answers a route, and its name or URL: empty where the environment names the upstream."""
    if "pythonModule" in route:
        return "module", route["pythonModule"]
    if "worker" in route:
        return "worker", route["worker"]
    proxy = route["proxy"]
    return "proxy", proxy if isinstance(proxy, str) else proxy.get("url", "") if isinstance(proxy, dict) else ""


def _upstream(proxy: Any) -> Upstream:
    value = proxy if isinstance(proxy, dict) else {}
    return Upstream(
        headers=tuple(value.get("headers", ())),
        message_bytes=_size(value.get("messageBytes"), 1024 * 1024),
        reconnect=_seconds(value["reconnect"], 0.0) if "reconnect" in value else None,
    )


def _topic(name: str, topic: dict[str, Any]) -> Topic:
    authorize = topic.get("authorize")
    return Topic(
        name=name,
        messages=tuple(topic.get("messages", ())),
        authorize=None
        if authorize is None
        else Authorize(scopes=tuple(authorize.get("scopes", ())), parameters=authorize.get("parameters", {})),
        retain=topic.get("retain", False),
        presence=topic.get("presence", False),
        publish=topic.get("publish", "handlers"),
    )


def _rate_limit(policy: dict[str, Any] | Literal[False]) -> RateLimit | None:
    if policy is False:
        return None
    return RateLimit(
        rate=units.rate(policy["rate"]) or 100.0 if "rate" in policy else 100.0,
        burst=int(policy.get("burst", 200)),
        per=policy.get("per", "connection"),
    )


def _limits(policy: dict[str, Any] | Literal[False], message_bytes: int) -> Limits:
    if policy is False:
        return Limits(message_bytes=message_bytes, in_flight=UNLIMITED)
    return Limits(
        message_bytes=_size(policy.get("messageBytes"), message_bytes),
        in_flight=int(policy.get("inFlight", 64)),
        connections=int(policy["connections"]) if "connections" in policy else None,
        bulkhead=int(policy["bulkhead"]) if "bulkhead" in policy else None,
    )


def _slow_consumer(policy: dict[str, Any] | Literal[False]) -> SlowConsumer | None:
    if policy is False:
        return None
    return SlowConsumer(
        policy=policy.get("policy", "disconnect"),
        backlog=_size(policy.get("backlog"), 1024 * 1024),
        after=_seconds(policy.get("after"), 10.0),
        key=policy.get("key"),
    )


def _circuit_breaker(policy: dict[str, Any] | Literal[False]) -> CircuitBreaker | None:
    if policy is False:
        return None
    consecutive = policy.get("consecutiveFailures", 5)
    return CircuitBreaker(
        consecutive_failures=int(consecutive) if consecutive is not False else None,
        failure_rate=float(policy["failureRate"]) if "failureRate" in policy else None,
        window=_seconds(policy.get("window"), 60.0),
        minimum_calls=int(policy.get("minimumCalls", 20)),
        open_for=_seconds(policy.get("openFor"), 30.0),
        half_open_calls=int(policy.get("halfOpenCalls", 3)),
    )


def _retry(policy: dict[str, Any] | Literal[False]) -> Retry | None:
    if policy is False:
        return None
    return Retry(
        attempts=int(policy.get("attempts", 3)),
        base=_seconds(policy.get("base"), 0.1),
        cap=_seconds(policy.get("cap"), 2.0),
    )


def _cache(message: dict[str, Any], general: Any) -> Cache | None:
    """The cache of a message: its own keys over those of the route. The route's alone is for what is idempotent and has
    a reply that comes whole."""
    reply = message.get("reply")
    whole = reply and not (isinstance(reply, dict) and reply.get("stream"))
    own = message.get("cache", general if message.get("idempotent") and whole else False)
    if own is None or own is False:
        return None
    policy = {**(general if isinstance(general, dict) else {}), **own}
    return Cache(
        ttl=_seconds(policy.get("ttl"), 10.0),
        entries=int(policy.get("entries", 1000)),
        vary=tuple(policy.get("vary", ("principal", "parameters"))),
        stale_for=_seconds(policy.get("staleFor"), 0.0),
    )


def _balance(policy: dict[str, Any] | Literal[False]) -> Balance:
    if policy is False:
        return Balance()
    return Balance(policy=policy.get("policy", "least-in-flight"), key=policy.get("key", "session"))


def _batch(policy: dict[str, Any] | Literal[False]) -> Batch | None:
    if policy is False:
        return None
    return Batch(frames=int(policy.get("frames", 64)), bytes=_size(policy.get("bytes"), 64 * 1024))


def _compression(policy: dict[str, Any] | Literal[False]) -> Compression | None:
    if policy is False:
        return None
    return Compression(threshold=_size(policy.get("threshold"), 1024), level=int(policy.get("level", 1)))


def _delivery(policy: dict[str, Any] | Literal[False]) -> Delivery | None:
    if policy is False:
        return None
    return Delivery(
        window=_seconds(policy.get("window"), 120.0),
        messages=int(policy.get("messages", 1000)),
        bytes=_size(policy.get("bytes"), 1024 * 1024),
    )


def _middleware(policy: list[Any] | Literal[False]) -> tuple[Middleware, ...]:
    plugins: list[dict[str, Any]] = [{"name": each} if isinstance(each, str) else each for each in policy or []]
    return tuple(Middleware(name=each["name"], settings=each.get("settings", {})) for each in plugins)


def _extensions(node: Node) -> dict[str, Any]:
    return {key: member.value for key, member in node.members() if key.startswith("x-")}


def _seconds(text: str | None, otherwise: float) -> float:
    found = units.seconds(text) if text is not None else None
    return otherwise if found is None else found


def _size(text: str | None, otherwise: int) -> int:
    found = units.size(text) if text is not None else None
    return otherwise if found is None else found
