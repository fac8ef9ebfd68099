"""Where the time goes: the gateway's processes, sampled from inside while they are under the main table's load."""

import json
import sysconfig
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from bench.field import GATEWAY, gateway_absent
from bench.messages import burst
from bench.section import Section
from bench.server import Server, ServerError
from bench.settings import BENCH, WINDOWS, Settings

TOP = 12
LEAST = 100
SECONDS = 10.0


async def measure(settings: Settings, progress: Callable[[str], None]) -> Section:
    section = Section(
        "profile", "Where the time goes: share of a process's own CPU time", ("process, function", "share")
    )
    if reason := gateway_absent():
        section.notes.append(f"absent: gateway: {reason}")
        return section
    for window in WINDOWS:
        progress(f"profile: window {window}")
        try:
            await _profile(section, window, settings)
        except ServerError as error:
            section.notes.append(f"window {window}: {error}")
    section.notes.append("sampled at the ticks of the CPU clock; C code counts for the Python function that calls it")
    return section


async def _profile(section: Section, window: int, settings: Settings) -> None:
    server = Server(GATEWAY.name, GATEWAY.commands, path=GATEWAY.path)
    server.environment |= {"BENCH_PROFILE": str(server.folder), "PYTHONPATH": str(BENCH / "inside")}
    async with server:
        (server.folder / "go").touch()
        await burst(server, 1, window, replace(settings, warmup=0.0, seconds=SECONDS))
        files = [json.loads(file.read_text()) for file in server.folder.glob("*.json")]
    for document in files:
        samples = Counter(document["samples"])
        if samples.total() < LEAST:
            continue
        for place, count in samples.most_common(TOP):
            share = f"{count / samples.total():.1%}"
            section.rows.append((f"w{window} {document['process']}  {_short(place)}", share))
        section.data.setdefault(f"window {window}", {})[document["process"]] = dict(samples.most_common(100))


def _short(place: str) -> str:
    """A place without the machine's own folders."""
    for folder in (sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"), str(BENCH.parent)):
        place = place.replace(f"{folder}/", "")
    return place
