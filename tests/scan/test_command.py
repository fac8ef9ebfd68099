"""The command around the scan: what it writes, refuses and returns."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routewright.cli.drafting import draft
from routewright.scan import Endpoint, Place, Scan, Seen
from routewright.spec import check, report_text

from .conftest import Write, run

SOURCE = "from fastapi import FastAPI\napp = FastAPI()\n@app.websocket('/ws')\nasync def ws(websocket): ...\n"


def test_it_drafts_a_spec_and_replaces_none(write: Write) -> None:
    folder = write({"app.py": SOURCE})
    done = run("app.py", "--write")
    assert (done.code, done.stderr) == (0, "wrote websocket-routes.json\n")
    file = folder / "websocket-routes.json"
    assert [route["path"] for route in json.loads(file.read_text())["routes"]] == ["/ws"]
    file.write_text("mine")
    refused = run("app.py", "--write")
    assert (refused.code, refused.stdout, file.read_text()) == (2, "", "mine")
    assert "--force" in refused.stderr
    assert run("app.py", "--write", "--force").code == 0
    assert json.loads(file.read_text())["version"] == "1"
    assert run("app.py", "--out", "nowhere/spec.json").code == 2


@pytest.mark.parametrize("arguments", [(), ("nowhere",), (".", "--format", "xml")], ids=str)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...], write: Write) -> None:
    write({})
    assert run(*arguments).code == 2


def test_nothing_to_find_is_no_fault(write: Write) -> None:
    write({"a.py": "print(1)\n"})
    done = run(".")
    assert (done.code, done.stdout) == (0, "0 endpoints in 1 file, 0 conflicts\n")
    assert run(".", "--format", "github").stdout == ""


def test_annotations_escape_what_github_would_read(write: Write) -> None:
    write({"a,b:c.py": SOURCE + SOURCE.replace("/ws", "/ws/"), "d.py": "websocket = ("})
    done = run(".", "--format", "github")
    assert done.code == 0
    assert done.stdout.startswith("::warning file=d.py::passed over: ")


SEGMENTS = st.sampled_from(
    ["ws", "a", "{x}", "{y:int}", "{z:re}", "{t...}", "a-{b}", "", "ü", "table", "{1}", "..", "a b"]
)
ENDPOINTS = st.builds(
    Endpoint,
    path=st.lists(SEGMENTS, max_size=4).map(lambda parts: "/" + "/".join(parts)) | st.just("") | st.just("*"),
    declared=st.just("/"),
    prefixes=st.just(()),
    dynamic=st.sampled_from([(), ("x",)]),
    framework=st.just("fastapi"),
    handler=st.sampled_from(["a.one", "a.two", "a.three"]),
    place=st.builds(Place, st.just("a.py"), st.integers(1, 9)),
    app=st.sampled_from(["", "a.py:1"]),
    messages=st.lists(
        st.builds(
            Seen,
            st.sampled_from(["say", "Say", "s-ay", "error", "$x", "é", "Struct", "9", "a" * 200, "ok"]),
            st.sampled_from(["type", "action"]),
            st.sampled_from(["client", "handler"]),
        ),
        max_size=5,
    ).map(tuple),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ENDPOINTS, min_size=1, max_size=8))
def test_a_draft_of_any_endpoints_is_accepted_by_check(write: Write, endpoints: list[Endpoint]) -> None:
    file = write({"websocket-routes.json": draft(Scan(tuple(endpoints), (), (), 1))}) / "websocket-routes.json"
    document = json.loads(file.read_text())
    placed = sum(len(route["x-from"]) for route in document["routes"]) + len(document.get("x-unresolved", ()))
    assert placed == len(endpoints)
    checked = check(file)
    codes = {problem.code for problem in checked.problems if problem.severity == "error"}
    assert not codes, report_text(checked, carets=False)
