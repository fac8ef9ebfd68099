"""The documents say what is so: their commands run, their code works, their tables are those of the code."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from websockets.sync.client import connect

from docs.reference.keys import undescribed
from docs.reference.pages import pages as reference_pages
from routewright.client import Client
from routewright.client import errors as client_errors
from routewright.gateway.errors import CLOSE_CODES, RETRYABLE
from routewright.gateway.figures import add_up
from routewright.gateway.metrics import exposition
from routewright.spec import check, report_text
from routewright.table import GatewayLimits, Limits, RateLimit, Route, Settings, SlowConsumer
from routewright.table.codes import CLOSES, ERRORS, RESERVED
from routewright.table.policy_change import key
from tests.documents import PATIENCE, ROOT, Page, Terminal, found, page, pages
from tests.emit.node import COMPILERS, compiled

README = page("README.md")
SPEC_AUTHOR = page("docs/spec-author.md")
FROM_ENDPOINTS = page("docs/from-endpoints.md")
HANDLER_AUTHOR = page("docs/handler-author.md")
FRONTEND = page("docs/frontend.md")
OPERATOR = page("docs/operator.md")
BRIDGE = page("docs/bridge-protocol.md")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with Terminal(tmp_path) as typed:
        yield typed


@pytest.fixture
def demo(terminal: Terminal) -> Terminal:
    """A terminal in the demo project, which is served."""
    terminal.type("routewright init demo")
    terminal.folder /= "demo"
    terminal.serve("routewright serve")
    return terminal


# All pages


def anchors(document: Page) -> set[str]:
    """The anchors that the headings of a page get."""
    prose = re.sub(r"^```.*?^```$", "", document.text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", pages(), ids=lambda document: document.name)
def test_links_lead_somewhere(document: Page) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.text):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        path = (document.path.parent / file).resolve() if file else document.path
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(Page(path)), target


@pytest.mark.parametrize("document", pages(), ids=lambda document: document.name)
def test_nothing_of_one_machine_is_in_it(document: Page) -> None:
    assert not re.search(r"(?<![\w.])/(work|home|root|tmp|Users|opt|mnt)\b", document.text)
    assert not re.search(r"\b(pypi|npmjs|pythonhosted|registry)\b|index-url", document.text)


@pytest.mark.parametrize("document", pages(), ids=lambda document: document.name)
def test_no_page_lists_what_is_missing(document: Page) -> None:
    """Such lists go stale: `check` and the generated reference know it better."""
    if document.path.parent.name == "reference":
        return
    said = [text for text in re.split(r"\n(?=\n|- |\|)", document.text) if re.search(r"not (built|supported)\b", text)]
    named = {name for text in said for name in re.findall(r"`(\w+)", text)}
    assert not named & {key(field) for field in Route.__struct_fields__}


@pytest.mark.parametrize("document", pages(), ids=lambda document: document.name)
def test_json_is_json(document: Page) -> None:
    for block in document.blocks:
        if block.language == "json" and block.title != "gateway":
            json.loads(block.text)


def test_the_reference_pages_are_fresh() -> None:
    folder = ROOT / "docs"
    paths = (folder / "rules.md", *(folder / "reference").glob("*.md"))
    written = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    assert written == reference_pages(), "run `python -m docs.reference`"
    assert undescribed() == []


# README


def test_the_readme_s_own_project(terminal: Terminal) -> None:
    commands = README.commands()
    start = next(command for command in commands if "init" in command)
    call = commands[commands.index(start) + 1]
    terminal.serve(start)
    assert terminal.type(call) == README.following(call).text
    assert {command for command in commands if command.startswith("routewright")} == {start, call}


def test_the_readme_s_smallest_project(terminal: Terminal) -> None:
    README.write_files(terminal.folder)
    terminal.serve("routewright serve")
    answer = json.loads(terminal.type("routewright call ws://127.0.0.1:8001/ws/vision hello"))
    assert answer["payload"] == {"route": "vision", "message": "hello"}


def test_the_readme_s_clone(terminal: Terminal) -> None:
    for name in ("backend", "generated"):
        shutil.copytree(ROOT / name, terminal.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "websocket-routes.json", terminal.folder)
    makefile = (ROOT / "Makefile").read_text()
    typed = []
    for command in README.commands():
        if command.startswith("make "):
            assert re.search(rf"^{command[5:]}:", makefile, re.MULTILINE)
            if command == "make run":
                assert "routewright serve" in makefile
                terminal.serve("routewright serve")
        elif command.startswith(".venv/bin/") and "pip install" not in command:
            typed.append(command.removeprefix(".venv/bin/"))
    by_hand, call = typed
    sent, received = README.following(by_hand).text.splitlines()
    assert chat(terminal, by_hand, sent.removeprefix("> ")) == received.removeprefix("< ")
    assert json.loads(terminal.type(call))["type"] == "workspace_analysis"


def chat(terminal: Terminal, command: str, line: str) -> str:
    """Type a line into an interactive client; the first line that it shows as received."""
    process = terminal.start(command)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    for shown in process.stdout:
        if (received := re.search(r"< (\{.*\})", shown)) is not None:
            return received[1]
    raise AssertionError(f"{command} has shown nothing")


# docs/spec-author.md

BASE = {"path": "/ws/page", "pythonModule": "page", "middleware": ["api_key"]}


def specs(document: Page) -> list[Any]:
    found = []
    for number, block in enumerate(document.blocks):
        if block.title == "websocket-routes.json":
            found.append(pytest.param(block.text, id=f"{document.name}-{number}"))
        elif block.title in ("in a route", "in the spec"):
            part = json.loads(block.text)
            whole = {"routes": [{**BASE, **part}]} if block.title == "in a route" else {"routes": [BASE], **part}
            found.append(pytest.param(json.dumps(whole), id=f"{document.name}-{number}"))
    return found


@pytest.mark.parametrize("spec", [each for document in pages() for each in specs(document)])
def test_specs_are_valid(spec: str, tmp_path: Path) -> None:
    (tmp_path / "websocket-routes.json").write_text(spec, encoding="utf-8")
    checked = check(tmp_path / "websocket-routes.json")
    assert checked.problems == (), report_text(checked, carets=False)


def test_refused_specs_are_refused_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused = SPEC_AUTHOR.titled("websocket-routes.json: refused")
    said = SPEC_AUTHOR.titled("what check says")
    assert len(refused) == 2
    for spec, report in zip(refused, said, strict=True):
        Path("websocket-routes.json").write_text(spec)
        assert report_text(check(Path("websocket-routes.json")), carets=False) + "\n" == report


def test_the_spec_author_s_commands(terminal: Terminal) -> None:
    smallest, *_ = SPEC_AUTHOR.titled("websocket-routes.json")
    rooms = next(text for text in SPEC_AUTHOR.titled("websocket-routes.json") if "/ws/rooms/" in text)
    commands = SPEC_AUTHOR.commands()
    for name in ("echo", "lobby", "rooms"):
        handler = "from routewright.handlers import on\n\n\n@on.any\nasync def answer(message): ...\n"
        (terminal.folder / f"{name}.py").write_text(handler)
    (terminal.folder / "websocket-routes.json").write_text(smallest)
    assert terminal.type(commands[0]) == SPEC_AUTHOR.following(commands[0]).text
    (terminal.folder / "websocket-routes.json").write_text(rooms)
    (terminal.folder / "asyncapi.yaml").write_text(SPEC_AUTHOR.one("asyncapi.yaml"))
    terminal.type("routewright generate")
    terminal.type(COMMIT)
    for command in commands:
        terminal.type(command)
    assert (terminal.folder / "generated" / "websocket-routes.schema.json").is_file()


def test_the_import_of_the_page(terminal: Terminal) -> None:
    (terminal.folder / "asyncapi.yaml").write_text(SPEC_AUTHOR.one("asyncapi.yaml"))
    terminal.type("routewright import asyncapi.yaml --handlers 2>notes")
    assert (terminal.folder / "notes").read_text() == SPEC_AUTHOR.one("what import notes")
    terminal.type("routewright generate && routewright check --handlers")


COMMIT = (
    "git init -q -b main && git add -A"
    " && git -c user.name=a -c user.email=a@example.org -c commit.gpgsign=false commit -q -m first"
)


def test_the_plan_of_the_page(terminal: Terminal) -> None:
    block = next(text for text in SPEC_AUTHOR.titled("in a route") if "place_order" in text)
    spec = {"routes": [{"path": "/ws/orders", "pythonModule": "orders", **json.loads(block)}]}
    file = terminal.folder / "websocket-routes.json"
    file.write_text(json.dumps(spec, indent=2))
    terminal.type(COMMIT)
    payload = spec["routes"][0]["messages"]["place_order"]["payload"]
    payload["properties"]["count"]["maximum"] = 9
    payload["properties"]["note"] = {"type": "string", "maxLength": 200}
    file.write_text(json.dumps(spec, indent=2))
    said = terminal.type("routewright plan --against main --fail-on none")
    assert said == SPEC_AUTHOR.one("what plan says")


# docs/from-endpoints.md


def test_the_endpoints_of_the_page_become_its_spec(terminal: Terminal) -> None:
    FROM_ENDPOINTS.write_files(terminal.folder)
    scanning, drafting, checking = FROM_ENDPOINTS.commands()
    assert terminal.type(f"{scanning} || test $? = 1") == FROM_ENDPOINTS.following(scanning).text
    terminal.type(f"{drafting} || test $? = 1")
    assert (terminal.folder / "websocket-routes.json").read_text() == FROM_ENDPOINTS.one("drafted")
    assert "no errors" in terminal.type(checking)


# docs/handler-author.md


@pytest.fixture
def rooms(terminal: Terminal) -> Terminal:
    """The page's project, served."""
    HANDLER_AUTHOR.write_files(terminal.folder)
    terminal.type("routewright generate")
    terminal.serve("routewright serve")
    return terminal


