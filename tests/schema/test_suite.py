"""The official JSON Schema Test Suite: where the compiler takes a schema, every verdict is the suite's.

What it does not take is listed with the reason in ``refused.txt``, to the character.
``ROUTEWRIGHT_GOLDEN=write pytest tests/schema/test_suite.py`` writes that list anew: read the diff.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from routewright.table.formats import FORMATS
from tests.schema.compiling import Accepts, Refused, compiled

SUITE = Path(__file__).parent / "suite" / "draft2020-12"
REFUSED = Path(__file__).parent / "refused.txt"

LEAST_SHARE = 0.85
"""The part of the required tests whose schema the compiler takes, at least."""


ANNOTATION = "is only an annotation by default"
"""How the suite ends the names of tests that take ``format`` for a mere annotation. Here it is asserted, as in the
optional tests of the formats."""


class Group(NamedTuple):
    """A schema of the suite, and the values that it is tested with."""

    file: str
    description: str
    schema: Any
    tests: list[dict[str, Any]]
    verdict: Accepts | Refused

    @property
    def taken(self) -> bool:
        return not isinstance(self.verdict, Refused)

    def disagreements(self) -> Iterator[str]:
        if not isinstance(self.verdict, Refused):
            for test in self.tests:
                expected = test["valid"] and not test["description"].endswith(ANNOTATION)
                if self.verdict(test["data"]) != expected:
                    yield f"{self.file}: {self.description}: {test['description']}"


def groups(pattern: str, folder: Path) -> list[Group]:
    read = [
        (str(file.relative_to(SUITE)), group)
        for file in sorted(SUITE.glob(pattern))
        for group in json.loads(file.read_text(encoding="utf-8"))
    ]
    verdicts = compiled([group["schema"] for _, group in read], folder)
    return [
        Group(file, group["description"], group["schema"], group["tests"], verdict)
        for (file, group), verdict in zip(read, verdicts, strict=True)
    ]


@pytest.fixture(scope="module")
def required(tmp_path_factory: pytest.TempPathFactory) -> list[Group]:
    return groups("*.json", tmp_path_factory.mktemp("required"))


@pytest.fixture(scope="module")
def optional(tmp_path_factory: pytest.TempPathFactory) -> list[Group]:
    return groups("optional/**/*.json", tmp_path_factory.mktemp("optional"))


def test_the_suite_is_whole(required: list[Group], optional: list[Group]) -> None:
    assert len({group.file for group in required}) == 46
    assert sum(len(group.tests) for group in required) == 1257
    assert {group.file for group in optional} >= {f"optional/format/{name}.json" for name in FORMATS}


def test_every_verdict_on_a_required_schema_is_the_suites(required: list[Group]) -> None:
    assert [each for group in required for each in group.disagreements()] == []


def test_every_verdict_on_an_optional_schema_is_the_suites(optional: list[Group]) -> None:
    assert [each for group in optional for each in group.disagreements()] == []


def test_most_required_schemas_are_taken(required: list[Group]) -> None:
    taken = sum(len(group.tests) for group in required if group.taken)
    assert taken / sum(len(group.tests) for group in required) >= LEAST_SHARE


def test_what_is_refused_is_refused_for_these_reasons(required: list[Group], optional: list[Group]) -> None:
    lines = [
        f"{group.file}: {group.description}\n  {reason.code} at {reason.pointer}: {reason.message}\n"
        for group in [*required, *optional]
        if isinstance(reason := group.verdict, Refused)
    ]
    if os.environ.get("ROUTEWRIGHT_GOLDEN") == "write":
        REFUSED.write_text("".join(lines), encoding="utf-8")
    assert "".join(lines) == REFUSED.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FORMATS)
def test_every_verdict_on_a_format_is_the_suites(name: str) -> None:
    wrong = [
        test["description"]
        for group in json.loads((SUITE / "optional" / "format" / f"{name}.json").read_text(encoding="utf-8"))
        for test in group["tests"]
        if isinstance(test["data"], str) and FORMATS[name](test["data"]) != test["valid"]
    ]
    assert wrong == []
