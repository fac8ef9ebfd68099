"""Django Channels: consumers in lists of ``path`` and ``re_path``."""

from routewright.scan.vocabulary import At, Framework, Holds, Registers

_PATH = Registers(path=At(0, "route"), handler=At(1, "view"))

CHANNELS = Framework(
    name="channels",
    packages=("channels", "django"),
    calls={
        "URLRouter": Holds(routes=(At(0, "routes"),)),
        "ProtocolTypeRouter": Holds(app=True, routes=(At(0, "application_mapping"),)),
        "path": _PATH,
        "re_path": _PATH,
        "url": _PATH,
        "include": Holds(routes=(At(0, "arg"),)),
    },
    bases=(
        "WebsocketConsumer",
        "AsyncWebsocketConsumer",
        "JsonWebsocketConsumer",
        "AsyncJsonWebsocketConsumer",
    ),
    syntax="django",
    ordered=True,
    checks=True,
)