def ask(socket: Any, message: dict[str, Any]) -> Any:
    socket.send(json.dumps(message))
    return json.loads(socket.recv(PATIENCE))


def test_what_is_written_is_read_though_replies_are_kept(rooms: Terminal) -> None:
    with connect(rooms.here("ws://127.0.0.1:8001/ws/notes")) as notes:
        for text in ("nothing yet", "green", "black"):
            for id in (1, 2):
                read = ask(notes, {"type": "read", "id": id, "payload": {"title": "tea"}})
                assert read == {"type": "note", "id": id, "payload": {"text": text}}
            written = {"green": "black"}.get(text, "green")
            wrote = ask(notes, {"type": "write", "id": 3, "payload": {"title": "tea", "text": written}})
            assert wrote == {"type": "note", "id": 3, "payload": {"text": written}}


def test_the_handler_author_s_commands(rooms: Terminal) -> None:
    answers = [
        json.loads(rooms.type(command).splitlines()[0])["payload"]
        for command in HANDLER_AUTHOR.commands()
        if command.startswith("routewright call")
    ]
    assert answers == [{"words": 3}, [16], "line 1"]
    assert "no errors" in rooms.type("routewright check --handlers")
    assert "1 passed" in rooms.type("python -m pytest -q -p no:cacheprovider -c /dev/null --rootdir . test_words.py")


