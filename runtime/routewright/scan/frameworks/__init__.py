"""What each framework calls the things that make, hold and mount WebSocket endpoints: one table a framework."""

from routewright.scan.frameworks.aiohttp import AIOHTTP
from routewright.scan.frameworks.channels import CHANNELS
from routewright.scan.frameworks.fastapi import FASTAPI, STARLETTE
from routewright.scan.frameworks.flask import FLASK, FLASK_SOCK, QUART
from routewright.scan.frameworks.litestar import LITESTAR
from routewright.scan.frameworks.sanic import SANIC
from routewright.scan.frameworks.tornado import TORNADO
from routewright.scan.frameworks.websockets import WEBSOCKETS
from routewright.scan.vocabulary import Framework, Word

FRAMEWORKS: tuple[Framework, ...] = (
    FASTAPI,
    STARLETTE,
    AIOHTTP,
    CHANNELS,
    TORNADO,
    SANIC,
    QUART,
    FLASK_SOCK,
    FLASK,
    LITESTAR,
    WEBSOCKETS,
)

_CALLS: dict[tuple[str, str], tuple[Framework, Word]] = {
    (package, name): (framework, word)
    for framework in reversed(FRAMEWORKS)
    for package in framework.packages
    for name, word in framework.calls.items()
}
_BASES: dict[tuple[str, str], Framework] = {
    (package, name): framework for framework in FRAMEWORKS for package in framework.packages for name in framework.bases
}


def called(package: str, name: str) -> tuple[Framework, Word] | None:
    """The framework that a function or class belongs to, and what calling it means."""
    return _CALLS.get((package, name))


def is_known(package: str, name: str) -> bool:
    """Whether a name of a package stands in any of the tables."""
    return (package, name) in _CALLS or (package, name) in _BASES
