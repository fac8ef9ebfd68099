"""The figures of one gateway process, and how those of several add up."""

import asyncio
import os
import resource
from collections import Counter
from typing import Any

from routewright.gateway import breakers
from routewright.gateway.endpoint import LATENCY_BUCKETS, Endpoint
from routewright.gateway.gateway import Gateway, pools_report
from routewright.gateway.proxy.upstream import Upstream
from routewright.gateway.topics import LiveTopic

_OF_A_PROCESS = (
    *("process", "epoch", "digest", "connections", "memory", "writes", "dead", "tasks", "retained", "bridge"),
)
_ADDED = (
    *("connections", "opened", "received", "replied", "published", "dropped", "conflated", "bytes_in", "bytes_out"),
    *("latency_sum", "compressed", "compressed_from", "compressed_to", "inflated", "retries", "retries_denied"),
)


_TOPIC_COUNTS = ("subscriptions", "published", "delivered", "handled", "failed", "lost", "dropped")


def figures(gateway: Gateway) -> dict[str, Any]:
    """Everything that this process has counted, as JSON."""
    bridge = gateway.bridge
    endpoints = [*gateway.endpoints.values(), *gateway.retired]
    now = gateway.clock()
    return {
        "process": os.getpid(),
        "epoch": gateway.epoch,
        "digest": gateway.table.digest,
        "draining": gateway.drain.begun,
        "connections": len(gateway.sessions),
        "refused": dict(gateway.refused),
        "auth": _auth(gateway),
        "redirected": gateway.redirected,
        "sessions": gateway.reliable.figures(),
        "writes": gateway.sockets.writes,
        "dead": gateway.heartbeat.dead,
        "tasks": len(asyncio.all_tasks()),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "bridge": {
            "sent": bridge.batches_sent,
            "received": bridge.batches_received,
            "bad": bridge.bad_batches,
            "workers": [
                {
                    "name": worker.name,
                    "process": worker.process,
                    "language": worker.language,
                    "messages": worker.messages,
                    "in_flight": len(worker.pending),
                    "sessions": len(worker.sessions),
                    "draining": worker.draining,
                }
                for worker in bridge.workers.values()
            ],
        },
        "pools": pools_report(gateway),
        "routes": [_route(endpoint, now) for endpoint in endpoints],
        "topics": [_topic(live) for live in gateway.events.topics],
        "retained": {"topics": len(gateway.events.retained), "bytes": gateway.events.retained.bytes},
    }


def _topic(live: LiveTopic) -> dict[str, Any]:
    return {
        "route": live.route.name,
        "topic": live.topic.name,
        **{key: getattr(live, key) for key in _TOPIC_COUNTS},
    }


def _auth(gateway: Gateway) -> dict[str, dict[str, int]]:
    """Outcomes of authentication by the kind of credential; under ``waiting`` those who have yet to say who they are,
    and the tickets that have yet to be used."""
    found: dict[str, dict[str, int]] = {"waiting": {"clients": len(gateway.door.waiting)}}
    found["waiting"]["tickets"] = len(gateway.auth.tickets)
    for (kind, reason), count in gateway.auth.outcomes.items():
        found.setdefault(kind, {})[reason] = count
    for keys in gateway.auth.jwks.values():
        fetched = found.setdefault("jwks", {"fetched": 0, "failed": 0})
        fetched["fetched"] += keys.fetches - keys.failures
        fetched["failed"] += keys.failures
    return found