def test_a_worker_brings_the_route_of_the_page(terminal: Terminal) -> None:
    HANDLER_AUTHOR.write_files(terminal.folder)
    serve, work, call = HANDLER_AUTHOR.one("a route of its own").splitlines()
    terminal.environment["ROUTEWRIGHT_WORKER_TOKEN"] = "swordfish"
    served = terminal.serve(serve.replace("ROUTEWRIGHT_WORKER_TOKEN=swordfish ", "env "))
    worker = terminal.start(work.replace("ROUTEWRIGHT_WORKER_TOKEN=swordfish ", ""))
    url = terminal.here("http://127.0.0.1:8001/.well-known/websocket-routes")
    deadline = time.monotonic() + PATIENCE
    while not any(route.get("dynamic") for route in terminal.get(url)["routes"]):
        assert time.monotonic() < deadline
    assert terminal.type(call) == HANDLER_AUTHOR.one("what the bench answers")
    assert terminal.stop(worker) == 0
    assert terminal.stop(served) == 0


def test_rooms_hear_each_other(rooms: Terminal) -> None:
    url = rooms.here("ws://127.0.0.1:8001/ws/rooms")
    with connect(f"{url}/hall") as one, connect(f"{url}/attic") as two:
        assert json.loads(one.recv(PATIENCE))["payload"] == {"room": "hall", "text": "welcome", "words": 0}
        assert json.loads(two.recv(PATIENCE))["payload"] == {"room": "attic", "text": "welcome", "words": 0}
        said = ask(one, {"type": "say", "id": 1, "payload": {"text": "one two"}})
        assert said == {"type": "said", "payload": {"room": "hall", "text": "one two", "words": 2}}
        assert json.loads(two.recv(PATIENCE)) == said
        two.send(json.dumps({"type": "recite", "id": 2, "payload": {"lines": 2}}))
        parts = [json.loads(two.recv(PATIENCE)) for _ in range(3)]
        assert [part.get("payload") for part in parts] == ["line 1", "line 2", None]
        assert parts[2] == {"type": "line", "id": 2, "final": True}
        one.send('{"type": "leave"}')
        with pytest.raises(Exception, match="you said 1 things"):
            one.recv(PATIENCE)
    with connect(f"{url}/cellar") as cellar:
        with pytest.raises(Exception, match="nobody goes to the cellar"):
            cellar.recv(PATIENCE)
        assert cellar.close_code == 4503


