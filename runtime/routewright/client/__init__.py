"""The client: typed requests, streams, topics and events over one session that survives its connections.

::

    from routewright.client import connect

    async with connect("ws://127.0.0.1:8001/ws/greeter") as client:
        print(await client.request("greet", {"name": "Ada"}))

`connect` says what there is to set, `Client` what there is to do, `routewright.client.errors` what there is to catch.
"""

from routewright.client.answers import Unanswered
from routewright.client.calls import Options
from routewright.client.client import Client, Part, Reconnected
from routewright.client.connecting import connect
from routewright.client.errors import (
    ClientClosed,
    ClientError,
    ConnectionLost,
    Disconnected,
    NoSuchRoute,
    OutcomeUnknown,
    QueueFull,
    RequestFailed,
    RequestTimeout,
    Terminal,
    UnexpectedMessage,
)
from routewright.client.events import Event, Events, Member, Presence
from routewright.client.frames import Granted
from routewright.client.protocol import Bounds
from routewright.client.stats import Stats
from routewright.client.timing import Timing

__all__ = [
    "Bounds",
    "Client",
    "ClientClosed",
    "ClientError",
    "ConnectionLost",
    "Disconnected",
    "Event",
    "Events",
    "Granted",
    "Member",
    "NoSuchRoute",
    "Options",
    "OutcomeUnknown",
    "Part",
    "Presence",
    "QueueFull",
    "Reconnected",
    "RequestFailed",
    "RequestTimeout",
    "Stats",
    "Terminal",
    "Timing",
    "Unanswered",
    "UnexpectedMessage",
    "connect",
]