def _route(endpoint: Endpoint, now: float) -> dict[str, Any]:
    retries = endpoint.retries
    return {
        "name": endpoint.route.name,
        "path": endpoint.route.path,
        "epoch": endpoint.epoch,
        "retired": endpoint.retired,
        "dynamic": endpoint.dynamic,
        "connections": len(endpoint.connections),
        "opened": endpoint.opened,
        "received": endpoint.received,
        "replied": endpoint.replied,
        "published": endpoint.published,
        "dropped": endpoint.dropped,
        "conflated": endpoint.conflated,
        "bytes_in": endpoint.bytes_in + sum(connection.bytes_in for connection in endpoint.connections),
        "bytes_out": endpoint.bytes_out + sum(connection.bytes_out for connection in endpoint.connections),
        "compressed": endpoint.compressed.messages,
        "compressed_from": endpoint.compressed.before,
        "compressed_to": endpoint.compressed.after,
        "inflated": endpoint.compressed.inflated,
        "errors": dict(endpoint.errors),
        "shed": dict(endpoint.sheds),
        "retries": retries.taken if retries is not None else 0,
        "retries_denied": retries.denied if retries is not None else 0,
        "breaker": breakers.report(endpoint, now),
        "cache": endpoint.caching.figures(),
        "balance": endpoint.balance(),
        "latency": endpoint.latency,
        "latency_sum": endpoint.latency_sum,
        **({"upstream": _upstream(endpoint.upstream)} if endpoint.upstream is not None else {}),
    }


_COUNTED = (
    *("connects", "failures", "reconnects", "frames_in", "frames_out", "bytes_in", "bytes_out"),
    *("held_clients", "held_upstreams", "opening"),
)


def _upstream(upstream: Upstream) -> dict[str, Any]:
    return {"problem": upstream.problem, **{name: getattr(upstream, name) for name in _COUNTED}}


def add_up(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """One report for several processes: counts are added, routes merged by name and epoch state."""
    routes: dict[tuple[str, bool], dict[str, Any]] = {}
    refused: Counter[str] = Counter()
    auth: dict[str, Counter[str]] = {}
    for report in reports:
        refused.update(report["refused"])
        for kind, outcomes in report["auth"].items():
            auth.setdefault(kind, Counter()).update(outcomes)
        for route in report["routes"]:
            key = (route["name"], route["retired"])
            if key in routes:
                _add(routes[key], route)
            else:
                routes[key] = {
                    **route,
                    "errors": dict(route["errors"]),
                    "shed": dict(route["shed"]),
                    "cache": dict(route["cache"]),
                    "latency": list(route["latency"]),
                    "breaker": [route["breaker"]],
                }
    for route in routes.values():
        route["breaker"] = breakers.summed(route["breaker"])
    return {
        "connections": sum(report["connections"] for report in reports),
        "refused": dict(refused),
        "auth": {kind: dict(outcomes) for kind, outcomes in auth.items()},
        "redirected": sum(report["redirected"] for report in reports),
        "sessions": _sessions([report["sessions"] for report in reports]),
        "routes": list(routes.values()),
        "topics": _topics([topic for report in reports for topic in report["topics"]]),
        "gateways": [{key: report[key] for key in _OF_A_PROCESS} for report in reports],
    }


def _topics(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    totals: dict[tuple[str, str], dict[str, Any]] = {}
    for topic in found:
        total = totals.setdefault((topic["route"], topic["topic"]), {**topic, **dict.fromkeys(_TOPIC_COUNTS, 0)})
        for count in _TOPIC_COUNTS:
            total[count] += topic[count]
    return list(totals.values())


def _sessions(reports: list[dict[str, Any]]) -> dict[str, Any]:
    refused: Counter[str] = Counter()
    for report in reports:
        refused.update(report["refused"])
    counts = ("open", "detached", "started", "resumed", "replayed", "repeated")
    return {**{key: sum(report[key] for report in reports) for key in counts}, "refused": dict(refused)}


def _add(total: dict[str, Any], route: dict[str, Any]) -> None:
    for key in _ADDED:
        total[key] += route[key]
    for counts in ("errors", "shed", "cache"):
        for name, count in route[counts].items():
            total[counts][name] = total[counts].get(name, 0) + count
    total["breaker"].append(route["breaker"])
    if "upstream" in total and "upstream" in route:
        ours, theirs = total["upstream"], route["upstream"]
        sums = {name: ours[name] + theirs[name] for name in _COUNTED}
        total["upstream"] = {"problem": ours["problem"] or theirs["problem"], **sums}
    total["balance"] = total["balance"] + route["balance"]
    total["latency"] = [total["latency"][at] + route["latency"][at] for at in range(LATENCY_BUCKETS)]
