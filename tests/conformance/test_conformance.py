"""A part of the conformance cases that takes seconds; ``make conformance`` runs them all."""

from pathlib import Path

from tests.conformance.suite import echoing, run
from tests.served import serving

FRAMING = ("1.*", "2.*", "3.*", "4.*", "5.*", "10.*")
TEXT = ("6.1.*", "6.2.*", "6.3.*", "6.4.*")
CLOSING = ("7.*",)
COMPRESSION = ("12.1.3", "12.3.11", "13.2.3", "13.5.3", "13.7.3")


def test_no_case_fails(tmp_path: Path) -> None:
    with serving(echoing(tmp_path / "project"), "--no-watch") as served:
        outcome = run(served, tmp_path / "report", include=FRAMING + TEXT + CLOSING + COMPRESSION)
    assert outcome.failed == []
    assert outcome.code == 0, outcome.printed
    assert len(outcome.results) > 100
