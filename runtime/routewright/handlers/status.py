"""What a worker tells whoever started it: JSON lines on a descriptor, or text on standard error."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from routewright.handlers.matching import HandlerProblem

if TYPE_CHECKING:
    import asyncio


class Status:
    """``descriptor`` ``None``: text for people."""

    def __init__(self, module: str, descriptor: int | None, files: Callable[[], list[str]] = list) -> None:
        """``files``: the project's files that this process was made of; an edit of one means a new process."""
        self._module = module
        self._descriptor = descriptor
        self._files = files

    def ready(self, endpoints: list[str]) -> None:
        """Every gateway has accepted this worker."""
        self._say({"state": "ready", "files": self._files()}, f"{self._module} is ready at {', '.join(endpoints)}")

    def failed(self, problems: list[HandlerProblem]) -> None:
        """The module cannot serve."""
        text = "\n".join([f"{self._module} cannot serve:", *(f"  {problem}" for problem in problems)])
        # a file that failed to import is among no modules
        files = sorted({*self._files(), *(problem.file for problem in problems)})
        self._say({"state": "failed", "problems": problems, "files": files}, text)

    def refused(self, reason: str) -> None:
        """A gateway did not accept this worker."""
        self._say({"state": "refused", "reason": reason}, f"{self._module} was refused: {reason}")

    def watch(self, loop: "asyncio.AbstractEventLoop", gone: Callable[[], None]) -> None:
        """Call ``gone`` once the other end of the descriptor is closed: whoever started this worker has died."""
        descriptor = self._descriptor
        if descriptor is None:
            return

        def closed() -> None:
            loop.remove_reader(descriptor)
            gone()

        loop.add_reader(descriptor, closed)

    def _say(self, state: dict[str, Any], text: str) -> None:
        if self._descriptor is None:
            print(text, file=sys.stderr, flush=True)
            return
        try:
            os.write(self._descriptor, msgspec.json.encode(state) + b"\n")
        except BrokenPipeError:
            return
