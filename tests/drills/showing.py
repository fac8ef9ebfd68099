"""Showing a credential to the gateway, in each of the places where it may be."""

import json
from urllib.parse import quote

from tests.gateway.asking import ask
from tests.gateway.wire import TEXT, dialled, frame, handshake
from tests.served import Served

PLACES = ("header", "query", "subprotocol", "message")


async def let_in(
    served: Served,
    text: str,
    place: str,
    *lines: str,
    path: str = "/ws/alpha",
    header: str = "Authorization: Bearer",
    query: str = "token",
) -> bool:
    """Whether a credential lets in from there.

    Args:
        lines: further headers.
        header: name and scheme before the credential.
        query: the parameter that holds it.
    """
    shown = list(lines)
    match place:
        case "header":
            shown.append(f"{header} {text}")
        case "query":
            path += f"?{query}={quote(text, safe='')}"
        case "subprotocol":
            shown.append(f"Sec-WebSocket-Protocol: chat, routewright.auth.{text}")
    async with dialled(served) as wire:
        wire.send(handshake(path, *shown))
        # where nothing that could be a credential was found, the gateway waits for a first frame
        if (await wire.answer()).status != 101:
            return False
        first = {"type": "$auth", "payload": {"token": text}}
        wire.send(frame(TEXT, json.dumps(first) if place == "message" else ask("inside?")))
        return bool((await wire.message())["type"] != "error")
