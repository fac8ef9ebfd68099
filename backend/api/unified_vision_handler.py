"""``/ws/vision``: what is to be seen on this machine's screen, and when it changes.

Strategy: everything that touches pixels runs in threads; the event loop only passes results on. A session remembers its
last analysis, to tell what has changed since, and its monitoring, if there is one.
"""

from collections.abc import Iterable
from typing import Any, Final

from backend.api.vision import analysis, change
from backend.api.vision.capture import CaptureError, capture, from_payload
from backend.api.vision.change import ChangedCell, compare, snapshot
from backend.api.vision.monitoring import Monitoring, Sight
from generated import components
from generated.vision import (
    MonitoringStarted,
    MonitoringStopped,
    RequestWorkspaceAnalysis,
    StartMonitoring,
    WorkspaceAnalysis,
    WorkspaceAnalysisChanged,
    WorkspaceChanged,
)
from routewright.handlers import Context, HandlerError, on

SEEN: Final = "seen"
"""Where a session keeps the snapshot of its last analysis."""

MONITORING: Final = "monitoring"
"""Where a session keeps its monitoring."""


@on(RequestWorkspaceAnalysis)
def analyze_workspace(message: RequestWorkspaceAnalysis, context: Context) -> WorkspaceAnalysis:
    """Capture and measure; a plain function, so it runs in a thread."""
    try:
        taken = from_payload(message.image) if isinstance(message.image, str) else capture()
    except CaptureError as error:
        raise HandlerError("invalid_message", str(error)) from error
    found = analysis.analyze(taken.image, colors=message.colors, columns=message.columns, rows=message.rows)
    before, after = context.session.state.get(SEEN), snapshot(taken.image)
    context.session.state[SEEN] = after
    changed = None
    if before is not None:
        compared = compare(before, after, columns=message.columns, rows=message.rows)
        changed = WorkspaceAnalysisChanged(share=compared.share, cells=_cells(compared.cells))
    return WorkspaceAnalysis(
        source=taken.source,
        width=found.width,
        height=found.height,
        colors=[components.Color(hex=color.hex, share=color.share) for color in found.colors],
        brightness=_brightness(found.brightness),
        textDensity=[list(row) for row in found.text_density],
        changed=changed,
    )


@on(StartMonitoring)
async def start_monitoring(message: StartMonitoring, context: Context) -> MonitoringStarted:
    """Watch from now on, instead of whatever was watched before."""
    session = context.session

    def report(sight: Sight, seen: change.Change, number: int) -> None:
        session.send(
            WorkspaceChanged(
                sequence=number,
                source=sight.source,
                width=sight.snapshot.width,
                height=sight.snapshot.height,
                brightness=_brightness(sight.brightness),
                share=seen.share,
                cells=_cells(seen.cells),
            )
        )

    monitoring = Monitoring(capture=capture, report=report, interval=message.interval, threshold=message.threshold)
    # Before anything is waited for, so that of several at a time all but the last one are stopped.
    before: Monitoring | None = session.state.get(MONITORING)
    session.state[MONITORING] = monitoring
    if before is not None:
        await before.stop()
    try:
        first = await monitoring.start()
    except CaptureError as error:
        if session.state.get(MONITORING) is monitoring:
            del session.state[MONITORING]
        raise HandlerError("invalid_message", str(error)) from error
    return MonitoringStarted(
        source=first.source,
        width=first.snapshot.width,
        height=first.snapshot.height,
        interval=message.interval,
        threshold=message.threshold,
    )


@on("stop_monitoring")
async def stop_monitoring(message: None, context: Context) -> MonitoringStopped:
    """Watch no longer; there may be nothing to stop."""
    stopped = await _stop(context.session.state)
    if stopped is None:
        return MonitoringStopped(active=False, captures=0, failures=0, events=0)
    return MonitoringStopped(active=True, captures=stopped.captures, failures=stopped.failures, events=stopped.events)


@on.disconnect
async def leave(context: Context) -> None:
    """Nobody is there to be told of changes any more."""
    await _stop(context.session.state)


async def _stop(state: dict[str, Any]) -> Monitoring | None:
    monitoring: Monitoring | None = state.pop(MONITORING, None)
    if monitoring is not None:
        await monitoring.stop()
    return monitoring


def _brightness(found: analysis.Brightness) -> components.Brightness:
    return components.Brightness(mean=found.mean, deviation=found.deviation)


def _cells(cells: Iterable[ChangedCell]) -> list[components.ChangedCell]:
    return [components.ChangedCell(column=cell.column, row=cell.row, share=cell.share) for cell in cells]
