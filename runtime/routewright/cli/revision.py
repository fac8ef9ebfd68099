"""An earlier spec to compare with: another file, or the same one as git knows it.

Strategy: of a revision only the spec and the files that its ``$ref`` name are written to a temporary folder, laid out
as they were, and checked there as any other spec. Git is only ever given a commit's hash and paths that begin with
``./``.
"""

import dataclasses
import json
import os
import posixpath
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from routewright.cli.project import FILE
from routewright.cli.terminal import USAGE, fail

if TYPE_CHECKING:
    from routewright.spec import Checked


@contextmanager
def earlier(file: Path, against: str) -> Iterator[tuple[Path, str]]:
    """The spec to compare ``file`` with: where it lies for the length of the block, and what to call its folder (``""``
    where it lies where it is). A file of that name comes before a git revision.

    Leaves the command with `USAGE` where there is neither.
    """
    path = Path(against)
    if against and path.is_dir() and (path / FILE).is_file():
        path = path / FILE
    if path.is_file():
        yield path, ""
        return
    with TemporaryDirectory(prefix="routewright-") as folder:
        _extract(file, against, Path(folder))
        yield Path(folder) / file.name, f"{against}:"


def called(checked: "Checked", file: Path, name: str) -> "Checked":
    """The same result, in which files are called by their revision and not by the temporary folder of ``file``."""
    if not name:
        return checked
    folder = f"{file.parent}{os.sep}"

    def say(text: str) -> str:
        return text.replace(folder, name)

    problems = tuple(
        dataclasses.replace(each, path=say(each.path), message=say(each.message), hint=say(each.hint))
        for each in checked.problems
    )
    source = {say(path): text for path, text in checked.source.items()}
    return dataclasses.replace(checked, problems=problems, source=source)


def _extract(file: Path, revision: str, folder: Path) -> None:
    where = file.absolute().parent
    _git(where, "rev-parse", "--git-dir", wrong=f"{revision!r} is no file, and {where} is in no git repository")
    found = _git(
        where,
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{revision}^{{commit}}",
        wrong=f"{revision!r} is neither a file nor a revision of this repository",
    )
    commit = found.decode().strip()
    ahead, seen = [file.name], {file.name}
    while ahead:
        name = ahead.pop()
        data = _show(where, commit, name)
        if data is None and name == file.name:
            fail(f"{revision} has no {file.name}", hint="name a revision that has it, or another file", code=USAGE)
        if data is None:
            continue  # the check of the spec says so
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        for other in _referred(data, name):
            if other not in seen:
                seen.add(other)
                ahead.append(other)


def _show(where: Path, commit: str, name: str) -> bytes | None:
    done = _run(where, "show", f"{commit}:./{name}")
    return done.stdout if done.returncode == 0 else None


def _git(where: Path, *arguments: str, wrong: str) -> bytes:
    done = _run(where, *arguments)
    if done.returncode != 0:
        fail(wrong, hint="--against takes another spec file, or a git revision such as main or HEAD~1", code=USAGE)
    return done.stdout


def _run(where: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(["git", *arguments], cwd=where, capture_output=True, check=False)  # noqa: S603, S607
    except FileNotFoundError:
        fail("git is not installed", hint="name another spec file to compare with", code=USAGE)


def _referred(data: bytes, name: str) -> Iterator[str]:
    """Files below the spec's folder that a file refers to, relative to that folder."""
    try:
        ahead: list[Any] = [json.loads(data)]
    except (ValueError, RecursionError):
        return
    while ahead:
        value = ahead.pop()
        if isinstance(value, list):
            ahead += value
        elif isinstance(value, dict):
            ahead += value.values()
            reference = value.get("$ref")
            if isinstance(reference, str) and (other := _file(reference, name)):
                yield other


def _file(reference: str, name: str) -> str:
    """The file of a ``$ref`` that stands in the file ``name``; ``""`` for none below the spec's folder."""
    address = reference.partition("#")[0]
    try:
        if not address or urlsplit(address).scheme or address.startswith("/"):
            return ""
    except ValueError:
        return ""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(address)))
    return "" if path.startswith("..") or not path.isprintable() or "\\" in path else path
