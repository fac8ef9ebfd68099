"""Litestar: decorated functions and classes that know their paths, in routers and controllers."""

from routewright.scan.vocabulary import At, Framework, Holds, Mounts, Registers, Word

_PATH = Registers(path=At(0, "path"))
_CALLS: dict[str, Word] = {
    "Litestar": Holds(app=True, prefix=At(keyword="path"), routes=(At(0, "route_handlers"),)),
    "Starlite": Holds(app=True, routes=(At(0, "route_handlers"),)),
    "Router": Holds(prefix=At(0, "path"), routes=(At(keyword="route_handlers"),)),
    "create_test_client": Holds(app=True, prefix=At(keyword="path"), routes=(At(0, "route_handlers"),)),
    "create_async_test_client": Holds(app=True, prefix=At(keyword="path"), routes=(At(0, "route_handlers"),)),
    "websocket": _PATH,
    "websocket_listener": _PATH,
    "websocket_stream": _PATH,
    "send_websocket_stream": _PATH,
    "WebsocketRouteHandler": _PATH,
}

LITESTAR = Framework(
    name="litestar",
    packages=("litestar", "starlite"),
    calls=_CALLS,
    methods={"register": Mounts(child=(At(0, "value"),))},
    bases=("WebsocketListener", "Controller"),
    handlers=frozenset(name for name, word in _CALLS.items() if word is _PATH),
    glue="/",
    trims=True,
)
