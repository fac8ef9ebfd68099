"""``routewright call``: send one message to a gateway and print what comes back."""

import contextlib
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from routewright.cli.terminal import USAGE, fail, progress

EPILOG = """Examples:

\b
  routewright call ws://127.0.0.1:8001/ws/greeter greet '{"name": "Ada"}'
  routewright call ws://127.0.0.1:8001/ws/greeter greet @payload.json
  echo '{"name": "Ada"}' | routewright call ws://127.0.0.1:8001/ws/greeter greet -
  routewright call ws://127.0.0.1:8001/ws/vision start_monitoring --events 3
"""


class Place(StrEnum):
    """Where a credential travels."""

    HEADER = "header"
    SUBPROTOCOL = "subprotocol"
    QUERY = "query"
    MESSAGE = "message"


def call(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where a route is served: ws://HOST:PORT/PATH.")],
    type: Annotated[
        str | None, typer.Argument(metavar="TYPE", help="The message's type; may be left out with --events.")
    ] = None,
    payload: Annotated[
        str | None, typer.Argument(metavar="PAYLOAD", help="JSON, or @FILE, or - for standard input.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the next answer.", min=0.001)] = 30.0,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", metavar="NAME:VALUE", help="Send this too; repeatable.")
    ] = None,
    token_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="Present the credential that this variable holds.")
    ] = None,
    token_in: Annotated[
        Place, typer.Option(help="Where it travels; `message`: in the first frame, `header`: as Bearer.")
    ] = Place.HEADER,
    events: Annotated[int, typer.Option(metavar="N", help="Print N events as well before leaving.", min=0)] = 0,
    stream: Annotated[
        bool | None,
        typer.Option("--stream/--no-stream", help="Print parts until the final one. [default: what the route says]"),
    ] = None,
) -> None:
    """Send one message and print its reply.

    Replies are printed as JSON, each part of a streamed one and each event in a line of its own. Exit code 1 if the
    reply is an error, or there is none.
    """
    if type is None and not events:
        fail("there is no TYPE to send and no --events to wait for", hint="routewright call --help", code=USAGE)
    address = _address(url)
    headers = _headers(header or [])
    token = None if token_env is None else _token(token_env)
    body = None if payload is None else _payload(payload)
    import asyncio

    from routewright.cli.exchange import ExchangeError, Question, exchange

    question = Question(
        url=address,
        type=type,
        payload=body,
        headers=headers,
        token=token,
        token_in=token_in.value,
        timeout=timeout,
        events=events,
        stream=stream,
    )
    try:
        with contextlib.ExitStack() as waiting:
            waiting.enter_context(progress(f"waiting for {url}"))

            def show(frame: bytes, pretty: bool) -> None:
                waiting.close()
                _print(frame, pretty)

            ok = asyncio.run(exchange(question, show))
    except ExchangeError as error:
        fail(str(error), hint=error.hint)
    if not ok:
        raise typer.Exit(1)


def _address(url: str) -> str:
    if "://" not in url:
        url = f"ws://{url}"
    scheme, _, rest = url.partition("://")
    scheme = {"http": "ws", "https": "wss"}.get(scheme, scheme)
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        reachable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        reachable = False
    if scheme not in ("ws", "wss") or not reachable:
        fail(f"{url!r} is no WebSocket URL", hint="write ws://HOST:PORT/PATH", code=USAGE)
    return f"{scheme}://{rest}"


def _headers(lines: list[str]) -> list[tuple[str, str]]:
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            fail(f"--header {line!r} has no name", hint="write --header 'Name: value'", code=USAGE)
        headers.append((name.strip(), value.strip()))
    return headers


def _token(name: str) -> str:
    token = os.environ.get(name)
    if not token:
        fail(f"--token-env {name}: there is no such variable, or it is empty", code=USAGE)
    return token


def _payload(argument: str) -> bytes:
    """The JSON of an argument, its bytes as they were written."""
    import msgspec

    try:
        if argument == "-":
            data = sys.stdin.buffer.read()
        elif argument.startswith("@"):
            data = Path(argument[1:]).read_bytes()
        else:
            data = argument.encode()
    except (OSError, UnicodeEncodeError) as error:
        fail(f"PAYLOAD cannot be read: {error}", code=USAGE)
    try:
        msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        fail(f"PAYLOAD is not JSON: {error}", hint='quote it: \'{"key": "value"}\'', code=USAGE)
    return data


def _print(frame: bytes, pretty: bool) -> None:
    import msgspec

    from routewright.cli.terminal import is_rich, json_text

    pretty = pretty and is_rich(sys.stdout)
    json_text(msgspec.json.format(frame, indent=2 if pretty else -1).decode())
    sys.stdout.flush()
