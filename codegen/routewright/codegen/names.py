"""Python names for what a spec names freely.

Strategy: a spec's own name is kept where it is a plain identifier; anything else is turned into one that resembles it
and is unique where it stands. Every name that reaches generated text passes `identifier` once more.
"""

import functools
import itertools
import keyword
import re
import unicodedata
from collections.abc import Container, Iterable

from routewright.codegen.errors import RenderError
from routewright.codegen.literals import visible

BUILTINS = frozenset({"bool", "dict", "float", "int", "list", "str"})
"""Names that generated annotations take from the builtins."""

REMEMBERED = 16_384
"""Names of which a process remembers what they become: the properties of a spec have few different ones."""


def identifier(name: str, place: str) -> str:
    """``name``, proved to be an identifier that is safe to write.

    Raises:
        RenderError: it is none.
    """
    if not plain(name):
        raise RenderError(place, f"{name!r} is not a name that Python allows here")
    return name


@functools.lru_cache(maxsize=REMEMBERED)
def plain(name: str) -> bool:
    """Whether the name is an identifier that means the same everywhere: no keyword, no leading double underscore,
    already in the form (NFKC) that Python's parser would give it."""
    return (
        name.isidentifier()
        and not keyword.iskeyword(name)
        and not name.startswith("__")
        and (name.isascii() or (unicodedata.is_normalized("NFKC", name) and all(map(visible, name))))
    )


def attributes(properties: Iterable[str], *taken: Container[str]) -> dict[str, str]:
    """Property name -> attribute name, for one class: unique, and in none of ``taken``."""
    wanted = list(properties)
    given_away = (BUILTINS, *taken)
    found = {name: name for name in wanted if plain(name) and not any(name in each for each in given_away)}
    used = set(found)
    for name in wanted:
        if name not in found:
            found[name] = unique(_attribute(name), used, *given_away, separator="_")
            used.add(found[name])
    return found


@functools.lru_cache(maxsize=REMEMBERED)
def class_name(*words: str) -> str:
    """The words run together in PascalCase: ``("Analysis", "text-map")`` -> ``AnalysisTextMap``."""
    parts = [part for word in words for part in re.split(r"[\W_]+", _legible(word)) if part]
    joined = "".join(part[0].upper() + part[1:] for part in parts)
    return joined if plain(joined) else f"Shape{joined}" if plain(f"Shape{joined}") else "Shape"


def unique(name: str, *taken: Container[str], separator: str = "") -> str:
    """``name``, or the first of ``name2``, ``name3``, ... that none has taken."""
    candidate = name
    for count in itertools.count(2):
        if not any(candidate in names for names in taken):
            break
        candidate = f"{name}{separator}{count}"
    return candidate


def _attribute(name: str) -> str:
    """The attribute for a property whose own name cannot be one."""
    text = re.sub(r"\W+", "_", _legible(name)).strip("_")
    if text[:1].isdigit() or not text:
        text = f"field_{text}".rstrip("_")
    if keyword.iskeyword(text) or text in BUILTINS or text == name:
        text += "_"
    return text if plain(text) else "field"


def _legible(name: str) -> str:
    if name.isascii() and name.isprintable():
        return name
    normal = unicodedata.normalize("NFKC", name)
    return "".join(c if visible(c) else "_" for c in normal)
