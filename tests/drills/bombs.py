"""Drill: compressed bombs in every form, and floods whose answers nobody reads; memory stays within its bound."""

import asyncio
import zlib
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import psutil

from tests.drills.drill import Outcome, Size, drill
from tests.gateway.asking import asking, route
from tests.gateway.wire import BINARY, CLOSE, CONTINUATION, PING, TEXT, Wire, closing, frame, opened
from tests.served import Served, serving

MARK = 0x40
BOMB = 2**28
PER_CONNECTION = 192 * 1024
"""Bytes that a connection may take at most, whatever comes over it."""

OFFERS = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; client_max_window_bits=8",
    "permessage-deflate; server_no_context_takeover",
    *(f"permessage-deflate; server_max_window_bits={bits}" for bits in range(9, 16)),
]
FLOOD = 2**18


def small(size: int) -> bytes:
    """So many zeros, compressed."""
    client = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = b"".join(client.compress(bytes(2**20)) for _ in range(size // 2**20))
    return data + client.compress(bytes(size % 2**20)) + client.flush(zlib.Z_SYNC_FLUSH)[:-4]


def parted(data: bytes, between: bytes) -> bytes:
    """A compressed message in frames of 64 bytes, with something between any two of them."""
    rest = (frame(CONTINUATION, data[at : at + 64], fin=False) for at in range(64, len(data), 64))
    return frame(BINARY | MARK, data[:64], fin=False) + b"".join(between + each for each in rest)


def attacks() -> list[tuple[bytes, int]]:
    """What is sent, and the code that it is closed with; 0 where it is no mistake, and nobody reads the answers."""
    bomb = small(BOMB)
    return [
        (frame(BINARY | MARK, small(2**20)), 1009),
        (parted(bomb, b""), 1009),
        (parted(bomb, frame(PING, b"p" * 125)), 1009),
        (frame(TEXT | MARK, small(60_000)[:-1]), 1007),
        (frame(PING | MARK, "p"), 1002),
        (frame(TEXT | MARK, small(100), fin=False) + frame(CONTINUATION | MARK, ""), 1002),
        (frame(PING, "p") * (FLOOD // 7), 0),
        (frame(TEXT, "x") * (FLOOD // 7), 0),
    ]


@drill("bombs")
async def bombs(size: Size, folder: Path) -> Outcome:
    """Each is closed with its code, and the gateway grows by no more than its connections may take."""
    count = min(32 * size.factor, 800)
    outcome = Outcome(
        f"{count} connections that compress", "bombs of 256 MiB, broken compression, floods that nobody reads"
    )
    with serving(asking(folder, route("alpha", compression={})), "--no-watch") as served:
        stats = await served.stats()
        gateway = psutil.Process(stats["gateways"][0]["process"])
        before = gateway.memory_info().rss
        chosen = zip(range(count), cycle(attacks()), cycle(OFFERS), strict=False)
        closed = await asyncio.gather(*(_attack(served, offer, data, code) for _, (data, code), offer in chosen))
        await served.until(lambda stats: not stats["connections"])
        grown = gateway.memory_info().rss - before
    outcome.let_in += closed.count(False)
    outcome.expect(grown <= count * PER_CONNECTION, f"{grown:,} bytes were taken")
    outcome.notes = f"{grown / count / 1024:.0f} KiB a connection"
    return outcome


async def _attack(served: Served, offer: str, data: bytes, code: int) -> bool:
    """Whether the connection was closed as it should be."""
    async with opened(served, "/ws/alpha", f"Sec-WebSocket-Extensions: {offer}") as wire:
        wire.send(data)
        if code:
            return await _closing(wire) == code
        with suppress(ConnectionError):
            wire.send(closing(1000))
            await wire.writer.drain()
        await wire.gone()
        return True


async def _closing(wire: Wire) -> int:
    while (received := await wire.frame()).opcode != CLOSE:
        pass
    return received.code
