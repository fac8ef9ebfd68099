"""Save to live: from the replaced file to a client that sees the change, with 100 routes on four handler modules."""

import copy
from collections.abc import Callable
from typing import Any

from bench import wide
from bench.editing import Asker, Discovery, Editor
from bench.field import GATEWAY, gateway_absent, serve
from bench.section import Section, Target, median, number
from bench.server import Server, ServerError
from bench.settings import Settings

ROUTES, MODULES = 100, 4
STATUS = {"type": "request_status", "payload": {"depth": 1}}
KINDS = {
    "policy": "a policy of one route (spec digest in discovery)",
    "message": "a new message, answered by a new worker",
    "handler": "handler code, answered by a new worker",
}


async def measure(settings: Settings, progress: Callable[[str], None]) -> Section:
    section = Section("live", f"Save to live, {ROUTES} routes", ("change", "median ms", "max ms", "times"))
    if reason := gateway_absent():
        section.notes.append(f"absent: gateway: {reason}")
        return section
    times = 3 if settings.quick else 10
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    try:
        await _edit(found, times, progress)
    except (ServerError, TimeoutError, OSError, EOFError) as error:
        section.notes.append(f"stopped: {error!r}")
    for kind, title in KINDS.items():
        if values := found[kind]:
            section.rows.append((title, number(median(values)), number(max(values)), str(len(values))))
            section.targets.append(Target(f"save to live: {kind}", median(values), 300.0, " ms"))
    section.data = {"milliseconds": found}
    section.notes.append("the server is not bound to one core here, as where someone edits a project")
    return section


async def _edit(found: dict[str, list[float]], times: int, progress: Callable[[str], None]) -> None:
    server = Server(
        GATEWAY.name,
        lambda port, folder: [serve(folder / "project", port, "--watch")],
        path="/ws/area/0",
        probe=b'{"type":"request_status","payload":{"depth":1}}',
        pinned=False,
        patience=60,
    )
    document = wide.write(server.folder / "project", ROUTES, MODULES)
    editor = Editor(server.folder / "project", server.folder / "staging")
    async with server:
        discovery = Discovery(server.port)
        asker = await Asker.connect(server.url)
        await asker.until(STATUS, lambda reply: reply["type"] == "status")
        for turn in range(1, times + 1):
            progress(f"save to live: edit {turn} of {times}")
            document = copy.deepcopy(document)
            route = document["routes"][0]
            route["rateLimit"]["burst"] -= 1
            old = await discovery.digest()
            saved = editor.spec(document)
            found["policy"].append((await discovery.changed(old) - saved) * 1e3)

            request, reply = f"request_extra_{turn}", f"extra_{turn}"
            document = copy.deepcopy(document)
            messages = document["routes"][0]["messages"]
            messages[request] = {"from": "client", "reply": reply, "payload": wide.STATUS}
            messages[reply] = {"from": "handler", "payload": wide.STATUS}
            saved = editor.spec(document)
            seen = await asker.until({"type": request, "payload": {"depth": 1}}, _is(reply))
            found["message"].append((seen - saved) * 1e3)

            saved = editor.revise("area_handlers_0.py", turn)
            change = {"type": "request_change", "payload": {"area": "a", "size": {"width": 1, "height": 1}}}
            seen = await asker.until(change, _is("change", revision=turn))
            found["handler"].append((seen - saved) * 1e3)
        discovery.close()


def _is(type: str, **payload: Any) -> Callable[[dict[str, Any]], bool]:
    """Whether a reply has this type, and these members in its payload."""
    return lambda reply: reply["type"] == type and payload.items() <= reply.get("payload", {}).items()
