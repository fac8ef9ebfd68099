"""Check a spec: the front door of the language."""

from pathlib import Path

from routewright.spec.checked import Checked
from routewright.spec.collector import paused
from routewright.spec.draft import Draft
from routewright.spec.resolve import resolve
from routewright.spec.rules import problems


def check(path: Path) -> Checked:
    """Read a route spec, find every problem of it, and resolve it where there is none.

    Never raises: a file that cannot be read, or is no JSON, is a problem like any other.
    """
    with paused():
        draft = Draft(path)
        found = problems(draft)
        wrong = any(problem.severity == "error" for problem in found)
        source = {document.name: document.text for document in draft.library.documents.values()}
        return Checked(None if wrong else resolve(draft), found, source)
