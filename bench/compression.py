"""permessage-deflate as the gateway does it: CPU of compressing and inflating a message, ratio, memory.

Strategy: the functions of the gateway themselves, in this process, on JSON of several sizes; the socket's own work is
the same with and without. A compressor is shared by all connections, so that its memory is the process's, not theirs.
"""

import json
import time
from collections.abc import Callable
from random import Random

from bench.section import Section
from bench.settings import Settings
from routewright.gateway import deflate

SIZES = (256, 1024, 4096, 65536)
LEVELS = (1, 3, 6)
BITS = 15
SECONDS = 0.2


def message(size: int) -> bytes:
    """JSON of about so many bytes, as a table of readings would be."""
    random = Random(1)
    rows: list[dict[str, object]] = []
    found = b""
    while len(found) < size:
        rows.append({"id": len(rows), "name": f"sensor-{random.randrange(50)}", "value": random.random(), "ok": True})
        found = json.dumps({"type": "readings", "payload": rows}).encode()
    return found


def _cost(call: Callable[[], object]) -> float:
    """Microseconds of CPU of one call."""
    count = 0
    began = time.process_time()
    while time.process_time() - began < SECONDS:
        for _ in range(20):
            call()
        count += 20
    return (time.process_time() - began) / count * 1e6


async def measure(settings: Settings, progress: Callable[[str], None]) -> Section:
    """One row a size and level."""
    del settings
    section = Section(
        "compression",
        f"permessage-deflate with {deflate.BACKEND}, no context takeover",
        ("message", "level", "compress us", "inflate us", "ratio"),
    )
    for size in SIZES:
        plain = message(size)
        for level in LEVELS:
            progress(f"{size} bytes, level {level}")
            deflater = deflate.Deflater(level, BITS)
            packed = deflater.message(plain)
            into = _cost(lambda deflater=deflater, plain=plain: deflater.message(plain))  # type: ignore[misc]
            out = _cost(lambda packed=packed, plain=plain: deflate.inflate(packed, len(plain)))  # type: ignore[misc]
            section.rows.append(
                (f"{len(plain):,} B", str(level), f"{into:.1f}", f"{out:.1f}", f"{len(packed) / len(plain):.3f}")
            )
    section.notes.append("an agreed connection keeps no window: compressors are shared, one a level and window")
    return section
