"""What a session needs to be continued, and the file that keeps it while the program is not running.

Strategy: the file is replaced by a rename, so that it is whole at any time, and readable by its owner alone: the resume
token in it is a credential. A file that cannot be read is as good as none.
"""

import contextlib
import logging
import os
from pathlib import Path

import msgspec

_LOG = logging.getLogger("routewright.client")


class Kept(msgspec.Struct):
    """A message that has no answer yet. ``reply``: one is awaited; ``stream``: in parts, of which so many came;
    ``written``: it may have been handled."""

    id: int
    frame: msgspec.Raw
    idempotent: bool = False
    reply: bool = True
    stream: bool = False
    parts: int = 0
    written: bool = False


class State(msgspec.Struct):
    """One session, as the client knows it.

    Attributes:
        url: where it was held.
        session: its name; ``""`` before the first welcome.
        resume: the token that continues it, ``None`` where there is nothing to continue.
        seq: of the last frame that came.
        last: the id of the last message.
        unanswered: by id, which is the order in which they were sent.
    """

    url: str = ""
    session: str = ""
    resume: str | None = None
    seq: int = 0
    last: int = 0
    unanswered: dict[int, Kept] = {}


class SessionFile:
    """A `State` on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self, url: str) -> State:
        """The state that was saved for this URL; an empty one where there is none."""
        try:
            state = msgspec.json.decode(self.path.read_bytes(), type=State)
            state.unanswered = {id: kept for id, kept in state.unanswered.items() if _outlives(kept)}
        except FileNotFoundError:
            return State(url=url)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            _LOG.warning("the session file %s cannot be read and is left out: %s", self.path, error)
            return State(url=url)
        if state.url != url:
            _LOG.warning("the session file %s is of another route and is left out", self.path)
            return State(url=url)
        return state

    def save(self, state: State) -> None:
        """Replace the file.

        Raises:
            OSError: it cannot be written.
        """
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(state))
        os.replace(temporary, self.path)


class _Named(msgspec.Struct):
    type: str = ""


def _outlives(kept: Kept) -> bool:
    """Whether the next run of the program cares: it subscribes and presents a credential by itself."""
    type = msgspec.json.decode(kept.frame, type=_Named).type
    return not type.startswith("$") or type == "$publish"
