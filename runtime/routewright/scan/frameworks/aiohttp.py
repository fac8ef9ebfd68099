"""aiohttp's server: any GET route may turn into a WebSocket, so handlers are looked into."""

from routewright.scan.vocabulary import At, Framework, Holds, Mounts, Registers, Word

_GET = Registers(path=At(0, "path"), handler=At(1, "handler"))
_ROUTE = Registers(path=At(1, "path"), handler=At(2, "handler"))
_METHODS: dict[str, Word] = {
    "add_get": _GET,
    "add_view": _GET,
    "add_route": _ROUTE,
    "add_routes": Mounts(child=(At(0, "routes"),)),
    "add_resource": Mounts(prefix=At(0, "path"), gives=True),
    "add_subapp": Mounts(child=(At(1, "subapp"),), prefix=At(0, "prefix")),
    "add_domain": Mounts(child=(At(1, "subapp"),)),
    "get": Registers(path=At(0, "path")),
    "view": Registers(path=At(0, "path")),
    "route": Registers(path=At(1, "path")),
}

AIOHTTP = Framework(
    name="aiohttp",
    packages=("aiohttp",),
    calls={
        "Application": Holds(app=True),
        "RouteTableDef": Holds(),
        "get": _GET,
        "view": _GET,
        "route": _ROUTE,
        "Server": Registers(path=None, handler=At(0, "handler")),
    },
    methods=_METHODS,
    checks=True,
)
