"""The garbage collector, out of the way of work that makes much and drops little."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """No collection until the block ends: nearly all that a compilation makes stays until it is done, and looking
    through it again and again takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
