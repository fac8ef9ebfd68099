"""Slow mode: a client may send one message in so many seconds, as chat rooms do it.

In a spec: ``"middleware": [{"slow_mode": {"seconds": 2, "exempt": "moderators.txt"}}]``. The file names the principals
that are exempt, one a line; it is read when a client connects.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

from routewright.hooks import Refusal, SessionInfo, hookimpl

clock = time.monotonic


@hookimpl
def routewright_settings() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"seconds": {"type": "number", "exclusiveMinimum": 0}, "exempt": {"type": "string"}},
        "required": ["seconds"],
        "additionalProperties": False,
    }


@hookimpl
async def routewright_connect(session: SessionInfo, settings: dict[str, Any]) -> None:
    if session.principal is None or "exempt" not in settings:
        return
    names = await asyncio.to_thread(Path(settings["exempt"]).read_text)  # the event loop serves others meanwhile
    if session.principal.id in names.split():
        session.state["slow_mode"] = None


@hookimpl
def routewright_message(session: SessionInfo, settings: dict[str, Any]) -> None:
    allowed = session.state.get("slow_mode", 0.0)
    if allowed is None:
        return
    now = clock()
    if now < allowed:
        wait = allowed - now
        raise Refusal("rate_limited", f"slow mode: wait {wait:.1f} s", retry_after=wait)
    session.state["slow_mode"] = now + settings["seconds"]
