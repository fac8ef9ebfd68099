"""Tornado: pairs of a regular expression and a handler class, in lists."""

from routewright.scan.vocabulary import At, Framework, Holds, Mounts, Registers

_RULE = Registers(path=At(0, "pattern"), handler=At(1, "handler"))

TORNADO = Framework(
    name="tornado",
    packages=("tornado",),
    calls={
        "Application": Holds(app=True, routes=(At(0, "handlers"),)),
        "RuleRouter": Holds(routes=(At(0, "rules"),)),
        "ReversibleRuleRouter": Holds(routes=(At(0, "rules"),)),
        "url": _RULE,
        "URLSpec": _RULE,
        "Rule": Registers(path=At(0, "matcher"), handler=At(1, "target")),
    },
    methods={
        "add_handlers": Mounts(child=(At(1, "host_handlers"),)),
        "add_rules": Mounts(child=(At(0, "rules"),)),
    },
    bases=("WebSocketHandler",),
    syntax="regex",
    ordered=True,
    checks=True,
)