def test_the_other_handlers_of_the_page_answer(rooms: Terminal) -> None:
    url = rooms.here("ws://127.0.0.1:8001/ws")
    with connect(f"{url}/words") as words:
        error = ask(words, {"type": "find", "id": 1, "payload": "cat"})["error"]
        assert (error["code"], error["message"]) == ("not_there", "'cat' is not in the text")
    with connect(f"{url}/anything") as anything:
        assert ask(anything, {"type": "ping", "payload": 1}) == {"type": "pong", "payload": 1}
        answer = ask(anything, {"type": "hi", "payload": 2})
        assert answer == {"type": "echo", "payload": {"type": "hi", "payload": 2}}
    with connect(f"{url}/bytes") as frames:
        frames.send(b"\x00\x01")
        assert frames.recv(PATIENCE) == b"\x01\x00"
        frames.send("abc")
        assert frames.recv(PATIENCE) == "cba"


# docs/frontend.md


def test_the_frames_of_the_page(demo: Terminal) -> None:
    with connect(demo.here("ws://127.0.0.1:8001/ws/greeter")) as socket:
        pairs = 0
        for block, answer in zip(FRONTEND.blocks, FRONTEND.blocks[1:], strict=False):
            if (block.title, answer.title) == ("client", "gateway"):
                pairs += 1
                socket.send(block.text)
                for line in answer.text.splitlines():
                    assert json.loads(socket.recv(PATIENCE)) == json.loads(line)
    assert pairs == 4


def test_discovery_and_the_other_commands_of_the_page(demo: Terminal) -> None:
    unknown, discovery, *calls = FRONTEND.commands()
    assert demo.get(unknown.removeprefix("curl ")) == json.loads(FRONTEND.one("curl"))
    route = demo.get("http://127.0.0.1:8001/ws/greeter")
    assert route == json.loads(FRONTEND.one("GET /ws/greeter"))
    assert demo.get(discovery.removeprefix("curl "))["routes"] == [route]
    assert [json.loads(demo.type(call).splitlines()[0])["type"] for call in calls] == ["greeting", "count"]


def test_the_client_in_python(demo: Terminal) -> None:
    (demo.folder / "client.py").write_text(demo.here(FRONTEND.one("client.py")))
    assert demo.type("python client.py") == "Hello, Ada.\n"


def test_the_client_of_the_package(demo: Terminal) -> None:
    (demo.folder / "resuming.py").write_text(demo.here(FRONTEND.one("resuming.py")))
    assert demo.type("python resuming.py") == "Hello, Ada.\n2\n1\n0\n"


CHAT = {
    "path": "/ws/rooms/{room}",
    "name": "rooms",
    "capabilities": ["chat"],
    "pythonModule": "rooms",
    "delivery": {},
    "messages": {
        "ask": {"payload": {"type": "object", "properties": {}}, "reply": "said"},
        "said": {"from": "handler", "payload": {"type": "object", "properties": {"text": {"type": "string"}}}},
    },
    "topics": {"talk": {"messages": ["said"], "publish": "clients"}},
}
TYPED = """
from collections.abc import AsyncIterator
from typing import assert_type
from generated.rooms import Ask, Said
from routewright.client import Client, Event, Events, Stats

async def use(client: Client) -> AsyncIterator[Stats]:
    assert_type(await client.request(Ask(), reply=Said), Said)
    async for said in client.stream(Ask(), reply=Said):
        assert_type(said, Said)
    async with client.subscribe("talk", model=Said) as talk:
        assert_type(talk, Events[Said])
        assert_type(await anext(client.events(Said)), Event[Said])
    yield client.stats()
"""


