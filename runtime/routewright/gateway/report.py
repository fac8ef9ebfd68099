"""What operators see of a supervisor: which routes are ready, and the figures of all processes."""

import asyncio
import time
from typing import Any

from routewright.gateway.figures import add_up
from routewright.gateway.supervisor import Supervisor
from routewright.gateway.workers import WorkerGroup
from routewright.table import Pool


def readiness(supervisor: Supervisor) -> dict[str, Any]:
    """Each route: whether it is ready, and if not, why."""
    routes: dict[str, dict[str, Any]] = {}
    for pool in supervisor.table.pools:
        reason = _why_not(supervisor, pool)
        for name in pool.routes:
            routes[name] = {"ready": not reason, **({"reason": reason} if reason else {})}
    # an upstream is not ours to start: turning clients away from the other routes would not bring it back
    ready = not supervisor.draining and all(route["ready"] for route in routes.values())
    for route in supervisor.table.routes:
        if route.source == "proxy":
            problem = next((each for gateway in supervisor.gateways if (each := gateway.upstreams.get(route.name))), "")
            reason = f"its upstream cannot be reached: {problem}"
            routes[route.name] = {"ready": not problem, **({"reason": reason} if problem else {})}
    return {"ready": ready, "draining": supervisor.draining, "routes": routes}


def _why_not(supervisor: Supervisor, pool: Pool) -> str:
    counts = [_ready_workers(gateway.pools, pool.name) for gateway in supervisor.gateways]
    if counts and min(counts) > 0:
        return ""
    group = supervisor.groups.get((pool.name, pool.digest))
    if group is None:
        return f"no worker {pool.name!r} is connected"
    if group.problems:
        first = group.problems[0]
        place = f"{first['file']}:{first['line']}: " if first.get("file") and first.get("line") else ""
        return f"{place}{first.get('message', '')}"
    return f"the workers of {pool.name} are starting"


def _ready_workers(pools: list[dict[str, Any]], name: str) -> int:
    return sum(pool["ready"] for pool in pools if pool["name"] == name)


async def stats(supervisor: Supervisor) -> dict[str, Any]:
    """Everything there is to know, as JSON."""
    reports = await asyncio.gather(*(gateway.figures() for gateway in supervisor.gateways))
    return {
        "uptime": round(time.time() - supervisor.started, 3),
        "digest": supervisor.table.digest,
        "reloads": dict(supervisor.reloads),
        "problem": supervisor.problem,
        "kept": sorted(supervisor.kept),
        **add_up([report for report in reports if report is not None]),
        "workers": [_group(group) for group in supervisor.groups.values()],
        "gateway_restarts": sum(gateway.restarts for gateway in supervisor.gateways),
    }


def _group(group: WorkerGroup) -> dict[str, Any]:
    return {
        "pool": group.pool.name,
        "digest": group.pool.digest,
        "routes": list(group.pool.routes),
        "wanted": group.pool.workers,
        "ready": sum(process.state == "ready" for process in group.processes),
        "processes": [process.number for process in group.processes if process.state != "ended"],
        "restarts": group.restarts,
        "problems": group.problems,
    }
