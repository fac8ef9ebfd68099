"""Actions about the machine itself."""

import asyncio
import os
import platform
from typing import Final

from backend.api.automation.action import Arguments, Step, Steps
from backend.api.automation.folder import Folder

DEFAULT_SECONDS: Final = 1.0
DEFAULT_STEPS: Final = 10


async def system_info(arguments: Arguments, folder: Folder) -> Steps:
    """Software, processors, memory; neither names of the machine nor of its users."""
    system = {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }
    yield Step(1, 3, f"{system['system']} {system['release']} on {system['machine']}")
    processors = os.cpu_count()
    load = [round(each, 2) for each in os.getloadavg()]
    yield Step(2, 3, f"{processors} processors, load {load[0]}")
    memory = {"total": _memory("SC_PHYS_PAGES"), "available": _memory("SC_AVPHYS_PAGES")}
    yield Step(
        3, 3, f"{memory['total']} bytes of memory", system | {"processors": processors, "load": load, "memory": memory}
    )


async def wait(arguments: Arguments, folder: Folder) -> Steps:
    """Nothing but time passes, in equal steps."""
    seconds = DEFAULT_SECONDS if arguments.seconds is None else arguments.seconds
    of = DEFAULT_STEPS if arguments.steps is None else arguments.steps
    for step in range(1, of + 1):
        await asyncio.sleep(seconds / of)
        done = round(seconds * step / of, 3)
        yield Step(step, of, f"{done:g} of {seconds:g} seconds", {"seconds": seconds} if step == of else None)


def _memory(pages: str) -> int | None:
    """Bytes, or ``None`` where the system does not tell."""
    if pages not in os.sysconf_names:
        return None
    return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
