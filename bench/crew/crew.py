"""Workers of which one is slow and one fails: each takes the first number that nobody has taken.

The failing one answers at once: who looks at nothing but load finds it always free.
"""

import asyncio
import itertools
import random
from pathlib import Path

from generated.crew import Ask, Done

from routewright.handlers import HandlerError, on

SLOW, FAILING = 0, 1
SECONDS = {SLOW: 0.04}
"""How long a worker takes on average (exponential), where it is not the usual time."""
USUAL = 0.002


def _numbered() -> int:
    for number in itertools.count():
        try:
            Path(__file__).with_name(f"taken-{number}").touch(exist_ok=False)
        except FileExistsError:
            continue
        return number
    raise AssertionError


NUMBER = _numbered()
TIMES = random.Random(NUMBER)


@on(Ask)
async def ask(message: Ask) -> Done:
    if NUMBER == FAILING:
        raise HandlerError("broken", "what it needs is gone", retryable=True)
    await asyncio.sleep(TIMES.expovariate(1 / SECONDS.get(NUMBER, USUAL)))
    return Done(worker=NUMBER)


@on("greet")
async def greet() -> Done:
    return Done(worker=NUMBER)
