"""The page of rules: the table, and an example of each from the folder of golden specs."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from docs.reference.table import note, table
from routewright.spec.rules import RULES

GOLDEN = Path(__file__).parent.parent.parent / "tests" / "spec" / "golden" / "rules"

_CHAPTERS = {
    "0": "The file",
    "1": "Keys and values",
    "2": "Routes",
    "3": "Messages",
    "4": "Schemas",
    "5": "The gateway",
    "6": "The budget",
    "7": "Topics",
}


def rules() -> Iterator[str]:
    """The parts of the page."""
    yield (
        "`routewright check` prints each problem with its rule's code. An error keeps the spec from being compiled. A "
        "warning does not; `check --strict` fails on it, and [`x-allow`](spec-author.md#warnings) silences it in its "
        "place. What a rule finds bad is shown below beside the same as it should be."
    )
    rows: list[Sequence[str]] = [(_linked(rule.code), rule.severity, note(rule.purpose)) for rule in RULES]
    yield table(("code", "severity", "what holds"), rows)
    chapter = ""
    for rule in RULES:
        folder = GOLDEN / rule.code
        if not folder.is_dir():
            continue
        if rule.code[2] != chapter:
            chapter = rule.code[2]
            yield f"## {_CHAPTERS[chapter]}"
        yield f"### {rule.code}"
        yield f"{rule.purpose} ({rule.severity})"
        if rule.code == "RW601":
            yield "Here with `--connections 1000 --budget 2GiB`."
        yield _block("bad", (folder / "bad.json").read_text(encoding="utf-8"))
        yield _block("what check says", (folder / "expected.txt").read_text(encoding="utf-8"))
        yield _block("good", (folder / "good.json").read_text(encoding="utf-8"))


def _linked(code: str) -> str:
    return f"[`{code}`](#{code.lower()})" if (GOLDEN / code).is_dir() else f"`{code}`"


def _block(title: str, text: str) -> str:
    # Not marked as JSON: some of what is bad is none.
    return f'```text title="{title}"\n{text.rstrip()}\n```'
