"""The compiler: `routewright generate` of 100 to 3,000 routes with five messages each, as a user runs it."""

import asyncio
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import machine, wide
from bench.field import ROUTEWRIGHT, gateway_absent
from bench.section import Section, Target, median, number
from bench.settings import Settings

SIZES = (100, 300, 1000, 3000)
MESSAGES = 5
# ru_maxrss is KiB on Linux and bytes on macOS.
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


class GenerateError(Exception):
    """`routewright generate` failed; the message is what it printed."""


async def measure(settings: Settings, progress: Callable[[str], None]) -> Section:
    section = Section(
        "generate",
        f"routewright generate, {MESSAGES} messages a route, one core",
        (
            "routes",
            "s",
            "CPU s",
            "peak MiB",
            "ms a route",
            "again, s",
            "files",
            "rewritten again",
            "rewritten after 1 edit",
        ),
    )
    if reason := gateway_absent():
        section.notes.append(f"absent: gateway: {reason}")
        return section
    seconds: dict[int, float] = {}
    for routes in SIZES[:2] if settings.quick else SIZES:
        progress(f"generate: {routes} routes")
        try:
            figures = await asyncio.to_thread(_generate, routes, max(1, min(3, settings.rounds)))
        except GenerateError as error:
            section.notes.append(f"{routes} routes: {error}")
            continue
        seconds[routes] = figures["seconds"]
        section.data[str(routes)] = figures
        cells = ("seconds", "cpu", "peak", "per_route", "again", "files", "unchanged", "edited")
        section.rows.append((f"{routes:,}", *(number(figures[cell]) for cell in cells)))
    if 1000 in seconds:
        section.targets.append(Target("generate, 1,000 routes", seconds[1000], 3.0, " s"))
    if seconds:
        rewritten = sum(figures["unchanged"] for figures in section.data.values())
        section.targets.append(Target("files rewritten though unchanged", rewritten, 0.0))
    if 3000 in seconds and 300 in seconds:
        growth = math.log(seconds[3000] / seconds[300]) / math.log(10)
        section.targets.append(Target("growth with the routes (exponent, 300 to 3,000)", growth, 1.1))
    return section


def _generate(routes: int, rounds: int) -> dict[str, float]:
    """Seconds and peak memory of a first run (median), seconds of a second one, and what later runs rewrote."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        document = wide.write(folder, routes, max(1, routes // 25))
        first = []
        for _ in range(rounds):
            shutil.rmtree(folder / "generated", ignore_errors=True)
            first.append(_run(folder))
        before = _stamps(folder)
        again, _, _ = _run(folder)
        unchanged = _changed(before, _stamps(folder))
        document["routes"][0]["messages"]["changed"]["summary"] = "Edited"
        (folder / "websocket-routes.json").write_text(json.dumps(document, indent=2) + "\n")
        before = _stamps(folder)
        _run(folder)
        edited = _changed(before, _stamps(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    seconds, cpu, peak = (median(column) for column in zip(*first, strict=True))
    return {
        "seconds": seconds,
        "cpu": cpu,
        "peak": peak,
        "per_route": seconds / routes * 1e3,
        "again": again,
        "files": float(len(before)),
        "unchanged": float(unchanged),
        "edited": float(edited),
    }


def _run(folder: Path) -> tuple[float, float, float]:
    """Seconds, seconds of CPU and peak resident MiB of one run, start of Python included."""
    core, _ = machine.cores()
    with open(folder / "log", "wb") as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(ROUTEWRIGHT), "generate", str(folder / "websocket-routes.json")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=lambda: machine.pin({core}),
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise GenerateError((folder / "log").read_text(errors="replace").strip()[-500:])
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * MAXRSS_UNIT / 2**20


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Of each generated file, what a rewrite would change."""
    files = [path for path in (folder / "generated").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def _changed(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> int:
    return sum(before.get(path) != stamp for path, stamp in after.items())
