"""What a client has done so far, in numbers."""

import msgspec


class Stats(msgspec.Struct):
    """Counts since the client began.

    Attributes:
        connects: connections that were opened.
        failures: attempts that failed.
        resumed: times that a session went on where it was; ``fresh`` times that it could not.
        sent: messages written, each time that one was.
        received: frames that came, those dropped included.
        resent: messages written again after a reconnect.
        duplicates: frames dropped because they had come before.
        missed: frames that the gateway has skipped.
        late: answers to requests that nobody awaited any more.
        dropped: events that nobody took before the bound was reached.
        queued: messages that wait for a connection, now.
        unanswered: messages that wait for an answer, now.
        round_trip: seconds from the last ping to its answer; ``None`` before the first.
    """

    connects: int = 0
    failures: int = 0
    resumed: int = 0
    fresh: int = 0
    sent: int = 0
    received: int = 0
    resent: int = 0
    duplicates: int = 0
    missed: int = 0
    late: int = 0
    dropped: int = 0
    queued: int = 0
    unanswered: int = 0
    round_trip: float | None = None

    @property
    def reconnects(self) -> int:
        """Connections after the first one."""
        return max(0, self.connects - 1)
