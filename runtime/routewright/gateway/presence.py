"""Who is on which topic, in all gateway processes.

Strategy: each process is the authority over its own members and tells the others who joins and leaves; what one of them
has told is kept under its number, and dropped with it. A session on its way from one process to another is a member in
both for a moment, under one name: it has neither left nor joined. Pure: what has changed is returned, and told by
others.
"""

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

HERE = 0
"""The number under which a process keeps its own members."""


class Present(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member of a topic, as others see it: a name of its own for as long as its session lasts, since when it is there
    (seconds since 1970), and the principal's id where there is one."""

    member: str
    since: float
    principal: str | None = None


Members: TypeAlias = dict[str, dict[str, Present]]
"""By topic, by their names."""


class Presence:
    """The members of each process."""

    def __init__(self) -> None:
        self._processes: dict[int, Members] = {HERE: {}}

    def join(self, process: int, topic: str, present: Present) -> bool:
        """Note that somebody is there; false if that is known, of whatever process."""
        known = self.find(topic, present.member) is not None
        self._processes.setdefault(process, {}).setdefault(topic, {})[present.member] = present
        return not known

    def leave(self, process: int, topic: str, member: str) -> Present | None:
        """Note that somebody is no longer there; who that was, ``None`` if nobody, or one who is in another process."""
        topics = self._processes.get(process, {})
        members = topics.get(topic, {})
        present = members.pop(member, None)
        if not members:
            topics.pop(topic, None)
        return present if self.find(topic, member) is None else None

    def find(self, topic: str, member: str) -> Present | None:
        """A member of a topic by its name."""
        each = (members.get(topic, {}).get(member) for members in self._processes.values())
        return next((present for present in each if present is not None), None)

    def who(self, topic: str) -> list[Present]:
        """Everyone on a topic, those first who came first."""
        found: dict[str, Present] = {}
        for members in self._processes.values():
            found.update(members.get(topic, {}))
        return sorted(found.values(), key=lambda each: each.since)

    def topics(self) -> list[str]:
        """Every topic on which somebody is."""
        return list({topic: None for members in self._processes.values() for topic in members})

    def forget(self, topic: str) -> None:
        """Nobody is to be seen on a topic any more."""
        for members in self._processes.values():
            members.pop(topic, None)

    def of(self, process: int) -> Members:
        """The members of one process."""
        return self._processes.get(process, {})

    def replace(self, process: int, members: Members) -> tuple[list[tuple[str, Present]], list[tuple[str, Present]]]:
        """Take the members of a process from itself: who has joined by that, and who has left, each with the topic."""
        old = set(_each(self._processes.get(process, {})))
        new = set(_each(members))
        joined = [each for each in new - old if self.find(each[0], each[1].member) is None]
        self._processes[process] = members
        left = [each for each in old - new if self.find(each[0], each[1].member) is None]
        return sorted(joined, key=_order), sorted(left, key=_order)

    def ended(self, process: int) -> list[tuple[str, Present]]:
        """A process is gone: who has left by that, each with the topic."""
        _, left = self.replace(process, {})
        del self._processes[process]
        return left


def _each(members: Members) -> Iterator[tuple[str, Present]]:
    return ((topic, present) for topic, those in members.items() for present in those.values())


def _order(each: tuple[str, Present]) -> tuple[str, float, str]:
    topic, present = each
    return topic, present.since, present.member
