"""Reports: text, JSON, GitHub."""

import json

from routewright.spec import Checked, Problem, report_github, report_json, report_text
from tests.spec.conftest import Check

HOSTILE = Checked(
    None,
    (Problem("a,b:c.json", 1, 3, "RW101", "error", "evil\n::error::\x1b[2J%\u202e", "100%\r\n", "/a"),),
    {"a,b:c.json": "\t\x1b{}\n"},
)


def test_text_with_and_without_carets(checked: Check) -> None:
    found = checked('{\n\t"名前": "é", "rotes": [] }')
    assert report_text(found, carets=False).splitlines()[1:] == [
        'websocket-routes.json:2:2: RW101 unknown key "名前" in the spec',
        '  hint: known keys: "$schema", "components", "defaults", "gateway", "info", "routes", "version"',
        'websocket-routes.json:2:13: RW101 unknown key "rotes" in the spec',
        '  hint: did you mean "routes"?',
    ]
    assert report_text(found, carets=True).splitlines()[-3:] == [
        '   "名前": "é", "rotes": [] }',
        "                ^",
        '  hint: did you mean "routes"?',
    ]


def test_no_problems_no_text(checked: Check) -> None:
    found = checked({"routes": []})
    assert report_text(found, carets=True) == ""
    assert json.loads(report_json(found)) == []
    assert report_github(found) == ""


def test_json_has_every_field(checked: Check) -> None:
    found = checked('{"rotes": [],\n "routes": []}')
    assert json.loads(report_json(found)) == [
        {
            "path": "websocket-routes.json",
            "line": 1,
            "column": 2,
            "code": "RW101",
            "severity": "error",
            "message": 'unknown key "rotes" in the spec',
            "hint": 'did you mean "routes"?',
            "pointer": "/rotes",
        }
    ]


def test_nothing_of_a_spec_reaches_the_terminal_raw() -> None:
    assert report_text(HOSTILE, carets=True).split("\n") == [
        r"a,b:c.json:1:3: RW101 evil\n::error::\u001b[2J%\u202e",
        r"   \u001b{}",
        "         ^",
        r"  hint: 100%\r\n",
    ]


def test_nothing_of_a_spec_becomes_a_workflow_command() -> None:
    assert report_github(HOSTILE) == (
        r"::error file=a%2Cb%3Ac.json,line=1,col=3,title=RW101::evil\n::error::\u001b[2J%25\u202e%0Ahint: 100%25\r\n"
    )


def test_problems_are_sorted_by_place_and_those_of_the_spec_come_first(checked: Check) -> None:
    found = checked(
        '{"routes": [{"pythonModule": "a", "path": "/ws", "b": 1,'
        ' "messages": {"a": {"payload": {"$ref": "a.json"}}}}],\n "c": 1}',
        a={"format": "day", "type": "string", "maxLength": 10},
    )
    assert [(problem.path, problem.line) for problem in found.problems] == [
        ("websocket-routes.json", 1),
        ("websocket-routes.json", 2),
        ("a.json", 2),
    ]
    assert set(found.source) == {"websocket-routes.json", "a.json"}
