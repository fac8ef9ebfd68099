"""``python -m bench``: run the measurements, print their tables, write them to bench/results/."""

import argparse
import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence

import uvloop

from bench import (
    balance,
    batch,
    broadcast,
    compressed,
    compression,
    generate,
    idle,
    live,
    machine,
    messages,
    policies,
    profile,
    reload,
    report,
    upgrades,
)
from bench.field import GATEWAY, PEERS
from bench.section import Section
from bench.settings import RESULTS, Settings

Measurement = Callable[[Settings, Callable[[str], None]], Awaitable[Section]]

MEASUREMENTS: dict[str, Measurement | tuple[Measurement, ...]] = {
    "messages": messages.measure,
    "broadcast": broadcast.measure,
    "idle": idle.measure,
    "upgrades": upgrades.measure,
    "generate": generate.measure,
    "live": live.measure,
    "reload": reload.measure,
    "policies": policies.measure,
    "balance": balance.measure,
    "batch": batch.measure,
    "compression": (compression.measure, compressed.measure),
    "profile": profile.measure,
}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line; ends the process with 2 on a wrong one."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute: the main table alone, 2 short rounds")
    parser.add_argument("--rounds", type=int, help="rounds of each measurement (5; quick: 2)")
    parser.add_argument("--seconds", type=float, help="seconds of load on one server at one window (3; quick: 1)")
    parser.add_argument("--peers", default="", metavar="A,B", help=f"of: {', '.join(peer.name for peer in PEERS)}")
    parser.add_argument("--only", default="", metavar="A,B", help=f"of: {', '.join(MEASUREMENTS)}")
    options = parser.parse_args(arguments)
    for flag, known in (("peers", [peer.name for peer in (GATEWAY, *PEERS)]), ("only", list(MEASUREMENTS))):
        names = tuple(name for name in getattr(options, flag).split(",") if name)
        for name in names:
            if name not in known:
                parser.error(f"--{flag}: {name!r} is none of {', '.join(known)}")
        setattr(options, flag, names)
    if (options.rounds is not None and options.rounds < 1) or (options.seconds is not None and options.seconds <= 0):
        parser.error("--rounds and --seconds must be positive")
    return options


def settings(options: argparse.Namespace) -> Settings:
    quick = options.quick
    return Settings(
        rounds=options.rounds or (2 if quick else 5),
        seconds=options.seconds or (1.0 if quick else 3.0),
        warmup=0.3 if quick else 0.5,
        peers=options.peers,
        quick=quick,
    )


def progress(text: str) -> None:
    """One line on a terminal that the next one replaces; nothing elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}" if text else "\r\033[K")
        sys.stderr.flush()


async def run(options: argparse.Namespace) -> None:
    """All measurements in turn; what was measured before an interruption is written all the same."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    asked = settings(options)
    facts = machine.facts()
    _, core = machine.cores()
    machine.raise_file_limit()
    machine.pin({core})
    gc.freeze()
    sections: list[Section] = []
    try:
        for name in options.only or (("messages",) if asked.quick else MEASUREMENTS):
            found = MEASUREMENTS[name]
            for measure in found if isinstance(found, tuple) else (found,):
                section = await measure(asked, progress)
                progress("")
                report.show(section)
                sections.append(section)
    finally:
        progress("")
        if sections:
            for file in report.write(RESULTS, facts, sections):
                print(f"written: {file}")


def main() -> int:
    options = parse(sys.argv[1:])
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("interrupted: every server has been stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
