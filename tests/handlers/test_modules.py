"""Handler modules that cannot serve, and why; and that an edit is always seen."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ANALYZE, HEAD, REST, Gateway, Project, WorkerProcess

from routewright.bridge.codec import Open
from routewright.handlers import HandlerProblem, audit

NewWorker = Callable[..., WorkerProcess]
LINES = HEAD.count("\n")


def only(problems: list[HandlerProblem]) -> tuple[str, str, int]:
    assert len(problems) == 1, problems
    return problems[0].message, Path(problems[0].file).name, problems[0].line


def test_a_module_that_fits(project: Project) -> None:
    project.app(ANALYZE + REST)
    assert audit("app", project.folder) == []


def test_a_failed_start(project: Project, gateway: Gateway, new_worker: NewWorker) -> None:
    project.app(ANALYZE + REST + "boom\n")
    worker = new_worker(gateway)
    state = worker.state()
    assert state["state"] == "failed"
    assert state["problems"] == [
        {
            "message": "app does not import: NameError: name 'boom' is not defined",
            "file": str(project.folder / "app.py"),
            "line": (HEAD + ANALYZE + REST).count("\n") + 1,
        }
    ]
    assert worker.end() == (3, "")


def test_the_innermost_frame_of_the_project(project: Project) -> None:
    project.write("deep.py", "import json\n\n\njson.loads('{')\n")
    project.app("import deep\n")
    message, file, line = only(audit("app", project.folder))
    assert message.startswith("app does not import: json.decoder.JSONDecodeError: ")
    assert (file, line) == ("deep.py", 4)


def test_a_syntax_error(project: Project) -> None:
    project.write("deep.py", "\ndef f(:\n    pass\n")
    project.app("import deep\n")
    message, file, line = only(audit("app", project.folder))
    assert "SyntaxError" in message
    assert (file, line) == ("deep.py", 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import nowhere\n", ("app does not import: ModuleNotFoundError: No module named 'nowhere'", "app.py", 1)),
        ("\nraise SystemExit(3)\n", ("app does not import: SystemExit: 3", "app.py", 2)),
        ("import os\nos._exit(7)\n", ("app ended the process that imported it (exit code 7)", "app.py", 0)),
    ],
)
def test_a_module_that_does_not_import(project: Project, text: str, expected: tuple[str, str, int]) -> None:
    project.write("app.py", text)
    assert only(audit("app", project.folder)) == expected


def test_no_such_module_table_or_pool(project: Project) -> None:
    message, file, _ = only(audit("app", project.folder))
    assert message == f"there is no module 'app', neither below {project.folder} nor installed"
    assert file == "app.py"
    message, _, _ = only(audit("backend.api.app", project.folder))
    assert message == "no route is answered by 'backend.api.app'; there are: 'app', 'other'"
    project.write("generated/table.py", "import nowhere\n")
    message, file, line = only(audit("app", project.folder))
    assert "the compiled table does not load" in message
    assert "run `routewright generate`" in message
    assert (file, line) == ("table.py", 1)
    os.unlink(project.folder / "generated/table.py")
    assert only(audit("app", project.folder))[:2] == (
        "there is no compiled table: run `routewright generate`",
        "table.py",
    )


def test_a_named_worker(project: Project) -> None:
    project.write("elsewhere.py", HEAD + '@on("now")\nasync def now(): pass\n@on("time")\nasync def time(): pass\n')
    assert audit("elsewhere", project.folder, name="other") == []


def test_a_message_without_a_handler(project: Project) -> None:
    project.app(REST)
    assert only(audit("app", project.folder)) == (
        "route 'vision' declares the message 'analyze' (websocket-routes.json:7), but no handler answers it",
        "app.py",
        1,
    )


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        (
            '@on("analize")\nasync def more(): pass\n',
            None,
            1,
        ),
        (
            '@on("analize", route="vision")\nasync def more(): pass\n',
            "more answers the message 'analize', which no client sends on route 'vision' (websocket-routes.json:4): "
            "did you mean 'analyze'?",
            1,
        ),
        (
            "@on(Progress)\nasync def more(): pass\n",
            "more answers the model generated.vision.Progress, which no client sends on any of route 'vision' "
            "(websocket-routes.json:4), route 'lobby' (websocket-routes.json:13), route 'voice' "
            "(websocket-routes.json:14) (the handler sends it: 'progress' is from handler)",
            1,
        ),
        (
            "@on(Analyze)\nasync def more(): pass\n",
            "more is a second handler for the message 'analyze' of route 'vision': analyze (project/app.py:"
            f"{LINES + 2}) is the first",
            1,
        ),
        (
            '@on("stop", route="visions")\nasync def more(): pass\n',
            "more is for the route 'visions', which this module does not answer: did you mean 'vision'?",
            1,
        ),
        (
            '@on.any(route="vision")\nasync def more(): pass\n',
            "more (@on.any) is never called: neither open nor raw is route 'vision' (websocket-routes.json:4)",
            1,
        ),
        (
            "\n@on.connect\nasync def more(a, b): pass\n",
            None,
            2,
        ),
        (
            '@on("analyze", route="vision")\nasync def more(message, *, extra): pass\n',
            None,
            1,
        ),
        (
            '@on("analyze", route="vision")\nasync def more(message): yield Analysis(1)\n',
            "more cannot handle analyze of route 'vision': it is a generator, but the reply 'analysis' is not declared "
            "as a stream",
            1,
        ),
    ],
)
def test_handlers_that_do_not_fit(project: Project, text: str, message: str | None, line: int) -> None:
    project.app(ANALYZE + REST + text)
    problems = audit("app", project.folder)
    place = (HEAD + ANALYZE + REST).count("\n") + line
    if text.startswith('@on("analize")'):
        assert problems == []  # the open route takes it
        return
    assert {problem.line for problem in problems} == {place}
    if message is not None:
        assert [problem.message for problem in problems] == [message]


def test_a_raw_or_open_route_without_a_handler(project: Project) -> None:
    project.app(ANALYZE + REST.replace("@on.any\n", ""))
    messages = [problem.message for problem in audit("app", project.folder)]
    assert messages == [
        "route 'lobby' (websocket-routes.json:13) is open, but no handler answers anything: add @on.any",
        "route 'voice' (websocket-routes.json:14) is raw, but no @on.any handler takes its frames",
    ]


def test_a_model_of_several_messages(project: Project) -> None:
    table = (project.folder / "generated/table.py").read_text()
    project.write("generated/table.py", table.replace("vision.Watch", "vision.Analyze"))
    project.app(ANALYZE + REST)
    messages = [problem.message for problem in audit("app", project.folder)]
    assert messages[1] == (
        "analyze: Analyze is the payload of several messages of route 'vision' (websocket-routes.json:4) "
        "('analyze', 'watch'): use @on(name)"
    )


def test_events_of_no_topic_are_not_handled(project: Project) -> None:
    project.app(REST + ANALYZE + '@on.event("x")\nasync def f(): pass\n')
    message, file, _ = only(audit("app", project.folder))
    assert message == "f handles events of 'x', which is no topic of the spec: there are no topics"
    assert file == "app.py"


def test_wrong_uses_of_the_decorator(project: Project) -> None:
    for text, expected in [
        ("@on\nasync def f(): pass\n", "TypeError: @on needs a message"),
        ("@on(int)\nasync def f(): pass\n", "TypeError: @on needs a message"),
        ("@on.event\nasync def f(): pass\n", "TypeError: @on.event needs a topic"),
        ('on("x")(3)\n', "TypeError: @on decorates a function, not 3"),
    ]:
        project.app(text)
        message, file, _ = only(audit("app", project.folder))
        assert expected in message
        assert file == "app.py"


def test_handlers_of_imported_modules(project: Project) -> None:
    project.write("more.py", HEAD + REST)
    project.write("other.py", HEAD + '@on("now")\nasync def now(): pass\n')
    project.app("import more, other\n" + ANALYZE)
    assert audit("app", project.folder) == []


def test_an_edit_in_the_same_second_is_seen(project: Project, gateway: Gateway, new_worker: NewWorker) -> None:
    for note in ("one", "two"):
        file = project.app(REST + f"\n@on(Analyze)\nasync def analyze(): return Analysis(1, {note!r})\n")
        os.utime(file, (1_700_000_000, 1_700_000_000))
        worker = new_worker(gateway)
        gateway.greet(Open(1, "vision"))
        assert gateway.ask(1, "analyze")["payload"]["note"] == note
        worker.kill()
