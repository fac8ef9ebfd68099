"""The compiler: `routewright check` and `generate` of 100 to 3,000 routes with five messages each, as a user runs them,
and the load of what they make."""

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
from typing import NamedTuple

from bench import machine, server, wide
from bench.field import ROUTEWRIGHT, gateway_absent
from bench.section import Section, Target, median, number
from bench.settings import Settings

SIZES = (100, 300, 1000, 3000)
MESSAGES = 5
COLUMNS = {
    "routes": "routes",
    "check": "check, s",
    "check_peak": "peak MiB",
    "generate": "generate, s",
    "generate_cpu": "CPU s",
    "generate_peak": "peak MiB",
    "per_route": "ms a route",
    "again": "again, s",
    "load": "load, s",
    "load_source": "load without byte code, s",
    "files": "files",
    "unchanged": "rewritten again",
    "edited": "rewritten after 1 edit",
    "modules": "modules of them",
}
TARGETS = (
    ("check, 1,000 routes", "check", 1.0, " s"),
    ("generate, 1,000 routes", "generate", 3.0, " s"),
    ("memory of check, 1,000 routes", "check_peak", 300.0, " MiB"),
    ("memory of generate, 1,000 routes", "generate_peak", 300.0, " MiB"),
    ("table load, 1,000 routes", "load", 1.0, " s"),
    ("table load without byte code, 1,000 routes", "load_source", 1.0, " s"),
    ("modules rewritten after one edit, 1,000 routes", "modules", 1.0, ""),
)
LOAD = (
    "import sys, time; from pathlib import Path; from routewright.table import load; began = time.perf_counter(); "
    "load(Path(sys.argv[1])); print(time.perf_counter() - began)"
)
# ru_maxrss is KiB on Linux and bytes on macOS.
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


class GenerateError(Exception):
    """`routewright` failed; the message is what it printed."""


class Run(NamedTuple):
    """Seconds, seconds of CPU and peak resident MiB of one process, start of Python included."""

    seconds: float
    cpu: float
    peak: float


async def measure(settings: Settings, progress: Callable[[str], None]) -> Section:
    section = Section(
        "generate",
        f"routewright check and generate, {MESSAGES} messages a route, one core",
        tuple(COLUMNS.values()),
    )
    if reason := gateway_absent():
        section.notes.append(f"absent: gateway: {reason}")
        return section
    found: dict[int, dict[str, float]] = {}
    for routes in SIZES[:2] if settings.quick else SIZES:
        progress(f"generate: {routes} routes")
        try:
            figures = await asyncio.to_thread(_figures, routes, max(1, min(3, settings.rounds)))
        except GenerateError as error:
            section.notes.append(f"{routes} routes: {error}")
            continue
        found[routes] = section.data[str(routes)] = figures
        section.rows.append((f"{routes:,}", *(number(figures[cell]) for cell in COLUMNS if cell != "routes")))
    if 1000 in found:
        section.targets += [Target(title, found[1000][cell], bound, unit) for title, cell, bound, unit in TARGETS]
    if found:
        rewritten = sum(figures["unchanged"] for figures in found.values())
        section.targets.append(Target("files rewritten though unchanged", rewritten, 0.0))
    if 3000 in found and 300 in found:
        for cell in ("check", "generate", "load_source"):
            growth = math.log(found[3000][cell] / found[300][cell]) / math.log(10)
            title = f"{COLUMNS[cell].removesuffix(', s')}: growth with the routes (exponent, 300 to 3,000)"
            section.targets.append(Target(title, growth, 1.1))
    return section


def _figures(routes: int, rounds: int) -> dict[str, float]:
    """Of first runs (medians), of a second one, and what later runs rewrote."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    generated = folder / "generated"
    try:
        document = wide.write(folder, routes, max(1, routes // 25))
        checks, first, unwarmed, warm = [], [], [], []
        for _ in range(rounds):
            shutil.rmtree(generated, ignore_errors=True)
            checks.append(_run(folder, "check"))
            first.append(_run(folder, "generate"))
            unwarmed.append(_load(generated))
            warm.append(_load(generated))
        before = _stamps(folder)
        again = _run(folder, "generate")
        unchanged = _changed(before, _stamps(folder))
        document["routes"][0]["messages"]["changed"]["summary"] = "Edited"
        (folder / "websocket-routes.json").write_text(json.dumps(document, indent=2) + "\n")
        before = _stamps(folder)
        _run(folder, "generate")
        edited = _changed(before, _stamps(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    check, generate = (Run(*map(median, zip(*runs, strict=True))) for runs in (checks, first))
    return {
        "check": check.seconds,
        "check_peak": check.peak,
        "generate": generate.seconds,
        "generate_cpu": generate.cpu,
        "generate_peak": generate.peak,
        "per_route": generate.seconds / routes * 1e3,
        "again": again.seconds,
        "load": median(warm),
        "load_source": median(unwarmed),
        "files": float(len(before)),
        "unchanged": float(len(unchanged)),
        "edited": float(len(edited)),
        "modules": float(sum(Path(path).name.startswith("area_") for path in edited)),
    }


def _run(folder: Path, verb: str) -> Run:
    core, _ = machine.cores()
    with open(folder / "log", "wb") as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(ROUTEWRIGHT), verb, str(folder / "websocket-routes.json")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=server.environment(),
            preexec_fn=lambda: machine.pin({core}),
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise GenerateError((folder / "log").read_text(errors="replace").strip()[-500:])
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * MAXRSS_UNIT / 2**20)


def _load(generated: Path) -> float:
    """Seconds that a fresh process takes to load the table; the first one leaves byte code for the next."""
    core, _ = machine.cores()
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(generated)],
        capture_output=True,
        text=True,
        env=server.environment(),
        preexec_fn=lambda: machine.pin({core}),
        check=False,
    )
    if done.returncode:
        raise GenerateError(done.stderr.strip()[-500:])
    return float(done.stdout)


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Of each generated file, what a rewrite would change."""
    files = [path for path in (folder / "generated").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def _changed(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> list[str]:
    return [path for path, stamp in after.items() if before.get(path) != stamp]
