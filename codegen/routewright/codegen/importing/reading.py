"""The text of a document -> a JSON value.

Strategy: YAML as AsyncAPI wants it, with the tags of JSON and nothing else: no dates, no ``yes``, no objects. Aliases
are counted as if they were written out, so that a small file cannot stand for an enormous one.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

BYTES = 16 * 1024 * 1024
"""What a document may weigh."""

YAML_CHARACTERS = 4 * 1024 * 1024
"""What a document may have as YAML, which takes long to read."""

NODES = 1_000_000
"""Values that a document may have, each alias counted as often as it is used."""

DEPTH = 200
"""Levels that values may be nested."""


class ImportProblem(Exception):
    """A document that no spec can be drafted from.

    Attributes:
        hint: what to do about it, or ``""``.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class _Loader(yaml.SafeLoader):
    """YAML with the scalars of JSON."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own name


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", ["n", "~", ""]),
    ("int", r"-?(0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", "-0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})\\Z"), list(_first))


def read(path: Path) -> Any:
    """The value in a file.

    Raises:
        ImportProblem: it cannot be read, is neither JSON nor YAML, or is too large.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImportProblem(f"{path} cannot be read: {error.strerror or error}") from error
    if len(data) > BYTES:
        raise ImportProblem(f"{path} is larger than {BYTES // 1024 // 1024} MiB")
    try:
        text = data.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_constant) if path.suffix == ".json" else _yaml(text)
        _weigh(value, {}, set(), 0)
    except UnicodeDecodeError as error:
        raise ImportProblem(f"{path} is not UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise ImportProblem(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark is not None else str(path)
        raise ImportProblem(f"{place}: not YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise ImportProblem(f"{path}: not YAML: {error}") from error
    except RecursionError as error:
        raise ImportProblem(f"{path} is nested too deeply") from error
    except ValueError as error:
        raise ImportProblem(f"{path}: {error}") from error
    return value


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _yaml(text: str) -> Any:
    if len(text) > YAML_CHARACTERS:
        raise ValueError(f"YAML of more than {YAML_CHARACTERS:,} characters; write it as JSON")
    return yaml.load(text, _Loader)  # noqa: S506 - a safe loader, with fewer tags still


def _weigh(value: Any, known: dict[int, int], open_: set[int], depth: int) -> int:
    """How many values there are, aliases written out; mappings get text for keys on the way."""
    if not isinstance(value, dict | list):
        if value is not None and not isinstance(value, str | int | float):
            raise ValueError(f"a value of the type {type(value).__name__} is not JSON")
        return 1
    if id(value) in open_:
        raise ValueError("an alias stands inside of what it is an alias of")
    if depth > DEPTH:
        raise ValueError(f"values are nested more than {DEPTH} deep")
    if id(value) not in known:
        open_.add(id(value))
        if isinstance(value, dict):
            for key in [each for each in value if not isinstance(each, str)]:
                value[_key(key)] = value.pop(key)
            if "<<" in value:
                raise ValueError('the merge key "<<" is not JSON: write out what it stands for')
        members = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_weigh(each, known, open_, depth + 1) for each in members)
        open_.discard(id(value))
    if known[id(value)] > NODES:
        raise ValueError(f"more than {NODES:,} values once its aliases are written out")
    return known[id(value)]


def _key(key: Any) -> str:
    """A key that YAML took for something else, such as ``200`` or ``null``."""
    if not isinstance(key, int | float | None):
        raise ValueError("a key that is no text")
    return json.dumps(key)
