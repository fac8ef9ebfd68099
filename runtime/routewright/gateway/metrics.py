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
    ("events_dropped", "dropped", "Events that slow clients have lost"),
    ("events_conflated", "conflated", "Events that a later one has replaced before a slow client read them"),
    ("received_bytes", "bytes_in", "Bytes that clients sent"),
    ("sent_bytes", "bytes_out", "Bytes sent to clients"),
    ("compressed_messages", "compressed", "Messages sent compressed"),
    ("compressed_from_bytes", "compressed_from", "Bytes of those messages before"),
    ("compressed_to_bytes", "compressed_to", "Bytes of those messages after"),
    ("inflated_bytes", "inflated", "Bytes of messages that came compressed, inflated"),
    ("connections_opened", "opened", "Connections opened"),
    ("retries", "retries", "Requests that were tried again"),
    ("retries_denied", "retries_denied", "Requests that the retry budget did not pay for"),
)

_UPSTREAM = (
    ("upstream_connects", "connects", "Connections opened to an upstream"),
    ("upstream_failures", "failures", "Connections to an upstream that failed"),
    ("upstream_reconnects", "reconnects", "Connections to an upstream that took the place of a lost one"),
    ("upstream_received_bytes", "bytes_in", "Bytes of messages from an upstream"),
    ("upstream_sent_bytes", "bytes_out", "Bytes of messages to an upstream"),
)

_TOPIC_COUNTERS = (
    ("topic_publishes", "published", "Events published on a topic"),
    ("topic_deliveries", "delivered", "Events sent to subscribers of a topic"),
)

