"""The requests of a session, by the ids that its client gave them: so that none is carried out twice.

Strategy: an id is running or answered. A running one is never forgotten; of the answers the oldest go first, past the
same bounds as those of the replay buffer. An answer that its client has not acknowledged is among the newest, so as
long as the buffer can replay it, its id is known.
"""

from routewright.table.frames import Id
from routewright.table.policy import Delivery


class Answer:
    """What an id was answered with so far.

    Attributes:
        frames: as the handler sent them; a stream has several.
        done: nothing follows.
        size: of ``frames``, or of the id where there are none.
        cut: there was too much of it to be kept, so ``frames`` is empty.
    """

    __slots__ = ("at", "cut", "done", "frames", "size")

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.size = 0
        self.done = False
        self.cut = False
        self.at = 0.0


class Seen:
    """Ids and their answers. ``bounds`` are those of the session's buffer."""

    __slots__ = ("_answered", "_running", "bounds", "bytes")

    def __init__(self, bounds: Delivery) -> None:
        self.bounds = bounds
        self.bytes = 0
        self._running: dict[Id, Answer] = {}
        self._answered: dict[Id, Answer] = {}

    def __len__(self) -> int:
        return len(self._running) + len(self._answered)

    @property
    def running(self) -> list[Id]:
        """The ids that have no final answer yet."""
        return list(self._running)

    @property
    def answered(self) -> dict[Id, Answer]:
        """The others, in the order of their final answers."""
        return self._answered

    def find(self, id: Id) -> Answer | None:
        """What is known of an id."""
        return self._running.get(id) or self._answered.get(id)

    def begin(self, id: Id) -> None:
        """A request with this id is being carried out."""
        self._running[id] = Answer()

    def forget(self, id: Id) -> None:
        """The request was not carried out after all."""
        answer = self._running.pop(id, None)
        if answer is not None:
            self.bytes -= answer.size

    def answer(self, id: Id, frame: bytes, final: bool, now: float) -> None:
        """Remember an answer, or a part of it. One to an id that is not running is nobody's."""
        answer = self._running.get(id)
        if answer is None:
            return
        if not answer.cut:
            answer.frames.append(frame)
            answer.size += len(frame)
            self.bytes += len(frame)
        if final:
            del self._running[id]
            answer.done = True
            answer.at = now
            self._answered[id] = answer
        self._expire(now)
        if self.bytes > self.bounds.bytes and not answer.cut:
            self.bytes -= answer.size
            answer.frames, answer.size, answer.cut = [], _size(id), True
            self.bytes += answer.size

    def keep(self, id: Id, frames: list[bytes], age: float, now: float) -> None:
        """An answer from before, ``age`` seconds old; without frames, one that was cut."""
        answer = self._answered[id] = Answer()
        answer.frames, answer.size = frames, sum(map(len, frames)) or _size(id)
        answer.done, answer.cut, answer.at = True, not frames, now - age
        self.bytes += answer.size
        self._expire(now)

    def _expire(self, now: float) -> None:
        answered, bounds = self._answered, self.bounds
        oldest = now - bounds.window
        while len(answered) > 1:
            id, answer = next(iter(answered.items()))
            if len(answered) <= bounds.messages and self.bytes <= bounds.bytes and answer.at >= oldest:
                return
            self.bytes -= answer.size
            del answered[id]


def _size(id: Id) -> int:
    """Bytes of an id. The client chooses it, so it may be long; where an answer is kept, it stands in there."""
    return len(id) if isinstance(id, str) else 0
