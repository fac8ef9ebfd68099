"""How many connections there may be: in a gateway process, on a route, and from one address."""

from typing import TYPE_CHECKING

from routewright.gateway.responses import Refuse

if TYPE_CHECKING:
    from routewright.gateway.endpoint import Endpoint
    from routewright.gateway.gateway import Gateway


def check_room(gateway: "Gateway", endpoint: "Endpoint", address: str) -> None:
    """See to it that there is room for one more connection of a route, from this address.

    Raises:
        Refuse: there is none.
    """
    route_limit = endpoint.route.limits.connections
    opening = endpoint.upstream.opening if endpoint.upstream is not None else 0
    on_route = len(endpoint.connections) + opening + gateway.door.on(endpoint)
    limits = gateway.settings.limits
    retry = {"Retry-After": "5"}
    if gateway.drain.begun:
        raise Refuse(503, "overloaded", "the gateway is shutting down", {"Retry-After": "1"})
    if len(gateway.sessions) + gateway.opening + len(gateway.door.waiting) >= limits.connections:
        raise Refuse(503, "overloaded", "the gateway has no room for further connections", retry)
    if route_limit is not None and on_route >= route_limit:
        raise Refuse(503, "overloaded", "the route has no room for further connections", retry)
    if gateway.addresses[address] >= limits.connections_per_address:
        raise Refuse(429, "rate_limited", "too many connections from this address", retry)
