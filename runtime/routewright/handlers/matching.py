"""Match the handlers of a module to the messages that its routes declare, and report whatever has no other half."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from routewright.handlers.plan import Plan, RoutePlan, event_plan
from routewright.handlers.registry import Registration, Registry
from routewright.table import Pool, Route, Table
from routewright.table.frames import client_messages
from routewright.table.topics import TopicTree, suggestion


class HandlerProblem(msgspec.Struct, frozen=True):
    """Something that keeps a handler module from being used. ``line`` is 0 where there is none."""

    message: str
    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


class Matching:
    """The plans of a pool's routes, those of the events that the module handles, and what is wrong with them.

    A handler that names its ``route`` comes before one that does not.
    """

    def __init__(self, table: Table, pool: Pool, registry: Registry, *, file: str, project: Path) -> None:
        self.plans = {route.name: RoutePlan(route) for route in table.routes if route.name in pool.routes}
        self.events: dict[str, Plan] = {}
        self.problems: list[HandlerProblem] = []
        self._topics = TopicTree((topic.name, (route, topic)) for route in table.routes for topic in route.topics)
        self._topic_names = [topic.name for route in table.routes for topic in route.topics]
        self._file = file
        self._routes = [plan.route for plan in self.plans.values()]
        self._spec = _SpecText(project / table.spec)
        self._taken: dict[tuple[str, str, str], Registration] = {}
        elsewhere = {other.name for other in table.pools} - {pool.name}
        entries = [entry for entry in registry if entry.module not in elsewhere]
        for entry in sorted(entries, key=lambda each: each.route is None):
            self._place(entry)
        for plan in self.plans.values():
            self.problems += self._missing(plan)
        self.problems.sort(key=lambda problem: (problem.file != file, problem.file, problem.line))

    def _report(self, entry: Registration, message: str) -> None:
        self.problems.append(HandlerProblem(message, entry.file, entry.line))

    def _place(self, entry: Registration) -> None:
        routes = self._routes
        if entry.route is not None:
            routes = [route for route in routes if route.name == entry.route]
            if not routes:
                names = [route.name for route in self._routes]
                self._report(entry, f"{entry.label} is for the route {entry.route!r}, which this module does not "
                                    f"answer{_near(entry.route, names)}")  # fmt: skip
                return
        match entry.kind:
            case "event":
                self._place_event(entry)
            case "message":
                self._place_message(entry, routes)
            case "any":
                free = [route for route in routes if route.open or route.framing == "raw"]
                if not free:
                    self._report(entry, f"{entry.label} (@on.any) is never called: neither open nor raw is "
                                        f"{self._names(routes)}")  # fmt: skip
                for route in free:
                    self._bind(entry, route, "any", "")
            case kind:
                for route in routes:
                    self._bind(entry, route, kind, "")

    def _place_message(self, entry: Registration, routes: list[Route]) -> None:
        pairs = [
            (route, message.name)
            for route in routes
            if route.framing != "raw"
            for message in client_messages(route)
            if (message.name == entry.message if isinstance(entry.message, str) else message.payload is entry.message)
        ]
        if not pairs and isinstance(entry.message, str):
            pairs = [(route, entry.message) for route in routes if route.open and route.framing != "raw"]
        if not pairs:
            self._report(entry, self._undeclared(entry, routes))
        for route, name in pairs:
            if not isinstance(entry.message, str) and [each for each, _ in pairs].count(route) > 1:
                names = ", ".join(repr(other) for each, other in pairs if each is route)
                self._report(entry, f"{entry.label}: {entry.message.__name__} is the payload of several messages of "
                                    f"{self._names([route])} ({names}): use @on(name)")  # fmt: skip
                return
            self._bind(entry, route, "message", name)

    def _place_event(self, entry: Registration) -> None:
        pattern = str(entry.message)
        found = self._topics.find(pattern)
        if found is None:
            hint = suggestion(pattern, self._topic_names)
            self._report(entry, f"{entry.label} handles events of {pattern!r}, which is no topic of the spec: {hint}")
            return
        first = self._taken.setdefault(("", "event", pattern), entry)
        if first is not entry:
            self._report(entry, f"{entry.label} is a second handler for events of {pattern!r}: "
                                f"{first.label} ({_short(first.file)}:{first.line}) is the first")  # fmt: skip
            return
        try:
            self.events[pattern] = event_plan(entry, *found.value)
        except TypeError as error:
            self._report(entry, f"{entry.label} cannot handle events of {pattern!r}: {error}")

    def _undeclared(self, entry: Registration, routes: list[Route]) -> str:
        if isinstance(entry.message, str):
            names = [message.name for route in routes for message in client_messages(route)]
            what, near = f"the message {entry.message!r}", _near(entry.message, names)
        else:
            what, near = f"the model {entry.message.__module__}.{entry.message.__qualname__}", ""
            for route in routes:
                for message in route.messages:
                    if message.payload is entry.message:
                        near = f" (the handler sends it: {message.name!r} is from {message.origin})"
        return f"{entry.label} answers {what}, which no client sends on {self._names(routes)}{near}"

    def _bind(self, entry: Registration, route: Route, kind: str, name: str) -> None:
        key = (route.name, kind, name)
        first = self._taken.setdefault(key, entry)
        if first is not entry:
            if (first.route is None) == (entry.route is None):
                what = f"the message {name!r}" if name else f"@on.{kind}"
                self._report(entry, f"{entry.label} is a second handler for {what} of route {route.name!r}: "
                                    f"{first.label} ({_short(first.file)}:{first.line}) is the first")  # fmt: skip
            return
        plan = self.plans[route.name]
        try:
            if kind == "any":
                plan.other = plan.undeclared(entry)
            elif kind == "connect":
                plan.connect = plan.lifecycle(entry)
            elif kind == "disconnect":
                plan.disconnect = plan.lifecycle(entry)
            else:
                plan.messages[name] = self._message_plan(plan, entry, name)
        except (TypeError, ValueError) as error:
            self._report(entry, f"{entry.label} cannot handle {name or kind} of route {route.name!r}: {error}")

    @staticmethod
    def _message_plan(plan: RoutePlan, entry: Registration, name: str) -> Plan:
        message = next((each for each in client_messages(plan.route) if each.name == name), None)
        return plan.undeclared(entry, name) if message is None else plan.declared(entry, message)

    def _missing(self, plan: RoutePlan) -> Iterator[HandlerProblem]:
        route = plan.route
        where = self._spec.place(route.path, None)
        if route.framing == "raw":
            if (route.name, "any", "") not in self._taken:
                yield HandlerProblem(f"route {route.name!r} ({where}) is raw, but no @on.any handler takes its frames",
                                     self._file, 1)  # fmt: skip
            return
        for message in client_messages(route):
            if (route.name, "message", message.name) not in self._taken:
                place = self._spec.place(route.path, message.name)
                yield HandlerProblem(
                    f"route {route.name!r} declares the message {message.name!r} ({place}), but no handler answers it",
                    self._file,
                    1,
                )
        if route.open and not plan.messages and plan.other is None and not client_messages(route):
            yield HandlerProblem(f"route {route.name!r} ({where}) is open, but no handler answers anything: "
                                 "add @on.any", self._file, 1)  # fmt: skip

    def _names(self, routes: Iterable[Route]) -> str:
        return "any of " * (len(list(routes)) > 1) + ", ".join(
            f"route {route.name!r} ({self._spec.place(route.path, None)})" for route in routes
        )


class _SpecText:
    """Where in the spec a route or a message stands: a plain search, good enough for a pointer."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._path = path
        self._text: str | None = None

    def place(self, route: str, message: str | None) -> str:
        if self._text is None:
            try:
                self._text = self._path.read_text()
            except (OSError, UnicodeDecodeError):
                self._text = ""
        quoted: Any = re.search(rf'"path"\s*:\s*"{re.escape(route)}"', self._text)
        if quoted and message is not None:
            after = re.compile(rf'"{re.escape(message)}"\s*:\s*\{{')
            quoted = after.search(self._text, quoted.end()) or after.search(self._text)
        if not quoted:
            return self._name
        return f"{self._name}:{self._text.count(chr(10), 0, quoted.start()) + 1}"


def _near(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name, list(names), 1)
    return f": did you mean {found[0]!r}?" if found else ""


def _short(file: str) -> str:
    return "/".join(Path(file).parts[-2:])
