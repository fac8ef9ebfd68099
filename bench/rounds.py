"""Several servers, measured in turn, several times."""

from collections.abc import Awaitable, Callable, Sequence

from picows import WSError

from bench.field import Peer
from bench.section import Section, median, number
from bench.server import Server, ServerError
from bench.settings import Settings

Figures = tuple[float, ...]


async def over(
    section: Section,
    peers: Sequence[Peer],
    rounds: int,
    once: Callable[[Server], Awaitable[Figures]],
    settings: Settings,
    progress: Callable[[str], None],
) -> dict[str, list[Figures]]:
    """Measure each server that can be had, freshly started, once a round; fills in the section's rows and notes.

    Args:
        once: measures a started server; its figures are the row's cells.

    Returns:
        name -> the figures of each round.
    """
    found: dict[str, list[Figures]] = {}
    absent: dict[str, str] = {}
    present = [peer for peer in peers if settings.wants(peer.name)]
    for round in range(1, rounds + 1):
        for peer in [peer for peer in present if peer.name not in absent]:
            progress(f"{section.name}, round {round} of {rounds}: {peer.title}")
            if reason := peer.absent():
                absent[peer.name] = reason
                continue
            try:
                async with peer.server() as server:
                    figures = await once(server)
            except (ServerError, WSError, OSError, TimeoutError) as error:
                absent[peer.name] = str(error) or repr(error)
            else:
                found.setdefault(peer.name, []).append(figures)
    for peer in present:
        if samples := found.get(peer.name):
            cells = [number(median(column)) for column in zip(*samples, strict=True)]
            section.rows.append((peer.title, *cells))
    section.notes += [f"absent: {name}: {reason}" for name, reason in absent.items()]
    section.data = {"rounds": found, "absent": absent}
    return found
