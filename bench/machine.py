"""The machine: its facts for the record, and which core does what."""

import os
import platform
import resource
import shutil
import subprocess
import sys
from importlib import metadata
from typing import Any

import psutil

PACKAGES = ("routewright", "aiohttp", "uvloop", "msgspec", "pyzmq", "picows", "websockets")


def cores() -> tuple[int, int]:
    """The server's core and the load generator's; the same one twice where there is only one."""
    if not hasattr(os, "sched_getaffinity"):
        return 0, 0
    allowed = sorted(ALLOWED)
    return allowed[0], allowed[-1]


ALLOWED = frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else frozenset({0})


def pin(cores: set[int]) -> None:
    """Bind this process to some cores; without effect where the system cannot."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def raise_file_limit() -> None:
    """Allow as many open sockets as the hard limit does (child processes inherit it)."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def core_busy(core: int) -> float:
    """Seconds that a core has spent on processes, of anyone; 0 where the system does not tell."""
    if not sys.platform.startswith("linux"):
        return 0.0
    times = psutil.cpu_times(percpu=True)[core]
    return float(times.user + times.nice + times.system + times.steal)


def facts() -> dict[str, Any]:
    """What a reader needs to judge a figure."""
    server, load = cores()
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memoryMiB": psutil.virtual_memory().total // 2**20,
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "node": _output("node", "--version"),
        "nginx": _output("nginx", "-v").removeprefix("nginx version: "),
        "packages": {name: _version(name) for name in PACKAGES},
        "commit": _output("git", "rev-parse", "--short", "HEAD"),
        "serverCore": server,
        "loadCore": load,
        "loadAverage": os.getloadavg()[0],
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = [line for line in file if line.startswith("model name")]
    except OSError:
        lines = []
    return lines[0].split(":", 1)[1].strip() if lines else platform.processor()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _output(program: str, *arguments: str) -> str:
    path = shutil.which(program)
    if path is None:
        return ""
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip()
