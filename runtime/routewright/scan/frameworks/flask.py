"""Quart, and Flask-Sock on top of Flask: blueprints whose prefix gives way to that of the registration."""

from routewright.scan.vocabulary import At, Framework, Holds, Mounts, Registers

_REGISTER = Mounts(child=(At(0, "blueprint"),), prefix=At(keyword="url_prefix"), replaces=True)

QUART = Framework(
    name="quart",
    packages=("quart", "quart_trio"),
    calls={
        "Quart": Holds(app=True),
        "QuartTrio": Holds(app=True),
        "Blueprint": Holds(prefix=At(keyword="url_prefix")),
    },
    methods={
        "websocket": Registers(path=At(0, "rule")),
        "add_websocket": Registers(path=At(0, "rule"), handler=At(2, "view_func")),
        "register_blueprint": _REGISTER,
    },
    syntax="angles",
    glue="/",
)

FLASK_SOCK = Framework(
    name="flask-sock",
    packages=("flask_sock", "flask_sockets"),
    calls={
        "Sock": Holds(inside=At(0, "app")),
        "Sockets": Holds(inside=At(0, "app")),
    },
    methods={"route": Registers(path=At(0, "path"), into=At(1, "bp"))},
    syntax="angles",
    glue="/",
)

FLASK = Framework(
    name="flask",
    packages=("flask",),
    calls={
        "Flask": Holds(app=True),
        "Blueprint": Holds(prefix=At(keyword="url_prefix")),
    },
    methods={"register_blueprint": _REGISTER},
    syntax="angles",
    glue="/",
)
