"""Reliable clients that compress: one frame at a time or all of a tick together, and again when it is replayed."""

from collections.abc import Iterator

import pytest
from websockets.extensions.permessage_deflate import PerMessageDeflate

from tests.gateway.conftest import Serve
from tests.gateway.session.talking import HANDLER, Reliable, route
from tests.served import Served

SPEC = {
    "routes": [
        route("alpha", compression={"threshold": "64B"}, rateLimit=False),
        route("slow", compression={"threshold": "64B"}, rateLimit=False, slowConsumer={"backlog": "16KiB"}),
    ]
}
SIZE = 500


@pytest.fixture(scope="module")
def served(serve: Serve) -> Iterator[Served]:
    with serve(SPEC, {"talk.py": HANDLER}) as served:
        yield served


def compresses(client: Reliable) -> bool:
    return any(isinstance(extension, PerMessageDeflate) for extension in client.socket.protocol.extensions)


@pytest.mark.parametrize("path", ["/ws/alpha", "/ws/slow"])
@pytest.mark.parametrize("batch", [False, True])
async def test_frames_arrive_and_are_replayed(served: Served, batch: bool, path: str) -> None:
    client = Reliable(served, path)
    client.compression = "deflate"
    await client.connect(batch=batch)
    assert compresses(client)
    await client.ask("push", 1, count=200, size=SIZE)
    for _ in range(50):
        await client.take()
    await client.cut()
    assert (await client.connect(batch=batch))["resumed"]
    assert compresses(client)
    await client.until("answer")
    payloads = [frame["payload"] for frame in client.taken if frame["type"] == "event"]
    assert payloads == [{"number": number, "filler": "x" * SIZE} for number in range(200)]
    # the same session without compression, and then with it again
    for compression in (None, "deflate"):
        await client.cut()
        client.compression = compression
        client.seq -= 100
        assert (await client.connect(batch=batch))["resumed"]
        assert compresses(client) is (compression is not None)
        assert len(await client.until("answer")) == 100
    await client.ask("ask", 2, nonce="y" * 1000)
    assert (await client.take())["payload"] == {"nonce": "y" * 1000}
    await client.socket.close()


async def test_less_travels_than_was_sent(served: Served) -> None:
    client = Reliable(served)
    client.compression = "deflate"
    await client.connect(batch=True)
    before = (await served.stats())["routes"][0]["bytes_out"]
    await client.ask("push", 1, count=200, size=SIZE)
    await client.until("answer")
    await client.socket.close()
    stats = await served.until(lambda stats: stats["routes"][0]["connections"] == 0)
    assert 0 < stats["routes"][0]["bytes_out"] - before < 200 * SIZE / 10
