"""Handler modules for a drafted spec: every request is answered with an error until someone writes what it does."""

from collections.abc import Mapping
from typing import Any

from routewright.codegen.literals import docstring, string
from routewright.codegen.names import plain

_HEAD = """{doc}

from routewright.handlers import Context, HandlerError, on
"""
_REQUEST = """

@on({name})
async def {function}(message: object, context: Context) -> None:
    raise HandlerError("not_written", {text})
"""
_ANY = """

@on.any
async def receive(message: object, context: Context) -> None:
    raise HandlerError("not_written", "no message is handled yet")
"""


def skeletons(document: Mapping[str, Any]) -> dict[str, str]:
    """The text of each handler module, by its path below the project."""
    modules: dict[str, list[Mapping[str, Any]]] = {}
    for route in document["routes"]:
        if "pythonModule" in route:
            modules.setdefault(route["pythonModule"], []).append(route)
    return {f"{module.replace('.', '/')}.py": _module(routes) for module, routes in modules.items()}


def _module(routes: list[Mapping[str, Any]]) -> str:
    paths = ", ".join(route["path"] for route in routes)
    text = _HEAD.format(doc=docstring(f"Handlers of {paths}."))
    written: set[str] = set()
    for route in routes:
        for name, message in route.get("messages", {}).items():
            if message.get("from", "client") != "handler" and name not in written:
                written.add(name)
                text += _REQUEST.format(
                    name=string(name), function=_function(name, len(written)), text=string(f"{name} is not handled yet")
                )
    if any(route.get("open", "messages" not in route) for route in routes):
        text += _ANY
    return text


def _function(name: str, number: int) -> str:
    words = "".join(each if each.isalnum() else "_" for each in name)
    return words if plain(words) and words not in ("on", "receive") else f"handle_{number}"
