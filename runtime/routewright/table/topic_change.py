"""What changed topics mean to clients that have subscribed, and to handlers that publish.

Strategy: a topic is known by its form: ``jobs.{id}`` and ``jobs.{job}`` are one. Whoever may subscribe now and perhaps
not before, or no longer, has to ask again: the connections that are open are closed after the drain window.
"""

from collections.abc import Iterator

from routewright.table.frames import topic_messages
from routewright.table.kinds import CLIENTS, COMPATIBLE, HANDLERS, POLICY, Change
from routewright.table.route import Route
from routewright.table.topic import Topic
from routewright.table.topics import form


def topics(old: Route, new: Route) -> Iterator[Change]:
    """Every change of a route's topics."""
    before = {form(topic.name): topic for topic in old.topics}
    after = {form(topic.name): topic for topic in new.topics}
    for key, topic in before.items():
        if key not in after:
            steps, what = ("topics", topic.name), f"topic {topic.name!r} removed"
            reason = "Clients that have subscribed to it get nothing more."
            yield Change(kind=CLIENTS, what=what, reason=reason, steps=steps, gone=True, ends=True)
            reason = "Handlers may no longer publish there, and a module that listens there does not start."
            yield Change(kind=HANDLERS, what=what, reason=reason, steps=steps, gone=True)
        else:
            yield from _topic(topic, after[key], old, new)
    for key, topic in after.items():
        if key not in before:
            reason = "Clients may subscribe to it."
            what = f"topic {topic.name!r} added"
            yield Change(kind=COMPATIBLE, what=what, reason=reason, steps=("topics", topic.name))


def _topic(old: Topic, new: Topic, before: Route, after: Route) -> Iterator[Change]:
    steps, label = ("topics", new.name), f"topic {new.name!r}"
    were, are = ([message.name for message in topic_messages(*each)] for each in ((before, old), (after, new)))
    for name in were:
        if name not in are:
            what, at = f"{label}: message {name!r} removed", (*steps, "messages")
            yield Change(
                kind=CLIENTS, what=what, reason="Clients that wait for it there get it no more.", steps=at, ends=True
            )
            yield Change(kind=HANDLERS, what=what, reason="Handlers may no longer publish it there.", steps=at)
    for name in are:
        if name not in were:
            reason = "Clients pass over what they do not know."
            yield Change(
                kind=COMPATIBLE, what=f"{label}: message {name!r} added", reason=reason, steps=(*steps, "messages")
            )
    if old.authorize != new.authorize:
        if new.authorize is None:
            what, reason = f"{label}: authorize removed", "Everyone on the route may subscribe."
            yield Change(kind=POLICY, what=what, reason=reason, steps=(*steps, "authorize"), gone=True)
        else:
            what, reason = f"{label}: authorize has changed", "Clients may have to ask for another credential."
            yield Change(kind=CLIENTS, what=what, reason=reason, steps=(*steps, "authorize"), ends=True)
    yield from _switches(old, new, label, steps)


def _switches(old: Topic, new: Topic, label: str, steps: tuple[str, ...]) -> Iterator[Change]:
    if old.publish != new.publish:
        what, at = f"{label}: publish was {old.publish}, is {new.publish}", (*steps, "publish")
        if new.publish == "handlers":
            reason = "Clients that publish there are refused."
            yield Change(kind=CLIENTS, what=what, reason=reason, steps=at)
        else:
            yield Change(kind=COMPATIBLE, what=what, reason="Clients may publish there too.", steps=at)
    if old.presence != new.presence:
        what, at = f"{label}: presence is {'on' if new.presence else 'off'}", (*steps, "presence")
        if new.presence:
            yield Change(kind=COMPATIBLE, what=what, reason="Clients may ask who is there.", steps=at)
        else:
            yield Change(kind=CLIENTS, what=what, reason="Clients that ask who is there are refused.", steps=at)
    if old.retain != new.retain:
        what, at = f"{label}: retain is {'on' if new.retain else 'off'}", (*steps, "retain")
        reason = "New subscribers get the last value." if new.retain else "New subscribers wait for the next value."
        yield Change(kind=POLICY, what=what, reason=reason, steps=at)
