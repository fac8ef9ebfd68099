"""A valid spec, resolved: every default filled in, every unit converted, every ``$ref`` followed.

Strategy: plain frozen dataclasses and no behaviour. The compiler turns them into text; nothing of the JSON document is
needed any more. Durations are seconds, sizes bytes, rates messages a second.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from routewright.spec.policies import (
    Auth,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What all payload shapes have in common: the schema's ``title`` and ``description``.

    A shape is what msgspec can decode to. It accepts all that is valid by its schema, and where the message is not
    ``checked`` nothing else.
    """

    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyShape(Shape):
    """Any JSON value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NullShape(Shape):
    """``null``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanShape(Shape):
    """``true`` or ``false``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerShape(Shape):
    """An integer of at most 64 bits; bounds are inclusive, exclusive ones have been moved by one."""

    minimum: int | None = None
    maximum: int | None = None
    multiple_of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberShape(Shape):
    """A number, with inclusive and exclusive bounds apart."""

    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    multiple_of: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StringShape(Shape):
    """A string; lengths in code points, ``pattern`` a Python regular expression that is searched for."""

    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumShape(Shape):
    """One of some strings, integers or ``None`` (JSON's ``enum`` and ``const``)."""

    values: tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayShape(Shape):
    """An array whose items have one shape."""

    items: "Shape"
    min_items: int | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MapShape(Shape):
    """An object without named properties, whose values have one shape."""

    values: "Shape"
    min_properties: int | None = None
    max_properties: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One property of an object. ``default`` is only meaningful where ``has_default``; an optional property without a
    default is absent (``msgspec.UNSET`` in the model), which is not the same as ``null``."""

    name: str
    shape: Shape
    required: bool = False
    has_default: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectShape(Shape):
    """An object with named properties. ``closed``: further properties are refused (``additionalProperties: false``),
    otherwise they are accepted and left out of the model.

    ``tag`` is set where the object is one of several objects of a `UnionShape`: ``(property, constant)``. That property
    is among ``properties`` all the same.
    """

    properties: tuple[Property, ...] = ()
    closed: bool = False
    tag: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceShape(Shape):
    """A shape with a name of its own, found in `Spec.components` under ``component`` (the key of that mapping).

    Recursion always passes through one of these.
    """

    component: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionShape(Shape):
    """One of several shapes that msgspec can tell apart: scalars of different types, ``null``, at most one array, and
    objects that carry a constant in one common property (``tag`` on each)."""

    options: tuple[Shape, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A named shape: an entry of ``components.schemas``, of a local ``$defs``, or what a ``$ref`` leads to.

    ``name`` is a Python class name, unique in the spec, and the component's key in `Spec.components`. ``schema`` is its
    schema as JSON, with every ``$ref`` as ``#/$defs/COMPONENT``.
    """

    name: str
    shape: Shape
    schema: Any = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a route. ``payload`` is ``None`` where the spec declares none; ``model`` is its Python class name,
    unique in the route's module; ``optional`` means it may be sent without a payload (an object with no required
    properties). ``schema`` is the payload's schema as JSON that stands on its own: every ``$ref`` leads into its own
    ``$defs``, which are named like the components. ``checked`` means that it says more than the payload's shape, which
    accepts all that is valid by it, and more."""

    name: str
    model: str
    origin: Literal["client", "handler", "both"]
    summary: str = ""
    description: str = ""
    payload: Shape | None = None
    schema: Any = None
    checked: bool = False
    optional: bool = False
    reply: str | None = None
    stream: bool = False
    timeout: float = 30.0
    idempotent: bool = False
    cache: Cache | None = None
    scopes: tuple[str, ...] = ()
    deprecated: bool = False
    examples: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A path parameter; ``shape`` is a scalar."""

    name: str
    shape: Shape
    tail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    headers: tuple[str, ...] = ()
    message_bytes: int = 1024 * 1024
    reconnect: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorize:
    scopes: tuple[str, ...] = ()
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    name: str
    messages: tuple[str, ...] = ()
    authorize: Authorize | None = None
    retain: bool = False
    presence: bool = False
    publish: Literal["handlers", "clients"] = "handlers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route. ``module`` is the Python identifier of its module below ``generated/``; ``document`` is the route as
    JSON with ``defaults`` merged in and every ``$ref`` leading into its own ``$defs``, for digests."""

    name: str
    module: str
    path: str
    aliases: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    summary: str = ""
    description: str = ""
    capabilities: tuple[str, ...] = ()
    source: Literal["module", "worker", "proxy"] = "module"
    handler: str = ""
    workers: int = 1
    upstream: Upstream | None = None
    framing: Literal["message", "raw"] = "message"
    open: bool = False
    messages: tuple[Message, ...] = ()
    topics: tuple[Topic, ...] = ()
    timeout: float = 30.0
    auth: tuple[Auth, ...] = ()
    rate_limit: RateLimit | None = RateLimit()
    limits: Limits = Limits()
    slow_consumer: SlowConsumer | None = SlowConsumer()
    circuit_breaker: CircuitBreaker | None = CircuitBreaker()
    retry: Retry | None = None
    balance: Balance = Balance()
    batch: Batch | None = Batch()
    compression: Compression | None = None
    delivery: Delivery | None = Delivery()
    middleware: tuple[Middleware, ...] = ()
    extensions: dict[str, Any] = field(default_factory=dict)
    document: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    host: str = "127.0.0.1"
    port: int = 8002
    token_env: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayLimits:
    connections: int = 20_000
    connections_per_address: int = 1_000
    handshake: float = 10.0
    message_bytes: int = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    certificate: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    endpoint: str | None = None
    public_key: str | None = None
    secret_key_env: str | None = None
    client_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzzy:
    mode: Literal["off", "suggest", "redirect"] = "suggest"
    threshold: float = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    host: str = "127.0.0.1"
    port: int = 8001
    admin: Admin = Admin()
    allowed_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    limits: GatewayLimits = GatewayLimits()
    tls: Tls | None = None
    drain: float = 30.0
    heartbeat: float = 25.0
    bridge: Bridge = Bridge()
    dynamic_routing: bool = False
    fuzzy: Fuzzy = Fuzzy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A whole spec. ``file`` is the file's name relative to the project; ``digest`` hashes the resolved document, so
    that white space and key order do not change it. ``undeclared`` has the policies of a route that the spec does not
    name."""

    file: str
    digest: str
    title: str = ""
    version: str = ""
    description: str = ""
    gateway: Gateway = Gateway()
    components: dict[str, Component] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    undeclared: Route = Route(name="", module="", path="")
    extensions: dict[str, Any] = field(default_factory=dict)
