"""Which workers handle the events of which topics.

Strategy: each name or pattern that the workers of one module listen to is one consumer: an event goes to the one of
them with the fewest requests in flight, as a request would, and to it once. What nobody has room for is dropped, and
counted; so is what comes while the workers of a module are lost and others are still to take their place.
"""

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from routewright.bridge.pool import Worker
from routewright.table.topics import reaching


class Listener(NamedTuple):
    """One consumer of an event: its ``pattern``, and the ``worker`` that is to handle it (``None``: none has room)."""

    pattern: str
    worker: Worker | None


class Listeners:
    """Workers by the names and patterns that they listen to, and by their module."""

    def __init__(self) -> None:
        self._patterns: dict[str, dict[str, list[Worker]]] = {}

    def add(self, worker: Worker, patterns: list[str]) -> None:
        """A worker says what it listens to."""
        self.drop(worker)
        for pattern in dict.fromkeys(patterns):
            self._patterns.setdefault(pattern, {}).setdefault(worker.name, []).append(worker)

    def drop(self, worker: Worker, *, awaited: bool = False) -> None:
        """A worker is gone; ``awaited``: another one is to take its place, and until then its module is a consumer
        without a worker."""
        for modules in self._patterns.values():
            workers = modules.get(worker.name)
            if workers is not None and worker in workers:
                workers.remove(worker)
        if not awaited:
            self._tidy(lambda module: module == worker.name)

    def keep(self, modules: Collection[str]) -> None:
        """No other modules are awaited any more."""
        self._tidy(lambda module: module not in modules)

    def _tidy(self, unwanted: Callable[[str], bool]) -> None:
        """Forget the consumers without a worker that nobody waits for."""
        for pattern, modules in list(self._patterns.items()):
            for module in [each for each, workers in modules.items() if not workers and unwanted(each)]:
                del modules[module]
            if not modules:
                del self._patterns[pattern]

    def of(self, topic: str, name: str) -> Iterator[Listener]:
        """The consumers of what is published on a ``name`` of this ``topic`` of the spec."""
        for pattern in reaching(topic, name) if self._patterns else ():
            for workers in self._patterns.get(pattern, {}).values():
                free = [each for each in workers if not each.draining and len(each.pending) < each.capacity]
                yield Listener(pattern, min(free, key=lambda each: len(each.pending), default=None))
