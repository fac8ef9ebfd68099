"""The main table: CPU per message of all server processes, messages a second, p50 and p99, at window 1 and 16."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from picows import ws_connect

from bench import machine
from bench.field import BRIDGE, GATEWAY, NGINX, PEERS, Peer
from bench.section import Section, Target, median, quantile
from bench.server import Server, ServerError
from bench.settings import CONNECTIONS, WINDOWS, Settings
from bench.sockets import Pump, Tally, close

CpuByProcess = dict[tuple[int, str], tuple[float, float]]
COLUMNS = ("server", *(f"{figure} w{window}" for window in WINDOWS for figure in ("us", "msg/s", "p50 ms", "p99 ms")))
SPLIT = (GATEWAY, NGINX, BRIDGE)
RATIOS = ("gateway us x, w1", "w16")


@dataclass(frozen=True, slots=True)
class Sample:
    """One server in one round at one window; ``cpu`` in microseconds a message, latencies in milliseconds.

    ``foreign`` is the share of the server's core that processes outside the bench took: a high one spoils the
    throughput and the latencies, and CPU per message a little. ``split`` is ``cpu`` by process, user and system time.
    """

    round: int
    window: int
    cpu: float
    rate: float
    p50: float
    p99: float
    wrong: int
    lost: int
    load_cpu: float
    foreign: float
    split: dict[str, tuple[float, float]]


async def measure(settings: Settings, progress: Callable[[str], None]) -> Section:
    """Every server once a round, one after the other, so that drift of the machine touches all alike."""
    field = [peer for peer in (GATEWAY, *PEERS) if settings.wants(peer.name)]
    absent = {peer.name: reason for peer in field if (reason := peer.absent())}
    present = [peer for peer in field if peer.name not in absent]
    samples: dict[str, list[Sample]] = {peer.name: [] for peer in present}
    for round in range(1, settings.rounds + 1):
        for peer in [peer for peer in present if peer.name not in absent]:
            progress(f"round {round} of {settings.rounds}: {peer.title}")
            try:
                async with peer.server() as server:
                    for window in WINDOWS:
                        samples[peer.name].append(await burst(server, round, window, settings))
            except ServerError as error:
                absent[peer.name] = str(error)
    return _section([peer for peer in present if samples[peer.name]], samples, absent, settings)


async def burst(server: Server, round: int, window: int, settings: Settings) -> Sample:
    """Load one server and read what it took."""
    tally = Tally(len(server.reply))
    transports = []
    pumps = []
    for _ in range(CONNECTIONS):
        transport, pump = await ws_connect(lambda: Pump(tally, window), server.url)
        transports.append(transport)
        pumps.append(pump)
    for pump in pumps:
        pump.start()
    await asyncio.sleep(settings.warmup)
    core, _ = machine.cores()
    tally.reset()
    before = server.cpu_by_process()
    busy, cpu, load, began = machine.core_busy(core), server.cpu(), time.process_time(), time.perf_counter()
    await asyncio.sleep(settings.seconds)
    seconds = time.perf_counter() - began
    count, latencies = tally.count, sorted(tally.latencies)
    load, cpu, busy = time.process_time() - load, server.cpu() - cpu, machine.core_busy(core) - busy
    after = server.cpu_by_process()
    tally.running = False
    await close(transports)
    if not count:
        raise ServerError(f"{server.name} answered nothing at window {window}:\n{server.log()}")
    return Sample(
        round=round,
        window=window,
        cpu=cpu / count * 1e6,
        rate=count / seconds,
        p50=quantile(latencies, 0.5) * 1e3,
        p99=quantile(latencies, 0.99) * 1e3,
        wrong=tally.wrong,
        lost=tally.lost,
        load_cpu=load / seconds,
        foreign=max(0.0, (busy - cpu) / seconds),
        split=_split(before, after, count),
    )


def _split(before: CpuByProcess, after: CpuByProcess, count: int) -> dict[str, tuple[float, float]]:
    """Microseconds a message of user and of system time, by process; idle ones are left out."""
    found = {}
    for key, (user, system) in after.items():
        old_user, old_system = before.get(key, (0.0, 0.0))
        if user + system - old_user - old_system > 0.01:
            name = key[1] if key[1] not in found else f"{key[1]} {key[0]}"
            found[name] = ((user - old_user) / count * 1e6, (system - old_system) / count * 1e6)
    return found


def _section(
    present: list[Peer], samples: dict[str, list[Sample]], absent: dict[str, str], settings: Settings
) -> Section:
    section = Section(
        "messages", f"{CONNECTIONS} connections, JSON text frames, medians of {settings.rounds} rounds", ()
    )
    ratio = _ratios(samples)
    section.columns = COLUMNS + (RATIOS if "gateway" in samples else ())
    for peer in present:
        cells = []
        for window in WINDOWS:
            for key, places in (("cpu", 1), ("rate", 0), ("p50", 2), ("p99", 2)):
                cells.append(f"{_median(samples, peer.name, window, key):,.{places}f}")
        if "gateway" in samples:
            cells += [f"{ratio(peer.name, window, 'cpu'):.2f}" for window in WINDOWS]
        section.rows.append((peer.title, *cells))
    section.targets = _targets(samples, ratio)
    section.notes = _notes(present, samples, absent)
    section.data = _data(present, samples, absent)
    return section


def _median(samples: dict[str, list[Sample]], name: str, window: int, key: str) -> float:
    return median(getattr(sample, key) for sample in samples[name] if sample.window == window)


def _ratios(samples: dict[str, list[Sample]]) -> Callable[[str, int, str], float]:
    """The median over rounds of gateway / peer: paired, so that a slow round slows both."""

    def ratio(name: str, window: int, key: str) -> float:
        ours = {sample.round: getattr(sample, key) for sample in samples["gateway"] if sample.window == window}
        theirs = {sample.round: getattr(sample, key) for sample in samples[name] if sample.window == window}
        return median(ours[round] / theirs[round] for round in ours.keys() & theirs.keys() if theirs[round])

    return ratio


def _targets(samples: dict[str, list[Sample]], ratio: Callable[[str, int, str], float]) -> list[Target]:
    if not samples.get("gateway"):
        return []
    wanted = (
        ("node-ws", 16, "cpu", 1.0, "CPU per message, window 16, by Node ws echo"),
        ("bridge", 16, "cpu", 1 / 12, "CPU per message, window 16, by the usual bridge"),
        ("nginx", 1, "cpu", 0.75, "CPU per message, window 1, by nginx + aiohttp echo"),
        ("bridge", 1, "cpu", 1 / 7, "CPU per message, window 1, by the usual bridge"),
        ("aiohttp", 1, "p99", 1.5, "p99 at window 1, by aiohttp echo"),
    )
    return [
        Target(figure, round(ratio(name, window, key), 3), round(bound, 3), " x")
        for name, window, key, bound, figure in wanted
        if samples.get(name)
    ]


def _notes(present: list[Peer], samples: dict[str, list[Sample]], absent: dict[str, str]) -> list[str]:
    notes = [f"absent: {name}: {reason}" for name, reason in absent.items()]
    for peer in present:
        wrong = sum(sample.wrong for sample in samples[peer.name])
        lost = sum(sample.lost for sample in samples[peer.name])
        if wrong or lost:
            notes.append(f"{peer.name}: {wrong:,} replies of another size, {lost:,} connections lost: not comparable")
    notes += [_shares(peer.name, window, samples) for peer in present if peer in SPLIT for window in WINDOWS]
    foreign = max((sample.foreign for name in samples for sample in samples[name]), default=0.0)
    if foreign > 0.1:
        notes.append(f"other processes took up to {foreign:.0%} of the server's core: read CPU per message and ratios")
    full = [peer.name for peer in present if _median(samples, peer.name, 16, "load_cpu") > 0.95]
    if full:
        notes.append(f"the load generator's core was full at window 16 with {', '.join(full)}: msg/s is a lower bound")
    return notes


def _shares(name: str, window: int, samples: dict[str, list[Sample]]) -> str:
    """Which process takes how much of a message, and how much of that is the kernel."""
    splits = [sample.split for sample in samples[name] if sample.window == window]
    parts = []
    for process in splits[0]:
        user = median(split[process][0] for split in splits if process in split)
        system = median(split[process][1] for split in splits if process in split)
        parts.append(f"{process} {user + system:.1f} us ({user:.1f} user, {system:.1f} system)")
    return f"{name} w{window}: {', '.join(parts)}"


def _data(present: list[Peer], samples: dict[str, list[Sample]], absent: dict[str, str]) -> dict[str, Any]:
    medians = {
        peer.name: {
            str(window): {
                key: _median(samples, peer.name, window, key)
                for key in ("cpu", "rate", "p50", "p99", "foreign", "load_cpu")
            }
            for window in WINDOWS
        }
        for peer in present
    }
    return {
        "titles": {peer.name: peer.title for peer in present},
        "medians": medians,
        "rounds": {peer.name: [asdict(sample) for sample in samples[peer.name]] for peer in present},
        "absent": absent,
    }
