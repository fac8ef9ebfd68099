"""JSON lines to a file or to standard error, written beside the event loop.

Strategy: a hook appends a record to a queue and goes on; a thread that sleeps while there is nothing encodes what has
gathered and writes it in one piece. The queue is bounded: what does not fit is counted, and the count is a line too.
The file is opened for each piece, so that it can be rotated at any time.
"""

import contextlib
import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

import msgspec

from routewright.hooks.failures import Failures

BOUND: Final = 10_000
"""Records that may wait to be written."""

GATHER: Final = 0.05
"""Seconds that a record may wait for others."""

LONGEST: Final = 512
"""Characters that are kept of a text that came from outside."""


def now() -> datetime:
    """The time of a record."""
    return datetime.now(UTC)


def cut(text: str) -> str:
    """A text from outside, no longer than a log bears."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


class Dropped(msgspec.Struct, tag_field="event", tag="dropped"):
    """So many records did not fit, or could not be written."""

    time: datetime
    lines: int


_encode = msgspec.json.Encoder().encode


def line(record: msgspec.Struct) -> bytes:
    """The record as JSON and a line feed, in ASCII: whatever its texts hold, no reader finds a second line in it."""
    try:
        text = _encode(record)
    except UnicodeEncodeError:
        text = b"\xff"
    if not text.isascii():
        text = json.dumps(msgspec.to_builtins(record), separators=(",", ":")).encode("ascii")
    return text + b"\n"


class LineWriter:
    """Writes records to one file.

    Args:
        file: a path, from the gateway's working folder, or ``None`` for standard error.
    """

    def __init__(self, file: str | None, *, bound: int = BOUND) -> None:
        self.file = file
        self._bound = bound
        self._queue: SimpleQueue[msgspec.Struct] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._filled = threading.Event()
        self._closing = threading.Event()
        self._failures = Failures("write")
        self._refused = 0  # counted by the thread that writes records,
        self._lost = 0  # counted by the thread that writes lines,
        self._told = 0  # and how many of both have become a line

    def write(self, record: msgspec.Struct) -> None:
        """Take the record; it is written a moment later. To be called from one thread."""
        if self._queue.qsize() >= self._bound:
            self._refused += 1
            return
        self._queue.put(record)
        if not self._filled.is_set():
            self._filled.set()
        if self._thread is None:
            self._closing.clear()
            self._thread = threading.Thread(target=self._run, name=f"lines to {self.file or 'stderr'}", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Return when everything is written. A later record opens it again."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._closing.set()
            self._filled.set()
            thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._filled.wait()
            self._closing.wait(GATHER)
            self._filled.clear()
            self._flush()
        self._flush()

    def _flush(self) -> None:
        lines: list[bytes] = []
        with contextlib.suppress(Empty):
            while len(lines) < self._bound:
                lines.append(line(self._queue.get_nowait()))
        records = len(lines)
        dropped = self._refused + self._lost
        if dropped > self._told:
            lines.append(line(Dropped(now(), dropped - self._told)))
        if not lines:
            return
        try:
            self._append(b"".join(lines))
            self._told = dropped
        except OSError as error:
            self._lost += records
            self._failures.log(self.file or "stderr", error)

    def _append(self, data: bytes) -> None:
        if self.file is None:
            _write(2, data)
            return
        descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            _write(descriptor, data)
        finally:
            os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


_writers: dict[str | None, LineWriter] = {}


def writer(file: str | None) -> LineWriter:
    """The one writer of that file in this process.

    Raises:
        ValueError: nothing can be written there.
    """
    if file is not None:
        folder = Path(file).parent
        if Path(file).is_dir() or not os.access(folder, os.W_OK):
            raise ValueError(f"{file!r} cannot be written: the folder {str(folder)!r} must exist and be writable")
    return _writers.setdefault(file, LineWriter(file))
