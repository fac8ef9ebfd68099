"""A gateway process: serves until its supervisor says otherwise, or is gone.

Started as ``python -m routewright.gateway`` with its listening socket and its end of the control channel inherited; its
one argument is a JSON object (see `Start`).
"""

import asyncio
import gc
import signal
import socket
import ssl
import sys
from pathlib import Path
from typing import Any

import msgspec
import structlog
import zmq

from routewright.gateway.auth.elsewhere import ABOUT, Elsewhere
from routewright.gateway.auth.identity import AuthError
from routewright.gateway.beside import beside
from routewright.gateway.breakers import hold
from routewright.gateway.control import (
    Ask,
    Commit,
    Control,
    Discard,
    Done,
    Drain,
    Ended,
    Gone,
    Hold,
    Keep,
    Listening,
    Message,
    Pools,
    Prepare,
    Refused,
    Relay,
    Release,
    Settle,
)
from routewright.gateway.curve import CurveError, Guard, needed
from routewright.gateway.figures import figures
from routewright.gateway.gateway import TICK, Gateway, pools_report, upstreams_report
from routewright.gateway.listener import Listener
from routewright.gateway.logs import configure_logs
from routewright.gateway.peers import Others
from routewright.hooks import PluginError, Reloaded
from routewright.policies.circuit_breaker import Mode
from routewright.table import Bridge, Settings, TableError
from routewright.table.overrides import OverrideError

log = structlog.get_logger("routewright.gateway")


class Start(msgspec.Struct):
    """What a gateway process is told at its start; ``processes``: how many there are; ``holds``: the breakers that an
    operator holds, by route."""

    project: str
    endpoint: str
    listening: int
    control: int
    worker_key: str = ""
    processes: int = 1
    overrides: dict[str, Any] = {}
    holds: dict[str, Mode] = {}
    log_level: str = "info"
    log_format: str = "auto"


class GatewayProcess:
    """One gateway with its listener and its end of the control channel."""

    def __init__(self, start: Start) -> None:
        self.start = start
        self.gateway = Gateway(Path(start.project), start.endpoint, start.overrides)
        self.gateway.holds |= start.holds
        self.control = Control(self.handle)
        self.listener: Listener | None = None
        self.guard: Guard | None = None

    async def run(self) -> int:
        """Serve until the control channel closes; the exit code."""
        await self.control.open(socket.socket(fileno=self.start.control))
        gateway = self.gateway
        try:
            gateway.epochs.prepare(gateway.epochs.load())
            gateway.epochs.commit()
            self._start_bridge(gateway.settings.bridge)
            gateway.on_pools_changed = self._tell_pools
            if self.start.processes > 1:
                gateway.relay = Others(self.control)
                elsewhere = Elsewhere(gateway.relay, gateway.auth.redeem_here)
                gateway.auth.elsewhere = elsewhere.redeem
                gateway.relayed[ABOUT] = elsewhere.relayed
                gateway.events.start()
                gateway.reliable.handover.others = self.start.processes - 1
            await gateway.plugins.startup(gateway.table)
            await gateway.reliable.restart.bring()
            self.listener = Listener(gateway)
            listening = socket.socket(fileno=self.start.listening)
            await self.listener.start(listening, _tls(gateway.settings, gateway.project))
        except (TableError, PluginError, AuthError, OverrideError, CurveError, zmq.ZMQError, OSError) as error:
            self.control.tell(Listening(str(error)))
            await self.control.closed.wait()
            return 1
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 50, 50)
        self.control.tell(Listening())
        ticking = asyncio.create_task(self._tick())
        await self.control.closed.wait()
        await self.listener.stop()
        await gateway.drain.run(0.0)
        await self.listener.shut()
        await gateway.settle()
        await gateway.auth.close()
        await gateway.plugins.shutdown()
        ticking.cancel()
        gateway.bridge.stop()
        if self.guard is not None:
            self.guard.stop()
        return 0

    def _start_bridge(self, bridge: Bridge) -> None:
        if not needed(bridge):
            self.gateway.bridge.start()
            return
        self.guard = Guard(bridge, self.start.worker_key, zmq.Context.instance())
        self.guard.start()
        self.gateway.bridge.start(self.guard.configure)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self.gateway.tick()
            if self.listener is not None:
                self.listener.tick()

    async def _tell_plugins(self, report: Reloaded) -> None:
        plugins = self.gateway.plugins
        try:
            await plugins.startup(self.gateway.table)
        except PluginError as error:
            log.error("a plugin does not start", reason=str(error))
        await plugins.reloaded(report)

    def _tell_pools(self) -> None:
        self.control.tell(Pools(pools_report(self.gateway), upstreams_report(self.gateway)))

    async def handle(self, message: Message) -> Message | None:
        """Do what the supervisor asks."""
        gateway = self.gateway
        match message:
            case Prepare():
                try:
                    gateway.epochs.prepare(await beside(gateway.epochs.load))
                except (TableError, PluginError, AuthError, OverrideError) as error:
                    return Done(str(error))
                return Done()
            case Commit():
                report = gateway.epochs.commit(frozenset(message.keep))
                gateway.spawn(self._tell_plugins(report))
                return Done(value=msgspec.to_builtins(report))
            case Discard():
                gateway.epochs.discard()
                return Done()
            case Gone():
                gateway.bridge.gone(message.name, message.process)
                return None
            case Release():
                gateway.superseded(message.name, frozenset(message.processes))
                return Done()
            case Refused():
                report = Reloaded(epoch=gateway.epoch, digest=gateway.table.digest, problems=(message.problem,))
                gateway.spawn(gateway.plugins.reloaded(report))
                return None
            case Relay():
                if message.about in gateway.relayed:
                    gateway.relayed[message.about](message.source, message.data)
                return None
            case Ended():
                gateway.ended(message.process)
                return None
            case Ask():
                return Done(value=figures(gateway))
            case Hold():
                return Done(hold(gateway, message.route, message.mode))
            case Drain():
                if self.listener is not None:
                    await self.listener.stop()
                await gateway.drain.empty(message.seconds)
                return Done()
            case Settle():
                return Done(value=await gateway.drain.settle(message.seconds))
            case Keep():
                await gateway.drain.finish(message.seconds)
                return Done()
            case _:
                return None


def _tls(settings: Settings, project: Path) -> ssl.SSLContext | None:
    if settings.tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(project / settings.tls.certificate, project / settings.tls.key)
    return context


def main(argument: str) -> int:
    """Run a gateway process; the exit code."""
    start = msgspec.json.decode(argument, type=Start)
    configure_logs(start.log_level, start.log_format)
    # the supervisor decides when to end; a signal to the whole group reaches it too
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.path.insert(0, start.project)

    async def run() -> int:
        return await GatewayProcess(start).run()

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(run())


def loop_factory() -> Any:
    """uvloop's event loop where it can be had, else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
