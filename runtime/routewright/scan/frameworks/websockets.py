"""The ``websockets`` library: one handler for every path, or werkzeug's rules."""

from routewright.scan.vocabulary import At, Framework, Registers

_SERVE = Registers(path=None, handler=At(0, "handler"))

WEBSOCKETS = Framework(
    name="websockets",
    packages=("websockets", "werkzeug"),
    calls={
        "serve": _SERVE,
        "unix_serve": _SERVE,
        "Serve": _SERVE,
        "Rule": Registers(path=At(0, "string"), handler=At(keyword="endpoint")),
    },
    syntax="angles",
)
