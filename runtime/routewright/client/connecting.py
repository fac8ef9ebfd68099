"""`connect`: from a URL and what an application wants to a client that is ready to be opened."""

import os
import ssl as tls
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from routewright.client.client import Client, Reconnected
from routewright.client.dialing import Dialer, Target, Token, TokenPlace
from routewright.client.discovery import fill
from routewright.client.errors import NoSuchRoute
from routewright.client.models import Models
from routewright.client.protocol import Bounds
from routewright.client.state import SessionFile
from routewright.client.timing import Timing
from routewright.policies.backoff import Backoff
from routewright.table import Route, Table
from routewright.table.paths import Matcher


def connect(
    url: str,
    *,
    capability: str | None = None,
    route: str | None = None,
    parameters: Mapping[str, object] | None = None,
    table: Table | None = None,
    token: Token | None = None,
    token_in: TokenPlace = "header",  # noqa: S107
    token_name: str | None = None,
    headers: Mapping[str, str] | None = None,
    ssl: tls.SSLContext | bool = True,
    reliable: bool = True,
    wait: bool = True,
    timeout: float | None = None,
    attempts: int | None = None,
    backoff: tuple[float, float] = (0.5, 20.0),
    connect_timeout: float = 10.0,
    largest: int = 16 * 1024 * 1024,
    bounds: Bounds | None = None,
    events: int = 1024,
    session_file: str | os.PathLike[str] | None = None,
    on_reconnect: Callable[[Reconnected], None] | None = None,
    timing: Timing | None = None,
) -> Client:
    """A client of one route, to be opened by ``async with``.

    Args:
        url: of the route (``ws://127.0.0.1:8001/ws/vision``), or of the gateway (``http://127.0.0.1:8001``) together
            with ``capability`` or ``route``; then the discovery document says where that is, at each attempt.
        capability: connect to the first route that offers it.
        route: connect to the route of that name.
        parameters: values for the path's parameters (``/ws/rooms/{room}``).
        table: ``generated.table.table``: messages are then sent and received as its models.
        token: a credential, or an asynchronous function that gets one; it is called at every attempt, and before the
            credential expires where the gateway says when.
        token_in: where the credential travels; ``"message"``: in the first frame.
        token_name: of the header (then without ``Bearer``) or the query parameter, where it is another one than
            ``Authorization`` or ``token``.
        headers: further ones of the handshake.
        ssl: as aiohttp takes it: a context, or false to trust any certificate.
        reliable: offer the subprotocol ``routewright.v1``; where the gateway does not take it the client is plain.
        wait: ``async with`` waits for the first connection; otherwise requests wait for it.
        timeout: seconds for each request that names none.
        attempts: failed attempts in a row after which the client gives up; ``None``: it never does.
        backoff: pauses before attempts are random, up to the first of these in seconds, doubled each time, up to the
            second.
        connect_timeout: seconds for one attempt.
        largest: bytes of a message that the client takes in.
        bounds: of what waits for a connection or an answer.
        events: events that may wait to be taken.
        session_file: keeps the session while the program does not run. It holds a credential.
        on_reconnect: is called when there is a connection again.
        timing: where time and chance come from, for tests.

    Raises:
        ValueError: the URL is none, or does not go with the rest; there is no such place for a credential; a number is
            out of range.
        NoSuchRoute: the table has no such route.
    """
    target = _target(url, capability, route, parameters or {})
    _check_token(token, token_in, token_name)
    _check_numbers(backoff, connect_timeout=connect_timeout, timeout=timeout, largest=largest, events=events)
    timing = timing or Timing()
    return Client(
        Dialer(
            target,
            token=token,
            token_in=token_in,
            token_name=token_name,
            headers=headers or {},
            ssl=ssl,
            largest=largest,
            connect_timeout=connect_timeout,
            reliable=reliable,
        ),
        Models(None if table is None else _route(table, target)),
        bounds=bounds or Bounds(),
        events=events,
        timeout=timeout,
        attempts=attempts,
        backoff=Backoff(*backoff, timing.uniform),
        wait=wait,
        file=None if session_file is None else SessionFile(Path(session_file)),
        on_reconnect=on_reconnect,
        timing=timing,
    )


def _check_token(token: Token | None, place: TokenPlace, name: str | None) -> None:
    places = get_args(TokenPlace)
    if place not in places:
        raise ValueError(f"token_in is {place!r}: a credential travels in {', '.join(places)}")
    if name is not None and place not in ("header", "query"):
        raise ValueError(f"token_name names a header or a query parameter: leave it out with token_in={place!r}")
    if token is None and (name is not None or place != "header"):
        raise ValueError("token_in and token_name say where a token travels, and there is no token")


def _check_numbers(backoff: tuple[float, float], **positive: float | None) -> None:
    base, cap = backoff
    if not 0 < base <= cap:
        raise ValueError(f"backoff is {backoff!r}: write the first and the longest pause in seconds, such as (0.5, 20)")
    for name, value in positive.items():
        if value is not None and not value > 0:
            raise ValueError(f"{name} is {value!r}: it must be more than 0")


def _target(url: str, capability: str | None, route: str | None, parameters: Mapping[str, object]) -> Target:
    scheme, separator, rest = url.partition("://")
    known = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
    if not separator or scheme not in known:
        raise ValueError(f"{url!r} is no URL of a gateway: write ws://HOST:PORT/PATH, or http://HOST:PORT with a route")
    discovered = capability is not None or route is not None
    if capability is not None and route is not None:
        raise ValueError("a route is looked for by capability or by name, not by both")
    kind = known[scheme].replace("ws", "http") if discovered else known[scheme]
    parts = urlsplit(f"{kind}://{rest}")
    if not parts.hostname:
        raise ValueError(f"{url!r} names no host")
    try:
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"{url!r} names no port: {error}") from None
    if discovered and parts.path not in ("", "/"):
        raise ValueError(f"{url!r} has a path already: leave it out, or leave the capability and the route out")
    if not discovered:
        fill(parts.path, parameters)
    return Target(f"{kind}://{rest}", capability, route, parameters)


def _route(table: Table, target: Target) -> Route:
    """What the table says of the route that is connected to.

    Raises:
        NoSuchRoute: nothing.
    """
    if target.route is not None:
        found = table.route(target.route)
    elif target.capability is not None:
        found = next((each for each in table.routes if target.capability in each.capabilities), None)
    else:
        match = Matcher(table.routes).match(fill(urlsplit(target.url).path, target.parameters))
        found = None if match is None else match.route
    if found is None:
        raise NoSuchRoute(f"the table of {table.spec} has no route for {target.name}")
    return found
