"""A project to reload, kill and drain: routes that answer ``ask`` with who they are and the nonce they were given."""

import json
from pathlib import Path
from typing import Any

from tests.served import Project

HANDLER = """\
import os

from routewright.handlers import Context, on

VERSION = {version!r}


@on("ask")
async def ask(message, context: Context):
    return {{"type": "answer", "payload": {{"nonce": message.nonce, "version": VERSION, "process": os.getpid()}}}}
"""


def route(name: str, **changes: Any) -> dict[str, Any]:
    """A route at ``/ws/<name>``, answered by the module ``<name>_handler``."""
    return {
        "path": f"/ws/{name}",
        "name": name,
        "pythonModule": f"{name}_handler",
        "rateLimit": False,
        "messages": {
            "ask": {"from": "client", "payload": nonce(), "reply": "answer"},
            "answer": {"from": "handler", "payload": {"type": "object"}},
        },
        **changes,
    }


def nonce(**properties: Any) -> dict[str, Any]:
    """The payload of ``ask``, with further properties."""
    return {"type": "object", "properties": {"nonce": {"type": "string", "default": ""}, **properties}}


def handler(version: str = "first") -> str:
    """The source of a handler module that answers ``ask`` with this version."""
    return HANDLER.format(version=version)


def asking(folder: Path, *routes: dict[str, Any]) -> Project:
    """A project of these routes (default: one, ``alpha``), each with a handler of version ``first``."""
    project = Project(folder)
    routes = routes or (route("alpha"),)
    project.spec({"routes": list(routes)})
    for each in routes:
        project.save(f"{each['pythonModule'].replace('.', '/')}.py", handler())
    return project


def ask(id: int | str = 1, nonce: str = "", **payload: Any) -> str:
    """The message ``ask`` as text."""
    return json.dumps({"type": "ask", "id": id, "payload": {"nonce": nonce, **payload}})
