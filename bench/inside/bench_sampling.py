"""Samples where the main thread is, at each tick of CPU time that the process uses (the kernel's tick, 4 to 10 ms).

Sampling begins when the file ``$BENCH_PROFILE/go`` is there. The counts are written to ``$BENCH_PROFILE/<pid>.json``
every fifty samples: a process may end without a farewell.
Time in a C function counts for the Python function that called it; that is the grain a reader can act on.
"""

import json
import os
import signal
import sys
from collections import Counter
from types import CodeType, FrameType

INTERVAL = 0.001
EVERY = 50

counts: Counter[CodeType] = Counter()
total = 0


def sample(_: int, frame: FrameType | None) -> None:
    """Note the running function, once the bench says that the load has begun."""
    global total
    if not total and not os.path.exists(os.path.join(os.environ["BENCH_PROFILE"], "go")):
        return
    if frame is not None:
        counts[frame.f_code] += 1
    total += 1
    if total % EVERY == 0:
        write()


def write() -> None:
    """Replace this process's file."""
    functions: Counter[str] = Counter()
    for code, count in counts.items():
        functions[f"{code.co_filename}:{code.co_firstlineno} {code.co_qualname}"] += count
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    document = {"process": spec.name if spec else os.path.basename(sys.argv[0]), "samples": functions}
    path = os.path.join(os.environ["BENCH_PROFILE"], str(os.getpid()))
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(document, file)
    os.replace(f"{path}.new", f"{path}.json")


def start() -> None:
    """Sample from here on, in this process."""
    signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