_SESSIONS = (
    ("sessions_started", "started", "Sessions of reliable clients that began"),
    ("sessions_resumed", "resumed", "Sessions that a client came back to"),
    ("frames_replayed", "replayed", "Frames sent again to clients that came back"),
    ("requests_repeated", "repeated", "Requests answered as before, because their id had been seen"),
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
        proxied = [{"name": route["name"], **route["upstream"]} for route in routes if "upstream" in route]
        for name, key, text in _UPSTREAM:
            counter = CounterMetricFamily(f"routewright_{name}", text, labels=["route"])
            for route, value in _by_route(proxied, key).items():
                counter.add_metric([route], value)
            yield counter
        yield _by_label("routewright_errors", "Error frames and error closes", "code", routes, "errors")
        yield _by_label("routewright_shed", "Requests that were refused at once", "reason", routes, "shed")
        yield from self._breakers(routes)
        yield from self._topics()
        yield from self._caches(routes)
        yield self._picks(routes)
        yield self._latency(routes)
        yield from self._sessions()
        yield from self._processes()

    def _breakers(self, routes: list[dict[str, Any]]) -> Iterable[Metric]:
        states = GaugeMetricFamily(
            "routewright_breakers", "Circuit breakers of the gateway processes", labels=["route", "state"]
        )
        found = [(route["name"], route["breaker"]) for route in routes if route["breaker"] and not route["retired"]]
        for name, breaker in found:
            for state, count in breaker["states"].items():
                states.add_metric([name, state], count)
        yield states
        transitions = CounterMetricFamily(
            "routewright_breaker_transitions", "Times that a breaker entered a state", labels=["route", "state"]
        )
        for name, breaker in found:
            for state, count in breaker["transitions"].items():
                transitions.add_metric([name, state], count)
        yield transitions

    def _topics(self) -> Iterable[Metric]:
        labels = ["route", "topic"]
        topics = [([each["route"], each["topic"]], each) for each in self.stats["topics"]]
        subscriptions = GaugeMetricFamily("routewright_topic_subscriptions", "Subscriptions to a topic", labels=labels)
        for values, topic in topics:
            subscriptions.add_metric(values, topic["subscriptions"])
        yield subscriptions
        for name, key, text in _TOPIC_COUNTERS:
            counter = CounterMetricFamily(f"routewright_{name}", text, labels=labels)
            for values, topic in topics:
                counter.add_metric(values, topic[key])
            yield counter
        events = CounterMetricFamily(
            "routewright_topic_events", "Events of a topic for handlers", labels=[*labels, "outcome"]
        )
        for values, topic in topics:
            for outcome in ("handled", "failed", "lost", "dropped"):
                events.add_metric([*values, outcome], topic[outcome])
        yield events
        retained = GaugeMetricFamily("routewright_retained_bytes", "Bytes of retained events", labels=["process"])
        for index, gateway in enumerate(self.stats["gateways"]):
            retained.add_metric([str(index)], gateway["retained"]["bytes"])
        yield retained

    def _caches(self, routes: list[dict[str, Any]]) -> Iterable[Metric]:
        requests = CounterMetricFamily(
            "routewright_cache_requests", "Requests that a cache has answered", labels=["route", "outcome"]
        )
        invalidations = CounterMetricFamily(
            "routewright_cache_invalidations", "Times that kept replies were to be forgotten", labels=["route"]
        )
        entries = GaugeMetricFamily("routewright_cache_entries", "Replies that are kept", labels=["route"])
        size = GaugeMetricFamily("routewright_cache_bytes", "Bytes that kept replies take", labels=["route"])
        for route, cache in _added(routes, "cache").items():
            for outcome in ("hits", "stale", "joined", "misses"):
                requests.add_metric([route, outcome], cache[outcome])
            invalidations.add_metric([route], cache["invalidations"])
            entries.add_metric([route], cache["entries"])
            size.add_metric([route], cache["bytes"])
        yield from (requests, invalidations, entries, size)

    def _picks(self, routes: list[dict[str, Any]]) -> Metric:
        picks = CounterMetricFamily(
            "routewright_balance_picks", "Requests that a balance policy gave to a worker", labels=["route", "worker"]
        )
        totals: dict[tuple[str, str], int] = {}
        for route in routes:
            for worker in route["balance"]:
                key = route["name"], str(worker["worker"])
                totals[key] = totals.get(key, 0) + worker["picks"]
        for labels, count in totals.items():
            picks.add_metric(labels, count)
        return picks

    def _sessions(self) -> Iterable[Metric]:
        figures = self.stats["sessions"]
        sessions = GaugeMetricFamily("routewright_sessions", "Sessions of reliable clients", labels=["state"])
        sessions.add_metric(["attached"], figures["open"] - figures["detached"])
        sessions.add_metric(["detached"], figures["detached"])
        yield sessions
        for name, key, text in _SESSIONS:
            yield CounterMetricFamily(f"routewright_{name}", text, value=figures[key])
        refused = CounterMetricFamily("routewright_session_resumes_refused", "Resumes refused", labels=["reason"])
        for reason, count in figures["refused"].items():
            refused.add_metric([reason], count)
        yield refused

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
        auth = CounterMetricFamily("routewright_auth", "Outcomes of authentication", labels=["kind", "outcome"])
        for kind, outcomes in self.stats["auth"].items():
            for outcome, count in outcomes.items() if kind != "waiting" else ():
                auth.add_metric([kind, outcome], count)
        yield auth
        workers = GaugeMetricFamily("routewright_workers", "Worker processes", labels=["pool", "state"])
        restarts = CounterMetricFamily("routewright_worker_restarts", "Workers that ended unasked", labels=["pool"])
        for group in self.stats["workers"]:
            workers.add_metric([group["pool"], "ready"], group["ready"])
            workers.add_metric([group["pool"], "wanted"], group["wanted"])
            restarts.add_metric([group["pool"]], group["restarts"])
        yield workers
        yield restarts
        yield CounterMetricFamily(
            "routewright_gateway_restarts",
            "Gateway processes that ended unasked, or were killed because they fell behind",
            value=self.stats["gateway_restarts"],
        )
        reloads = CounterMetricFamily("routewright_reloads", "Reloads of the spec", labels=["outcome"])
        for outcome, count in self.stats["reloads"].items():
            reloads.add_metric([outcome], count)
        yield reloads
        epoch = GaugeMetricFamily("routewright_epoch", "Epoch that is served", labels=["process"])
        for index, gateway in enumerate(self.stats["gateways"]):
            epoch.add_metric([str(index)], gateway["epoch"])
        yield epoch


def _by_label(name: str, text: str, label: str, routes: list[dict[str, Any]], key: str) -> Metric:
    """A counter by route and by the names that the figure ``key`` has counts for."""
    counter = CounterMetricFamily(name, text, labels=["route", label])
    totals: dict[tuple[str, str], int] = {}
    for route in routes:
        for value, count in route[key].items():
            totals[route["name"], value] = totals.get((route["name"], value), 0) + count
    for (route_name, value), count in totals.items():
        counter.add_metric([route_name, value], count)
    return counter


def _by_route(routes: list[dict[str, Any]], key: str) -> dict[str, int]:
    totals: dict[str, int] = {}
    for route in routes:
        totals[route["name"]] = totals.get(route["name"], 0) + route[key]
    return totals


def _added(routes: list[dict[str, Any]], key: str) -> dict[str, dict[str, int]]:
    totals: dict[str, dict[str, int]] = {}
    for route in routes:
        total = totals.setdefault(route["name"], dict.fromkeys(route[key], 0))
        for name, count in route[key].items():
            total[name] += count
    return totals


def exposition(stats: dict[str, Any]) -> bytes:
    """The text that Prometheus scrapes, from `routewright.gateway.report.stats`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(stats))
    return generate_latest(registry)
