"""How a child process is started: what a terminal's interrupt means is for its supervisor alone to say.

Strategy: the terminal sends the interrupt to every process of its session, so a child is started in one of its own:
Python could die of an interrupt before its first line. One that is meant for the child it ignores from that line on;
once it runs, it may listen to it.
"""

import sys

_BOOT = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
)


def command(module: str, *arguments: str) -> list[str]:
    """The command for ``python -m module arguments``."""
    return [sys.executable, "-c", _BOOT.format(module=module), *arguments]
