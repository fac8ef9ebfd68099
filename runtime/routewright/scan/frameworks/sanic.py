"""Sanic: blueprints, groups of them, and versions."""

from routewright.scan.vocabulary import At, Framework, Holds, Mounts, Registers

_VERSION = At(keyword="version")

SANIC = Framework(
    name="sanic",
    packages=("sanic",),
    calls={
        "Sanic": Holds(app=True),
        "Blueprint": Holds(prefix=At(1, "url_prefix"), version=_VERSION),
        "BlueprintGroup": Holds(prefix=At(0, "url_prefix"), version=_VERSION),
        "group": Holds(prefix=At(keyword="url_prefix"), version=_VERSION, every=True),
    },
    methods={
        "websocket": Registers(path=At(0, "uri"), version=_VERSION),
        "add_websocket_route": Registers(path=At(1, "uri"), handler=At(0, "handler"), version=_VERSION),
        "blueprint": Mounts(child=(At(0, "blueprint"),), prefix=At(keyword="url_prefix"), replaces=True),
        "append": Mounts(child=(At(0),)),
        "extend": Mounts(child=(At(0),)),
    },
    syntax="angles",
    glue="/",
)
