"""``serve``: the whole gateway, from the command to the exit code."""

import asyncio
import signal
import sys
from pathlib import Path

import structlog

from routewright.gateway.admin import Admin
from routewright.gateway.logs import configure_logs
from routewright.gateway.options import Compile, Options
from routewright.gateway.process import loop_factory
from routewright.gateway.report import readiness
from routewright.gateway.supervisor import StartFailed, Supervisor

log = structlog.get_logger("routewright.supervisor")


def serve(project: Path, options: Options, compile: Compile | None) -> int:
    """Serve until a signal says otherwise.

    Args:
        project: the folder of the spec.
        compile: checks the spec and publishes ``generated/``; ``None`` serves ``generated/`` as it is.

    Returns:
        The exit code: 0 after a drain, 1 if the gateway could not start.
    """
    configure_logs(options.log_level, options.log_format)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_serve(project, options, compile))


async def _serve(project: Path, options: Options, compile: Compile | None) -> int:
    supervisor = Supervisor(project, options, compile)
    admin = Admin(supervisor)
    ended = asyncio.Event()
    hurried = asyncio.Event()
    loop = asyncio.get_running_loop()

    def signalled() -> None:
        (hurried if ended.is_set() else ended).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    starting = asyncio.create_task(_start(supervisor, admin))
    waiting = asyncio.create_task(ended.wait())
    await asyncio.wait((starting, waiting), return_when=asyncio.FIRST_COMPLETED)
    code = 0
    if starting.done():
        try:
            starting.result()
            await waiting
        except StartFailed as error:
            print(error, file=sys.stderr)
            code = 1
    else:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
    waiting.cancel()
    if code == 0:
        log.info("draining")
    stopping = asyncio.create_task(_stop(supervisor, admin, 0.0 if code else None))
    hurry = asyncio.create_task(hurried.wait())
    await asyncio.wait((stopping, hurry), return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    if not stopping.done():
        stopping.cancel()
    await asyncio.gather(stopping, return_exceptions=True)
    supervisor.kill()
    return code


async def _start(supervisor: Supervisor, admin: Admin) -> None:
    await supervisor.start()
    admin_host, admin_port = await admin.start()
    if supervisor.listening is None:
        raise StartFailed("the gateway does not listen")
    host, port = supervisor.listening.getsockname()[:2]
    scheme = "wss" if supervisor.settings.tls is not None else "ws"
    log.info(
        "ready" if readiness(supervisor)["ready"] else "serving, but not every route is ready",
        url=f"{scheme}://{_bracket(host)}:{port}",
        admin=f"http://{_bracket(admin_host)}:{admin_port}",
        routes=[route.path for route in supervisor.table.routes],
        bridge=[gateway.endpoint for gateway in supervisor.gateways],
    )


async def _stop(supervisor: Supervisor, admin: Admin, seconds: float | None) -> None:
    if seconds is None:
        seconds = supervisor.settings.drain
    await supervisor.stop(seconds)
    await admin.stop()


def _bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host
