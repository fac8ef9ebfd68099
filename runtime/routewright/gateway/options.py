"""How the gateway is started, and what it is handed to compile a spec with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Compiled:
    """What came of compiling the spec and publishing ``generated/``.

    Attributes:
        ok: whether ``generated/`` now holds this spec.
        report: the errors as text, to be printed; empty where there are none.
        problems: how many there are.
        warnings: how many there are beside the errors.
        files: every file that was read, for watching.
    """

    ok: bool
    report: str = ""
    problems: int = 0
    files: tuple[Path, ...] = ()
    warnings: int = 0


Compile: TypeAlias = Callable[[], Compiled]


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decides.

    Attributes:
        overrides: settings laid over those of the spec, see `routewright.table.overrides`.
        processes: gateway processes that share the listening socket.
        watch: reload when the spec, ``generated/``, a handler module or a plugin changes.
        log_level: ``debug``, ``info``, ``warning`` or ``error``.
        log_format: ``json``, ``text`` or ``auto`` (text on a terminal).
    """

    overrides: dict[str, Any] = field(default_factory=dict)
    processes: int = 1
    watch: bool = True
    log_level: str = "info"
    log_format: str = "auto"
