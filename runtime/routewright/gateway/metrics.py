"""The figures of all gateway processes in Prometheus' terms.

Strategy: nothing is counted here. A scrape asks the processes for their counters and renders them once.
"""

from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

_COUNTERS = (
    ("messages_received", "received", "Messages that clients sent"),
    ("replies", "replied", "Requests that a handler answered"),
    ("publishes", "published", "Messages published to everyone on a route"),
    ("received_bytes", "bytes_in", "Bytes that clients sent"),
    ("sent_bytes", "bytes_out", "Bytes sent to clients"),
    ("compressed_messages", "compressed", "Messages sent compressed"),
    ("compressed_from_bytes", "compressed_from", "Bytes of those messages before"),
    ("compressed_to_bytes", "compressed_to", "Bytes of those messages after"),
    ("connections_opened", "opened", "Connections opened"),
)


class _Figures(Collector):
    def __init__(self, stats: dict[str, Any]) -> None:
        self.stats = stats

    def collect(self) -> Iterable[Metric]:
        routes = self.stats["routes"]
        connections = GaugeMetricFamily("routewright_connections", "Open connections", labels=["route", "retired"])
        for route in routes:
            connections.add_metric([route["name"], str(route["retired"]).lower()], route["connections"])
        yield connections
        for name, key, text in _COUNTERS:
            counter = CounterMetricFamily(f"routewright_{name}", text, labels=["route"])
            for route, value in _by_route(routes, key).items():
                counter.add_metric([route], value)
            yield counter
        yield self._errors(routes)
        yield self._latency(routes)
        yield from self._processes()

    def _errors(self, routes: list[dict[str, Any]]) -> Metric:
        errors = CounterMetricFamily("routewright_errors", "Error frames and error closes", labels=["route", "code"])
        totals: dict[tuple[str, str], int] = {}
        for route in routes:
            for code, count in route["errors"].items():
                totals[route["name"], code] = totals.get((route["name"], code), 0) + count
        for (name, code), count in totals.items():
            errors.add_metric([name, code], count)
        return errors

    def _latency(self, routes: list[dict[str, Any]]) -> Metric:
        histogram = HistogramMetricFamily(
            "routewright_reply_seconds", "Time from a request to its final reply", labels=["route"]
        )
        for route in routes:
            if route["retired"]:
                continue
            total = 0
            buckets: list[tuple[str, float]] = []
            for exponent, count in enumerate(route["latency"][:-1]):
                total += count
                if exponent >= 4:
                    buckets.append((repr(2**exponent / 1e6), total))
            buckets.append(("+Inf", total + route["latency"][-1]))
            histogram.add_metric([route["name"]], buckets, route["latency_sum"])
        return histogram

    def _processes(self) -> Iterable[Metric]:
        refused = CounterMetricFamily("routewright_refused", "Handshakes refused", labels=["reason"])
        for reason, count in self.stats["refused"].items():
            refused.add_metric([reason], count)
        yield refused
        workers = GaugeMetricFamily("routewright_workers", "Worker processes", labels=["pool", "state"])
        restarts = CounterMetricFamily("routewright_worker_restarts", "Workers that ended unasked", labels=["pool"])
        for group in self.stats["workers"]:
            workers.add_metric([group["pool"], "ready"], group["ready"])
            workers.add_metric([group["pool"], "wanted"], group["wanted"])
            restarts.add_metric([group["pool"]], group["restarts"])
        yield workers
        yield restarts
        reloads = CounterMetricFamily("routewright_reloads", "Reloads of the spec", labels=["outcome"])
        for outcome, count in self.stats["reloads"].items():
            reloads.add_metric([outcome], count)
        yield reloads
        epoch = GaugeMetricFamily("routewright_epoch", "Epoch that is served", labels=["process"])
        for index, gateway in enumerate(self.stats["gateways"]):
            epoch.add_metric([str(index)], gateway["epoch"])
        yield epoch


def _by_route(routes: list[dict[str, Any]], key: str) -> dict[str, int]:
    totals: dict[str, int] = {}
    for route in routes:
        totals[route["name"]] = totals.get(route["name"], 0) + route[key]
    return totals


def exposition(stats: dict[str, Any]) -> bytes:
    """The text that Prometheus scrapes, from `routewright.gateway.report.stats`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(stats))
    return generate_latest(registry)