def test_the_client_of_the_package_on_topics(terminal: Terminal) -> None:
    handler = (
        "from routewright.handlers import on\n\n@on('ask')\nasync def ask(message):\n    return {'type': 'said'}\n"
    )
    for name, text in {"websocket-routes.json": json.dumps({"routes": [CHAT]}), "rooms.py": handler}.items():
        (terminal.folder / name).write_text(text)
    terminal.serve("routewright serve")
    (terminal.folder / "chat.py").write_text(terminal.here(FRONTEND.one("chat.py")))
    (terminal.folder / "typed.py").write_text(TYPED)
    assert terminal.type("python chat.py") == "hello\n0\n"
    assert (terminal.folder / "chat.session").stat().st_mode & 0o777 == 0o600
    mypy = "python -m mypy --strict --no-error-summary --no-incremental --cache-dir=/dev/null chat.py typed.py"
    assert terminal.type(mypy) == ""


def test_the_page_lists_what_the_client_raises_and_does() -> None:
    section = FRONTEND.text.partition("## In Python")[2].partition("## At the command line")[0]
    raised = {
        name
        for name, each in vars(client_errors).items()
        if isinstance(each, type) and each.__module__ == client_errors.__name__
    }
    assert raised <= set(re.findall(r"\b(\w+)\b", section))
    done = {name for name in vars(Client) if not name.startswith("_")} - {"close", "replies"} | {"unanswered"}
    assert done <= set(re.findall(r"`(\w+)(?:\(\))?`", section))


@pytest.mark.parametrize("node", found("node"))
def test_the_client_in_javascript(demo: Terminal, node: str) -> None:
    for name in ("client.mjs", "example.mjs"):
        (demo.folder / name).write_text(demo.here(FRONTEND.one(name)))
    printed = demo.type(f"{node} --no-warnings --experimental-websocket example.mjs")
    assert printed == FRONTEND.one("example.mjs prints")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_programs_in_typescript(demo: Terminal, compiler: str) -> None:
    for name in ("greet", "wrong"):
        (demo.folder / f"{name}.mts").write_text(demo.here(FRONTEND.one(f"{name}.ts")))
    library = ("--lib", "es2022,dom")
    assert [each.line for each in compiled(demo.folder, ["wrong.mts"], compiler, *library)] == [3, 4]
    assert compiled(demo.folder, ["greet.mts"], compiler, *library, "--noEmit", "false") == []
    assert demo.type("node --no-warnings --experimental-websocket greet.mjs") == "Hello, Ada.\n"


def test_the_types_of_the_page_are_those_of_the_file(demo: Terminal) -> None:
    text = (demo.folder / "generated" / "client.d.ts").read_text()
    declared = set(re.findall(r"^export (?:type|interface) (\w+)<", text, re.MULTILINE))
    section = FRONTEND.text.partition("## In TypeScript")[2].partition("## In Python")[0]
    told = set(re.findall(r"`(\w+)<[A-Z, ]+>`", section))
    assert told <= declared
    assert declared - told <= {"MessageConnection", "PayloadArgument", "ReplyType"}


def test_the_page_lists_the_codes() -> None:
    listed = dict(re.findall(r"^\| (`.+?`) \| (yes|no) \|", FRONTEND.text, re.MULTILINE))
    codes = {code: word == "yes" for names, word in listed.items() for code in re.findall(r"`(\w+)`", names)}
    assert {code for code, retryable in codes.items() if retryable} == RETRYABLE - RESERVED
    assert set(codes) == {each.code for each in ERRORS} - RESERVED
    reconnect = {
        int(code): word == "yes"
        for code, word in re.findall(r"^\| (\d{4})[^|]*\|[^|]+\| (yes|no) \|", FRONTEND.text, re.MULTILINE)
    }
    assert set(CLOSE_CODES.values()) <= set(reconnect)
    assert reconnect.items() <= {each.code: each.reconnect for each in CLOSES}.items()
    for code, word in reconnect.items():
        if code >= 4000:
            assert word == (code < 4500)
    (sentence,) = re.findall(r"^So: reconnect on (.+?) and everything", FRONTEND.text, re.MULTILINE)
    (in_code,) = re.findall(r"RECONNECT = new Set\(\[(.+?)\]\)", FRONTEND.text)
    assert re.findall(r"\d+", sentence) == re.findall(r"\d+", in_code)


