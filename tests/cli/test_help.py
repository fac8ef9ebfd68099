"""What every verb says of itself."""

import re

import pytest

from .conftest import Run

VERBS = ("init", "check", "generate", "import", "plan", "serve", "worker", "routes", "explain", "call", "docs", "scan")


@pytest.mark.parametrize("verb", VERBS)
def test_every_help_has_examples_that_name_real_options(run: Run, verb: str) -> None:
    done = run(verb, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: routewright {verb} [OPTIONS]")
    text, _, examples = done.stdout.partition("Examples:")
    lines = [line.strip() for line in examples.splitlines() if f"routewright {verb}" in line]
    assert lines
    options = set(re.findall(r"--[a-z-]+", text))
    assert {option for line in lines for option in re.findall(r"(?<= )--[a-z-]+", line)} <= options


def test_the_command_lists_its_verbs(run: Run) -> None:
    done = run("--help")
    assert done.returncode == 0
    listed = re.findall(r"^  ([a-z-]+)  ", done.stdout.partition("Commands:")[2], re.MULTILINE)
    assert tuple(listed[: len(VERBS)]) == VERBS


def test_a_plugin_adds_its_verb(run: Run) -> None:
    assert "api-key" in run("--help").stdout
    done = run("api-key", "--id", "dashboard")
    assert done.returncode == 0
    assert '"id": "dashboard"' in done.stdout


def test_the_version(run: Run) -> None:
    done = run("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"routewright \d+\.\d+\.\d+\S*\n", done.stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nosuch",),
        ("check", "--format", "xml"),
        ("check", "nosuch.json"),
        ("generate", "nosuch"),
        ("serve", "--port", "http"),
        ("worker", "handlers.greeter"),
        ("explain",),
        ("call", "ws://127.0.0.1:1/"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_says_why_on_stderr(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr or done.stdout.startswith("Usage:")
    assert "Traceback" not in done.stderr


def test_a_missing_spec_leads_to_init(run: Run) -> None:
    done = run("check")
    assert done.returncode == 2
    assert done.stderr == (
        "error: websocket-routes.json does not exist\n"
        "  hint: name the spec, or start a project with `routewright init`\n"
    )
