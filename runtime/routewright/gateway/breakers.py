"""What operators see of the circuit breakers, and how they hold one.

Strategy: every gateway process has its own breaker for a route, as it has its own connections to the workers. A report
is made where the breaker is; the supervisor puts those of all processes side by side, or adds them up. What an operator
holds is kept by the route's name, in every process and in the supervisor: it outlasts reloads, and a process that takes
the place of another one begins with it.
"""

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from routewright.gateway.control import Hold
from routewright.gateway.endpoint import Endpoint
from routewright.policies.circuit_breaker import Mode

if TYPE_CHECKING:
    from routewright.gateway.gateway import Gateway
    from routewright.gateway.supervisor import Supervisor

VERBS: Final[dict[str, Mode]] = {"open": "open", "close": "closed", "auto": "auto"}
"""What an operator may ask for, and how the breaker then is."""


def report(endpoint: Endpoint, now: float) -> dict[str, Any] | None:
    """The breaker of one endpoint: ``{"state", "mode", "since" (Unix seconds), "failures" (in a row), "retry_after"
    (seconds, while it is open), "transitions" (into each state)}``; ``None`` where there is none."""
    if endpoint.circuit is None:
        return None
    breaker = endpoint.circuit.look(now)
    return {
        "state": breaker.state,
        "mode": breaker.mode,
        "since": round(time.time() - (now - breaker.since), 3),
        "failures": breaker.failures,
        "retry_after": round(breaker.wait(now), 3) if breaker.state == "open" else 0.0,
        "transitions": dict(breaker.transitions),
    }


def summed(reports: list[dict[str, Any] | None]) -> dict[str, Any] | None:
    """The breakers of one route in several processes: how many are in each state, and all their transitions."""
    known = [each for each in reports if each is not None]
    if not known:
        return None
    transitions: Counter[str] = Counter()
    for each in known:
        transitions.update(each["transitions"])
    states = Counter(each["state"] for each in known)
    return {"states": {state: states[state] for state in transitions}, "transitions": dict(transitions)}


def hold(gateway: "Gateway", route: str, mode: Mode) -> str:
    """Hold the breaker of a route in this process; why not, if that cannot be."""
    endpoints = (*gateway.endpoints.values(), *gateway.retired)
    circuits = [each.circuit for each in endpoints if each.route.name == route and each.circuit is not None]
    if not circuits:
        return f"route {route!r} has no circuit breaker"
    gateway.holds[route] = mode
    for circuit in circuits:
        circuit.hold(mode)
    return ""


async def hold_everywhere(supervisor: "Supervisor", route: str, mode: Mode) -> str:
    """Hold the breaker of a route in every gateway process; why not, if none can. A process that is not running begins
    with it."""
    holds = supervisor.holds
    before = holds.get(route)
    # not later: a process that starts meanwhile is to know of it
    holds[route] = mode
    answers = await asyncio.gather(*(gateway.ask(Hold(route, mode)) for gateway in supervisor.gateways))
    if any(not answer.problem for answer in answers):
        return ""
    if before is None:
        del holds[route]
    else:
        holds[route] = before
    return answers[0].problem


async def listed(supervisor: "Supervisor") -> list[dict[str, Any]]:
    """Every breaker of every gateway process, with its route; by route and process."""
    reports = await asyncio.gather(*(gateway.figures() for gateway in supervisor.gateways))
    found = [
        {"route": route["name"], "process": figures["process"], "retired": route["retired"], **route["breaker"]}
        for figures in reports
        if figures is not None
        for route in figures["routes"]
        if route["breaker"] is not None
    ]
    return sorted(found, key=lambda each: (each["route"], each["process"], each["retired"]))