# docs/operator.md


def test_the_operator_s_commands(terminal: Terminal) -> None:
    terminal.type("routewright init demo")
    terminal.folder /= "demo"
    for command in OPERATOR.commands():
        if "routewright serve" in command:
            served = terminal.serve(command.replace("WEBSOCKET_PORT", "env WEBSOCKET_PORT"))
            assert terminal.get("http://127.0.0.1:8002/readyz") == json.loads(OPERATOR.one("/readyz"))
            assert terminal.stop(served) == 0
        elif "curve_keypair" in command:
            assert [len(key) for key in terminal.type(command).split()] == [40, 40]
        else:
            assert command == "curl http://127.0.0.1:8002/readyz"


def test_the_page_lists_the_admin_pages(demo: Terminal) -> None:
    section = OPERATOR.text.split("## Admin pages")[1].split("##")[0]
    listed = re.findall(r"^\| `(/\w+)` \|", section, re.MULTILINE)
    for path in listed:
        with urlopen(demo.here(f"http://127.0.0.1:8002{path}"), timeout=PATIENCE) as response:
            assert response.status == 200
    assert sorted(demo.get("http://127.0.0.1:8002/nothing")["pages"]) == sorted(listed)


def test_the_page_lists_the_metrics() -> None:
    stats = {"reloads": {}, "gateway_restarts": 0, "workers": [], **add_up([])}
    text = exposition(stats).decode()
    found = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    listed = dict(re.findall(r"^\| `(routewright_\w+)` \| (\w+) \|", OPERATOR.text, re.MULTILINE))
    assert listed == found


def test_the_page_lists_the_defaults() -> None:
    table = OPERATOR.text.split("## Limits and defaults")[1].split("##")[0]
    rows = dict(re.findall(r"^\| ([a-z ,]+) \| ([^|]+) \|", table, re.MULTILINE))
    limits, route, slow, rate = GatewayLimits(), Limits(), SlowConsumer(), RateLimit()
    timeout = Route(name="", path="", handler="", digest="", contract="").timeout
    assert rows["connections"] == f"{limits.connections:,}"
    assert rows["connections of one address"] == f"{limits.connections_per_address:,}"
    assert rows["time for a handshake"] == f"{limits.handshake:g} s"
    assert rows["bytes of a message"] == f"{route.message_bytes // 1024} KiB"
    assert rows["requests in flight, per connection"] == f"{route.in_flight}"
    assert rows["messages of a client"] == f"{rate.rate:g}/s, burst {rate.burst}"
    assert rows["time for a reply"] == f"{timeout:g} s"
    assert rows["bytes a client leaves unread"] == f"{slow.backlog // 1024**2} MiB"
    assert rows["time a client reads nothing"] == f"{slow.after:g} s"
    assert rows["time to drain"] == f"{Settings().drain:g} s"


# docs/bridge-protocol.md


def test_the_worker_of_the_page_works_without_the_library(terminal: Terminal) -> None:
    BRIDGE.write_files(terminal.folder)
    assert "routewright" not in BRIDGE.one("worker.py")
    served = terminal.serve("routewright serve")
    by_hand, *calls = BRIDGE.commands()
    worker = terminal.start(by_hand)
    until_ready(terminal)
    said, spelled = [[json.loads(line) for line in terminal.type(call).splitlines()] for call in calls]
    assert [frame["payload"] for frame in said] == ["hello"]
    assert [frame["payload"] for frame in spelled if "payload" in frame] == ["a", "b", "c"]
    assert terminal.stop(worker) == 0
    (terminal.folder / "stale.json").write_text(json.dumps({"pools": {"echo": "0000000000000000"}}))
    worker = terminal.start(by_hand.replace("generated/manifest.json", "stale.json"))
    _, complaint = worker.communicate(timeout=PATIENCE)
    assert complaint.startswith("refused: 'echo' was built for contract 0000000000000000")
    assert terminal.stop(served) == 0


def until_ready(terminal: Terminal) -> None:
    """Wait until every route has a worker."""
    deadline = time.monotonic() + PATIENCE
    while not terminal.get("http://127.0.0.1:8002/readyz")["ready"]:
        assert time.monotonic() < deadline
