"""``/ws``: the discovery document, and an echo."""

import msgspec
import pytest

from backend.api.general_handler import echo, tell
from generated.general import Description, Echo


async def test_describe_is_answered_with_every_route() -> None:
    answer = await tell(None)
    assert answer["type"] == "description"
    description = msgspec.convert(answer["payload"], Description)
    routes = {route.name: route for route in description.routes}
    assert {name: route.path for name, route in routes.items()} == {
        "vision": "/ws/vision",
        "voice": "/ws/voice",
        "automation": "/ws/automation",
        "general": "/ws",
    }
    assert description.spec
    assert routes["vision"].capabilities == ["vision", "monitoring"]
    assert (routes["voice"].framing, routes["voice"].messages) == ("raw", [])
    messages = {message.name: message for message in routes["automation"].messages}
    run = messages["run_action"]
    assert (run.from_, run.reply, run.stream, run.summary) == ("client", "action_progress", True, "Run an action")
    assert (messages["action_progress"].from_, messages["action_progress"].reply) == ("handler", None)


@pytest.mark.parametrize("payload", [None, 7, "text", [1, {"a": None}], {"deep": {"er": True}}])
async def test_anything_else_is_echoed(payload: object) -> None:
    answer = await echo({"type": "anything", "payload": payload})
    assert answer == {"type": "echo", "payload": {"type": "anything", "payload": payload}}
    assert msgspec.convert(answer["payload"], Echo).payload == payload
    assert await echo({"type": "bare"}) == {"type": "echo", "payload": {"type": "bare", "payload": None}}
