"""Who is on which topic, in all gateway processes.

Strategy: each process is the authority over its own members and tells the others who joins and leaves; what one of them
has told is kept under its number, and dropped with it. Pure: what has changed is returned, and told by others.
"""

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

HERE = 0
"""The number under which a process keeps its own members."""


class Present(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member of a topic, as others see it: a name of its own for as long as it is connected, since when it is there
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
        """Note that somebody is there; false if that is known."""
        members = self._processes.setdefault(process, {}).setdefault(topic, {})
        if present.member in members:
            return False
        members[present.member] = present
        return True

    def leave(self, process: int, topic: str, member: str) -> Present | None:
        """Note that somebody is no longer there; who that was, ``None`` if nobody."""
        topics = self._processes.get(process, {})
        members = topics.get(topic, {})
        present = members.pop(member, None)
        if not members:
            topics.pop(topic, None)
        return present

    def who(self, topic: str) -> list[Present]:
        """Everyone on a topic, those first who came first."""
        found = [present for members in self._processes.values() for present in members.get(topic, {}).values()]
        return sorted(found, key=lambda each: each.since)

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
        self._processes[process] = members
        return sorted(new - old, key=_order), sorted(old - new, key=_order)

    def ended(self, process: int) -> list[tuple[str, Present]]:
        """A process is gone: who has left by that, each with the topic."""
        return sorted(_each(self._processes.pop(process, {})), key=_order)


def _each(members: Members) -> Iterator[tuple[str, Present]]:
    return ((topic, present) for topic, those in members.items() for present in those.values())


def _order(each: tuple[str, Present]) -> tuple[str, float, str]:
    topic, present = each
    return topic, present.since, present.member
