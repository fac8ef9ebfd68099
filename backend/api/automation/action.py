"""What an action is: a name, the arguments it takes, and a function that tells of each step."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar

from backend.api.automation.folder import Folder

T = TypeVar("T")

Name = Literal["count_lines", "disk_usage", "hash_file", "system_info", "wait"]
Algorithm = Literal["blake2b", "sha1", "sha256", "sha512"]


class ActionError(Exception):
    """An action cannot be done as it was asked for; the message may be shown to whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What actions take; ``None`` is what was not given. ``path`` is relative to the `Folder`."""

    path: str | None = None
    algorithm: Algorithm | None = None
    seconds: float | None = None
    steps: int | None = None

    def given(self) -> set[str]:
        """Names of the arguments that were given."""
        return {field.name for field in fields(self) if getattr(self, field.name) is not None}


@dataclass(frozen=True, slots=True)
class Step:
    """One step is done: number ``step`` of ``of``, from 1 to at most 100. The last one holds the ``result``."""

    step: int
    of: int
    message: str
    result: dict[str, Any] | None = None


Steps = AsyncGenerator[Step, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """``run`` raises `ActionError` or `FolderError` where it cannot be done."""

    name: Name
    summary: str
    arguments: tuple[str, ...] = ()
    run: Callable[[Arguments, Folder], Steps]


async def in_thread(work: Callable[[], T]) -> T:
    """Run a short blocking piece of work. Cancelled, it still waits for the thread, so that nothing the thread uses is
    closed under its hands."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()
        raise
