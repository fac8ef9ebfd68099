"""A client's session without a gateway: what handlers send is kept in a queue."""

import asyncio
from typing import Any

import pytest

from routewright.handlers import Context


class Client:
    """Stands in for `routewright.handlers.Session`: ``state`` as there, and ``sent`` for what was sent."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.sent: asyncio.Queue[Any] = asyncio.Queue()

    def send(self, message: Any) -> None:
        self.sent.put_nowait(message)

    def received(self) -> list[Any]:
        """What has been sent since the last look."""
        return [self.sent.get_nowait() for _ in range(self.sent.qsize())]


@pytest.fixture
async def client() -> Client:
    return Client()


@pytest.fixture
async def context(client: Client) -> Context:
    return Context(client)  # type: ignore[arg-type]
