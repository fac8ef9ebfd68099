"""Channels and messages -> the document of a route spec that ``check`` accepts.

Strategy: routes are put together freely, then the compiler's own check says what it does not take. Each such node is
deleted and named, until nothing is left to refuse.
"""

import json
import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from routewright.codegen.asyncapi import OWN
from routewright.codegen.importing.exchanges import Channel, Said, channels
from routewright.codegen.importing.reading import ImportProblem, read
from routewright.codegen.importing.schemas import Schemas
from routewright.codegen.importing.source import Place, Source
from routewright.spec import Problem, check, names

_SOCKETS = ("ws", "wss")
_OURS = ("error", "frame")
_ROUNDS = 100
_ENVELOPE = (
    'assumed: messages may travel in envelopes, {"type": NAME, "payload": ...}; where clients cannot be changed, write'
    ' "framing": "raw" and let the handler read the frames'
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted spec: its ``document``, and ``notes`` of what was left out or assumed."""

    document: dict[str, Any]
    notes: tuple[str, ...]


def drafted(path: Path, *, as_client: bool = False) -> Draft:
    """The spec that an AsyncAPI document amounts to.

    Raises:
        ImportProblem: the file is no AsyncAPI document, or none of its channels is a WebSocket.
    """
    source = Source(read(path))
    version = source.root.text("asyncapi")
    if not re.match(r"[23]\.\d", version):
        said = f"AsyncAPI {version}" if version else "no AsyncAPI document"
        raise ImportProblem(f"{path} is {said}", "documents of AsyncAPI 2.x and 3.x can be imported")
    found = channels(source, as_client=as_client)
    document = _Drafting(source).document(found)
    if not any(_is_ours(said.place) for channel in found for said in channel.messages.values()):
        side, other = ("client", "gateway") if as_client else ("gateway", "client")
        source.note(
            f"assumed: the document speaks as the {side} (if it speaks as the {other}, the senders are swapped)"
        )
        source.note(_ENVELOPE)
    _refused(document, source)
    if not document.get("routes"):
        raise ImportProblem(f"{path} has no channel that a route could be made of", "\n".join(source.notes))
    return Draft(document, tuple(source.notes))


class _Drafting:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._schemas = Schemas(source)
        self._prefix = self._servers()

    def document(self, found: list[Channel]) -> dict[str, Any]:
        """The whole spec."""
        root, info = self._source.root, self._source.follow(self._source.root / "info")
        about = {key: info.text(key) for key in ("title", "version", "description") if info.text(key)}
        routes: dict[str, dict[str, Any]] = {}
        for channel in found:
            if self._is_socket(channel):
                route = self.route(channel)
                other = routes.setdefault(route["path"], route)
                if other is not route:
                    self._source.note(f"merged into the route of the same path, {route['path']}", channel.place)
                    other.setdefault("messages", {}).update(route.get("messages", {}))
        _name(list(routes.values()))
        components = {"components": {"schemas": self._schemas.components}} if self._schemas.components else {}
        for key in ("security", "externalDocs", "id"):
            if (root / key).value:
                self._source.note(f'"{key}" is left out')
        return {
            "$schema": "generated/websocket-routes.schema.json",
            "version": "1",
            **({"info": about} if about else {}),
            **self._listener(),
            **_own(root),
            **components,
            "routes": list(routes.values()),
        }

    def route(self, channel: Channel) -> dict[str, Any]:
        """One route; its handler is named after it where the document names none."""
        place, own = channel.place, channel.place.value or {}
        path = self._path(channel)
        raw = own.get(f"{OWN}framing") == "raw"
        found: dict[str, Any] = {"path": path, "name": channel.key}
        if own.get(f"{OWN}aliases"):
            found["aliases"] = own[f"{OWN}aliases"]
        found |= {key: place.text(key) for key in ("summary", "description") if place.text(key)}
        tags = [each.text("name") for each in self._source.items(place / "tags")]
        if tags:
            found["capabilities"] = tags
        if f"{OWN}worker" in own:
            found["worker"] = own[f"{OWN}worker"]
        elif f"{OWN}proxy" in own:
            url = own[f"{OWN}proxy"]
            found["proxy"] = True if url == "PYTHON_BACKEND_URL" else url
        else:
            found["pythonModule"] = own.get(f"{OWN}handler", "")
        if f"{OWN}workers" in own:
            found["workers"] = own[f"{OWN}workers"]
        if raw and "proxy" not in found:
            found["framing"] = "raw"
        elif f"{OWN}open" in own:
            found["open"] = own[f"{OWN}open"]
        parameters = {name: schema for name, each in channel.parameters if (schema := self._parameter(each))}
        if parameters:
            found["parameters"] = parameters
        found |= own.get(f"{OWN}policies", {})
        if f"{OWN}topics" in own:
            found["topics"] = own[f"{OWN}topics"]
        if f"{OWN}auth" in own:
            text = '"auth" is left out: what credentials are checked with stands in no AsyncAPI document'
            self._source.note(text, place)
        messages = {} if raw else self.messages(channel)
        if messages or (not raw and own.get(f"{OWN}open") is False):
            found["messages"] = messages
        if (place / "bindings").value and not any(key.startswith(OWN) for key in own):
            self._source.note(
                '"bindings" are left out: query parameters and headers reach plugins, not messages', place
            )
        return found | _own(place)

    def messages(self, channel: Channel) -> dict[str, Any]:
        """The messages of a channel, each with a name that no other has."""
        given: dict[str, str] = {}
        for pointer, said in channel.messages.items():
            shared = said.name in _OURS and pointer.startswith("/components/messages/")
            if not (_is_ours(said.place) and (shared or said.name.startswith("$"))):
                given[pointer] = self._message_name(said, set(map(_model, given.values())))
        return {name: self._message(channel.messages[pointer], given) for pointer, name in given.items()}

    def _message(self, said: Said, given: dict[str, str]) -> dict[str, Any]:
        place, own = said.place, said.place.value if isinstance(said.place.value, dict) else {}
        found: dict[str, Any] = {"from": own.get(f"{OWN}from", said.origin or "handler")}
        if said.origin is None and f"{OWN}from" not in own:
            self._source.note("no operation has this message: it is taken for one of the handler's", place)
        summary = place.text("summary") or place.text("title")
        found |= {key: text for key, text in (("summary", summary), ("description", place.text("description"))) if text}
        if said.reply in given and found["from"] != "handler":
            reply = given[said.reply]
            found["reply"] = {"message": reply, "stream": True} if said.stream else reply
        for key in ("timeout", "idempotent", "scopes", "cache"):
            if f"{OWN}{key}" in own:
                found[key] = own[f"{OWN}{key}"]
        ours = _is_ours(place)
        frame = place / "payload"
        if ours:
            payload = frame / "properties" / "payload"
            schema = self._schemas.schema(self._source.follow(payload)) if payload.value is not None else None
            if frame.value.get("deprecated"):
                found["deprecated"] = True
        else:
            schema = self._schemas.payload(place)
        if schema is not None:
            found["payload"] = schema
        examples = self._examples(place, ours) if schema is not None else []
        if examples:
            found["examples"] = examples
        for key in ("headers", "traits", "correlationId", "bindings"):
            if (place / key).value:
                self._source.note(f'"{key}" of a message is left out', place)
        return found

    def _examples(self, place: Place, ours: bool) -> list[Any]:
        found = [each.value["payload"] for each in self._source.items(place / "examples") if _has(each, "payload")]
        return [each.get("payload") for each in found if isinstance(each, dict)] if ours else found

    def _message_name(self, said: Said, taken: set[str]) -> str:
        name = re.sub(r"[^A-Za-z0-9._:/-]+", "_", said.name).strip("_")
        name = name if re.match("[A-Za-z]", name) else f"message_{name}".rstrip("_")
        name = f"{name}_message" if name == "error" else name[: names.LENGTH]
        number, free = 1, name
        while _model(free) in taken:
            number += 1
            free = f"{name[: names.LENGTH - 4]}_{number}"
        if free != said.name:
            self._source.note(f"the message {json.dumps(said.name)} is called {json.dumps(free)}", said.place)
        return free

    def _path(self, channel: Channel) -> str:
        """The route's path."""
        tails = {name for name, each in channel.parameters if _has(each, f"{OWN}tail")}
        address = re.sub(
            r"\{([^}]*)\}", lambda each: f"{{{each[1]}...}}" if each[1] in tails else each[0], channel.address
        )
        path = self._prefix + "/" + address.split("?")[0].strip("/")
        path = path.rstrip("/") or "/ws"
        if path != channel.address.replace("}", "...}") and path != channel.address and not tails:
            self._source.note(f"the address {json.dumps(channel.address)} becomes the path {path}", channel.place)
        return path

    def _parameter(self, place: Place) -> dict[str, Any]:
        given = place.value if isinstance(place.value, dict) else {}
        if f"{OWN}schema" in given:
            schema = given[f"{OWN}schema"]
            return schema if isinstance(schema, dict) else {}
        schema = self._schemas.schema(self._source.follow(place / "schema")) if "schema" in given else {}
        if "$ref" in schema:
            return schema
        if isinstance(given.get("enum"), list):
            schema = {"enum": given["enum"]}
        if schema and place.text("description"):
            schema = {"description": place.text("description"), **schema}
        return schema if schema else {}

    def _is_socket(self, channel: Channel) -> bool:
        """Whether the channel is reached by a WebSocket; one of other servers is named and left out."""
        source = self._source
        listed = (channel.place / "servers").value
        if not isinstance(channel.place.value, dict) or not channel.address:
            source.note("a channel without an address is left out", channel.place)
            return False
        servers = dict(source.members(source.root / "servers"))
        if isinstance(listed, list) and listed:
            places = [servers.get(each) if isinstance(each, str) else source.follow(channel.place / "servers" / number)
                      for number, each in enumerate(listed)]  # fmt: skip
        else:
            places = list(servers.values())
        protocols = {each.text("protocol").lower() for each in places if each is not None}
        if protocols and protocols.isdisjoint(_SOCKETS):
            source.note(f"the channel's protocol is {', '.join(sorted(protocols))}: it is left out", channel.place)
            return False
        return True

    def _servers(self) -> str:
        """The path in front of every address: that of the first WebSocket server."""
        source = self._source
        sockets = []
        for name, place in source.members(source.root / "servers"):
            if place.text("protocol").lower() in _SOCKETS:
                sockets.append((name, place))
            else:
                source.note(
                    f'server "{name}" is left out: its protocol is {place.text("protocol") or "not said"}', place
                )
        if not sockets:
            return ""
        if len(sockets) > 1:
            kept = sockets[0][0]
            source.note(f'of {len(sockets)} WebSocket servers, the path of the first, "{kept}", counts')
        place = sockets[0][1]
        path = place.text("pathname")
        if not path and place.text("url"):
            path = "/" + place.text("url").split("://", 1)[-1].partition("/")[2]
        if (place / "security").value:
            source.note('"security" is left out: name a plugin in the route\'s "middleware"', place)
        if "{" in path or "$" in path:
            source.note(f"the server's path {path} has variables and is left out", place)
            return ""
        return path.rstrip("/")

    def _listener(self) -> dict[str, Any]:
        """Where the gateway listens: at the server's address if that is a number and a port of this machine's."""
        for name, place in self._source.members(self._source.root / "servers"):
            host = place.text("host") or place.text("url").split("://", 1)[-1].partition("/")[0]
            found = re.fullmatch(r"(localhost|\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:]+\]):(\d+)", host)
            if found and place.text("protocol").lower() == "ws":
                return {"gateway": {"host": found[1].strip("[]"), "port": int(found[2])}}
            if place.text("protocol").lower() in _SOCKETS:
                self._source.note(f'server "{name}": the gateway listens on 127.0.0.1:8001, not at {host}', place)
                break
        return {}


def _refused(document: dict[str, Any], source: Source) -> None:
    """Delete from a draft what the compiler does not take, and name it."""
    for _ in range(_ROUNDS):
        problems = [each for each in _problems(document) if each.severity == "error"]
        if not problems:
            return
        for each in sorted(
            {each.pointer: each for each in problems}.values(), key=lambda each: _parts(each.pointer), reverse=True
        ):
            if _delete(document, each.pointer):
                hint = f" ({each.hint})" if each.hint else ""
                source.note(f"left out {each.pointer}: {each.message}{hint}")
    raise ImportProblem("no valid spec can be drafted from it", "; ".join(each.message for each in problems[:5]))


def _problems(document: dict[str, Any]) -> tuple[Problem, ...]:
    with tempfile.TemporaryDirectory(prefix="routewright-") as folder:
        file = Path(folder) / "websocket-routes.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        found = check(file).problems
        return tuple(replace(each, message=each.message.replace(f" in {file}", "")) for each in found)


def _parts(pointer: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts the later of two members of a list behind the earlier."""
    return tuple(
        (int(each), "") if each.isascii() and each.isdigit() else (-1, each) for each in pointer.split("/")[1:]
    )


def _delete(document: Any, pointer: str) -> bool:
    *above, last = [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]] or [""]
    node = document
    for each in above:
        node = node[int(each)] if isinstance(node, list) else node.get(each) if isinstance(node, dict) else None
    if isinstance(node, dict) and last in node:
        del node[last]
        return True
    if isinstance(node, list) and last.isdigit() and int(last) < len(node):
        del node[int(last)]
        return True
    return False


def _name(routes: list[dict[str, Any]]) -> None:
    """Give each route a name of its own, and a handler module where it has neither that nor a worker."""
    taken: set[str] = set()
    for route in routes:
        name = re.sub(r"[^a-z0-9_-]+", "_", route["name"].lower()).strip("_")
        name = (
            name if names.is_route(name) and names.is_free_module(names.module(name)) else f"route_{name}".rstrip("_")
        )
        number, free = 1, name[: names.LENGTH - 4]
        while names.module(free) in taken:
            number += 1
            free = f"{name[: names.LENGTH - 4]}_{number}"
        taken.add(names.module(free))
        route["name"] = free
        if route.get("pythonModule") == "":
            route["pythonModule"] = f"handlers.{names.module(free)}"


def _model(name: str) -> str:
    return names.model(name, "Message")


def _is_ours(place: Place) -> bool:
    """Whether a message's payload is a frame that `routewright generate` has described."""
    name = (place / "payload" / "x-parser-schema-id").value
    return (isinstance(name, str) and name.endswith(".frame")) or place.pointer == "/components/messages/frame"


def _has(place: Place, key: str) -> bool:
    return isinstance(place.value, dict) and key in place.value


def _own(place: Place) -> dict[str, Any]:
    """Extensions that are not ours: they go to plugins."""
    given = place.value if isinstance(place.value, dict) else {}
    kept = ("x-parser-", OWN)
    return {key: value for key, value in given.items() if key.startswith("x-") and not key.startswith(kept)}
