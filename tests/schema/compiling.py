"""Schemas as the payloads of one spec: compiled, loaded, and asked about values."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from routewright.codegen import publish, render
from routewright.spec import Problem, check
from routewright.table import load
from routewright.table.frames import DECODE_ERRORS, decoder, with_integers

Accepts = Callable[[Any], bool]


class Refused(NamedTuple):
    """The compiler's reason not to take a schema."""

    code: str
    message: str
    pointer: str


def compiled(schemas: list[Any], folder: Path) -> list[Accepts | Refused]:
    """For each schema, the verdict of the gateway's decoder on a payload, or why the compiler refuses the schema."""
    refused: dict[int, Refused] = {}
    spec = None
    while spec is None:
        left = [index for index in range(len(schemas)) if index not in refused]
        messages = {f"m{index}": {"from": "client", "payload": schemas[index]} for index in left}
        path = folder / "websocket-routes.json"
        path.write_text(json.dumps({"routes": [{"path": "/ws/x", "pythonModule": "x", "messages": messages}]}))
        checked = check(path)
        spec = checked.spec
        found = [problem for problem in checked.problems if problem.severity == "error"]
        assert spec is not None or found
        for problem in found:
            refused.setdefault(_index(problem), _refusal(problem, folder))
    publish(render(spec), folder / "generated")
    (route,) = load(folder / "generated").routes
    decode = decoder(route.messages)
    return [
        refused[index] if index in refused else _accepts(decode, f"m{index}")  # type: ignore[arg-type]
        for index in range(len(schemas))
    ]


def _index(problem: Problem) -> int:
    tokens = problem.pointer.split("/")
    assert tokens[:4] == ["", "routes", "0", "messages"], problem
    return int(tokens[4][1:])


def _refusal(problem: Problem, folder: Path) -> Refused:
    return Refused(
        problem.code, problem.message.replace(f"{folder}/", ""), "/" + "/".join(problem.pointer.split("/")[6:])
    )


def _accepts(decode: Callable[[bytes], Any], name: str) -> Accepts:
    def accepts(payload: Any) -> bool:
        frame = json.dumps({"type": name, "payload": payload}, ensure_ascii=False).encode()
        try:
            decode(frame)
        except DECODE_ERRORS as error:
            again = with_integers(frame, error)
            if again is None:
                return False
        else:
            return True
        try:
            decode(again)
        except DECODE_ERRORS:
            return False
        return True

    return accepts
