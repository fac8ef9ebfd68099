"""Plugins: what they are given, what they may answer, and how the gateway runs them.

A plugin author needs `hookimpl`, `Refusal` and the values; docs/plugin-author.md tells the rest. The gateway needs
`Plugins` and `RouteHooks`.
"""

from routewright.hooks.chains import Chain, First, Gate, Notice, Rewrite, RouteHooks
from routewright.hooks.errors import PluginError, PluginFailed, Refusal
from routewright.hooks.plugins import Plugins
from routewright.hooks.specs import hookimpl
from routewright.hooks.values import Incoming, Outgoing, Reloaded, SessionInfo, UpgradeRequest
from routewright.table import Principal, Route

__all__ = [
    "Chain",
    "First",
    "Gate",
    "Incoming",
    "Notice",
    "Outgoing",
    "PluginError",
    "PluginFailed",
    "Plugins",
    "Principal",
    "Refusal",
    "Reloaded",
    "Rewrite",
    "Route",
    "RouteHooks",
    "SessionInfo",
    "UpgradeRequest",
    "hookimpl",
]
