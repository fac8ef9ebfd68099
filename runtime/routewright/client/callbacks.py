"""Functions of the application that are called with events.

Strategy: one event after the other. What a function raises is its own: it is reported to the event loop, and the next
event is its next chance.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from routewright.client.errors import ClientClosed, ClientError, UnexpectedMessage
from routewright.client.events import Event, Events

Callback: TypeAlias = Callable[[Event[Any]], Awaitable[None] | None]
"""What `Client.on` calls."""


async def call(events: Events[Any], callback: Callback) -> None:
    """Call a function with each event until there are no more."""
    while True:
        try:
            event = await anext(events)
        except (StopAsyncIteration, ClientClosed):
            return
        except UnexpectedMessage as error:
            report(error, "an event of the client does not fit its model")
            continue
        except ClientError as error:
            report(error, "an event handler of the client gets no more events")
            return
        try:
            result = callback(event)
            if inspect.isawaitable(result):
                await result
        except Exception as error:
            report(error, f"the handler of the event {event.type!r} has failed")


def report(error: BaseException, what: str) -> None:
    """Tell the event loop's exception handler."""
    asyncio.get_running_loop().call_exception_handler({"message": what, "exception": error})
