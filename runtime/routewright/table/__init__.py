"""What generated code is made of: the frozen values of a compiled route table.

Strategy: a generated ``table.py`` holds nothing but literals of the types below; whatever is derived from
them (decoders, match order) is built by `routewright.table.frames` and `routewright.table.paths` when a route
is first used. Nothing here does I/O except `load`, which imports a generated package from disk.
"""

from routewright.table.auth import ApiKey, Auth, Jwt, Plugin, Source, Ticket
from routewright.table.loading import TableError, load
from routewright.table.message import MessageType, Origin
from routewright.table.policy import (
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
from routewright.table.principal import Principal
from routewright.table.route import Framing, Parameter, Route, SourceKind, Upstream
from routewright.table.settings import Admin, Bridge, Fuzzy, GatewayLimits, Settings, Tls
from routewright.table.table import Pool, Table
from routewright.table.topic import Authorize, Topic

__all__ = [
    "Admin",
    "ApiKey",
    "Auth",
    "Authorize",
    "Balance",
    "Batch",
    "Bridge",
    "Cache",
    "CircuitBreaker",
    "Compression",
    "Delivery",
    "Framing",
    "Fuzzy",
    "GatewayLimits",
    "Jwt",
    "Limits",
    "MessageType",
    "Middleware",
    "Origin",
    "Parameter",
    "Plugin",
    "Pool",
    "Principal",
    "RateLimit",
    "Retry",
    "Route",
    "Settings",
    "SlowConsumer",
    "Source",
    "SourceKind",
    "Table",
    "TableError",
    "Ticket",
    "Tls",
    "Topic",
    "Upstream",
    "load",
]
