"""FastAPI, and Starlette below it."""

from routewright.scan.vocabulary import At, Framework, Holds, Mounts, Registers, Word

_ROUTES = At(keyword="routes")
_STARLETTE_CALLS: dict[str, Word] = {
    "Starlette": Holds(app=True, routes=(At(1, "routes"),)),
    "Router": Holds(routes=(At(0, "routes"),)),
    "WebSocketRoute": Registers(path=At(0, "path"), handler=At(1, "endpoint")),
    "Mount": Mounts(child=(At(1, "app"), _ROUTES), prefix=At(0, "path")),
    "Host": Mounts(child=(At(1, "app"),)),
}
_METHODS: dict[str, Word] = {
    "websocket": Registers(path=At(0, "path")),
    "websocket_route": Registers(path=At(0, "path")),
    "add_websocket_route": Registers(path=At(0, "path"), handler=At(1, "route")),
    "mount": Mounts(child=(At(1, "app"),), prefix=At(0, "path")),
    "host": Mounts(child=(At(1, "app"),)),
}

FASTAPI = Framework(
    name="fastapi",
    packages=("fastapi",),
    calls={
        "FastAPI": Holds(app=True, routes=(_ROUTES,)),
        "APIRouter": Holds(prefix=At(keyword="prefix"), routes=(_ROUTES,)),
        "APIWebSocketRoute": Registers(path=At(0, "path"), handler=At(1, "endpoint")),
        "Mount": _STARLETTE_CALLS["Mount"],
        "Host": _STARLETTE_CALLS["Host"],
    },
    methods={
        **_METHODS,
        "add_api_websocket_route": Registers(path=At(0, "path"), handler=At(1, "endpoint")),
        "include_router": Mounts(child=(At(0, "router"),), prefix=At(keyword="prefix")),
    },
    ordered=True,
)

STARLETTE = Framework(
    name="starlette",
    packages=("starlette",),
    calls=_STARLETTE_CALLS,
    methods=_METHODS,
    bases=("WebSocketEndpoint",),
    ordered=True,
)
