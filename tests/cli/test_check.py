"""``routewright check``."""

import json
import re
from pathlib import Path

from .conftest import Run

WRONG = """{
  "routes": [
    {"path": "/ws/a", "pythonModule": "a"},
    {"path": "/ws/a", "pythonModul": "b", "name": "b"}
  ]
}
"""


def test_problems_go_to_stderr_with_place_and_hint(run: Run, tmp_path: Path) -> None:
    (tmp_path / "websocket-routes.json").write_text(WRONG)
    done = run("check")
    assert (done.returncode, done.stdout) == (1, "")
    places = re.findall(r"^websocket-routes\.json:(\d+):\d+: RW\d{3} ", done.stderr, re.MULTILINE)
    assert places
    assert set(places) <= {"3", "4"}
    assert re.search(r"^  hint: .*pythonModule", done.stderr, re.MULTILINE)


def test_json_is_a_list_on_stdout(run: Run, tmp_path: Path) -> None:
    (tmp_path / "websocket-routes.json").write_text(WRONG)
    done = run("check", "--format", "json")
    assert (done.returncode, done.stderr) == (1, "")
    problems = json.loads(done.stdout)
    assert problems
    assert all(
        each.keys() == {"path", "line", "column", "code", "severity", "message", "hint", "pointer"} for each in problems
    )


def test_json_of_a_right_spec_is_an_empty_list(run: Run, demo: Path) -> None:
    done = run("check", "--format", "json", str(demo))
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


def test_github_gets_annotations(run: Run, tmp_path: Path) -> None:
    (tmp_path / "websocket-routes.json").write_text(WRONG)
    done = run("check", "--format", "github")
    assert done.returncode == 1
    assert all(line.startswith("::error file=websocket-routes.json,line=") for line in done.stdout.splitlines())


def test_no_json_at_all_has_a_place(run: Run, tmp_path: Path) -> None:
    (tmp_path / "websocket-routes.json").write_text('{"routes": [}')
    done = run("check")
    assert done.returncode == 1
    assert done.stderr.startswith("websocket-routes.json:1:13: ")


def test_a_folder_means_the_spec_in_it(run: Run, demo: Path) -> None:
    done = run("check", "demo")
    assert (done.returncode, done.stdout) == (
        0,
        "demo/websocket-routes.json: 1 route, 4 messages, no errors\n",
    )


RISKY = """{
  "routes": [
    {"path": "/ws/a", "pythonModule": "a", "rateLimit": false}
  ]
}
"""


def test_warnings_are_printed_and_counted_and_fail_only_a_strict_check(run: Run, tmp_path: Path) -> None:
    (tmp_path / "websocket-routes.json").write_text(RISKY)
    done = run("check")
    assert (done.returncode, done.stdout) == (0, "websocket-routes.json: 1 route, 0 messages, no errors, 1 warning\n")
    assert done.stderr.startswith("websocket-routes.json:3:57: RW251 warning: ")
    strict = run("check", "--strict")
    assert (strict.returncode, strict.stdout) == (1, "")
    assert strict.stderr.endswith("websocket-routes.json: 1 route, 0 messages, no errors, 1 warning\n")
    annotated = run("check", "--strict", "--format", "github")
    assert (annotated.returncode, annotated.stdout.partition(" ")[0]) == (1, "::warning")
    listed = run("check", "--format", "json")
    assert (listed.returncode, [each["severity"] for each in json.loads(listed.stdout)]) == (0, ["warning"])


def test_other_commands_only_count_warnings(run: Run, tmp_path: Path) -> None:
    (tmp_path / "websocket-routes.json").write_text(RISKY)
    done = run("generate")
    assert (done.returncode, done.stderr) == (0, "1 warning: `routewright check` shows it\n")
    assert run("routes").stderr == ""


def test_a_budget_that_holds_is_shown_and_one_that_does_not_is_a_problem(run: Run, tmp_path: Path) -> None:
    (tmp_path / "websocket-routes.json").write_text(RISKY.replace("false", '{"burst": 5}'))
    shown = run("check", "--connections", "10")
    assert shown.returncode == 0
    assert re.search(r"^a +10 ", shown.stdout, re.MULTILINE)
    held = run("check", "--connections", "10", "--budget", "1GiB", "--format", "json")
    document = json.loads(held.stdout)
    assert (held.returncode, document["problems"], document["budget"]["connections"]) == (0, [], 10)
    assert document["budget"]["bytes"] < 2**30
    broken = run("check", "--budget", "1GiB")
    assert broken.returncode == 1
    assert re.match(r'websocket-routes\.json:3:14: RW601 20,000 connections of route "a" can take ', broken.stderr)
    annotated = run("check", "--budget", "1GiB", "--format", "github")
    assert annotated.stdout.startswith("::error file=websocket-routes.json,line=3,")


def test_a_budget_is_a_size(run: Run, demo: Path) -> None:
    done = run("check", "--budget", "much", str(demo))
    assert (done.returncode, done.stdout) == (2, "")
    assert "512MiB" in done.stderr


def test_handlers_a_message_without_a_handler_names_both_sides(run: Run, demo: Path) -> None:
    module = demo / "handlers/greeter.py"
    module.write_text(module.read_text().replace("@on(CountDown)\n", ""))
    assert run("check", cwd=demo).returncode == 0
    done = run("check", "--handlers", cwd=demo)
    assert (done.returncode, done.stdout) == (1, "")
    assert "count_down" in done.stderr
    assert "websocket-routes.json:" in done.stderr
    assert "handlers.greeter" in done.stderr or "greeter.py" in done.stderr


def test_handlers_a_module_that_does_not_import_has_a_place(run: Run, demo: Path) -> None:
    (demo / "handlers/greeter.py").write_text("import nosuch\n")
    done = run("check", "--handlers", cwd=demo)
    assert done.returncode == 1
    assert re.search(r"greeter\.py:1: .*nosuch", done.stderr)
    annotated = run("check", "--handlers", "--format", "github", cwd=demo)
    assert annotated.returncode == 1
    assert re.match(r"::error file=.*greeter\.py,line=1::", annotated.stdout)


def test_handlers_want_generated_to_be_fresh(run: Run, demo: Path) -> None:
    (demo / "generated/greeter.py").write_text("")
    done = run("check", "--handlers", cwd=demo)
    assert done.returncode == 1
    assert "generated is out of date" in done.stderr
    assert "routewright generate" in done.stderr
