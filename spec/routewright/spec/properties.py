"""The Unicode properties that a regular expression may name: general categories, ``Any`` and ``ASCII``.

Strategy: ``categories.txt`` lists the general categories of all characters of Unicode 17 in order, each with the number
of characters that have it (in hexadecimal, where it is not one). A table of our own, since Python's differs from one
version of Python to the next, and a spec's generated code must not.
"""

from functools import cache
from importlib.resources import files

from routewright.spec.regex import EVERYTHING, Ranges, union

_NAMES = {
    "C": "Other",
    "Cc": "Control cntrl",
    "Cf": "Format",
    "Cn": "Unassigned",
    "Co": "Private_Use",
    "Cs": "Surrogate",
    "L": "Letter",
    "LC": "Cased_Letter",
    "Ll": "Lowercase_Letter",
    "Lm": "Modifier_Letter",
    "Lo": "Other_Letter",
    "Lt": "Titlecase_Letter",
    "Lu": "Uppercase_Letter",
    "M": "Mark Combining_Mark",
    "Mc": "Spacing_Mark",
    "Me": "Enclosing_Mark",
    "Mn": "Nonspacing_Mark",
    "N": "Number",
    "Nd": "Decimal_Number digit",
    "Nl": "Letter_Number",
    "No": "Other_Number",
    "P": "Punctuation punct",
    "Pc": "Connector_Punctuation",
    "Pd": "Dash_Punctuation",
    "Pe": "Close_Punctuation",
    "Pf": "Final_Punctuation",
    "Pi": "Initial_Punctuation",
    "Po": "Other_Punctuation",
    "Ps": "Open_Punctuation",
    "S": "Symbol",
    "Sc": "Currency_Symbol",
    "Sk": "Modifier_Symbol",
    "Sm": "Math_Symbol",
    "So": "Other_Symbol",
    "Z": "Separator",
    "Zl": "Line_Separator",
    "Zp": "Paragraph_Separator",
    "Zs": "Space_Separator",
}
_CATEGORIES = {name: short for short, names in _NAMES.items() for name in (short, *names.split())}


def ranges(name: str | None, value: str) -> Ranges | None:
    """The characters of ``\\p{value}`` or ``\\p{name=value}``, or ``None`` if that is not known here."""
    if name is None and value in ("Any", "ASCII"):
        return EVERYTHING if value == "Any" else ((0, 0x7F),)
    if name not in (None, "gc", "General_Category") or value not in _CATEGORIES:
        return None
    category = _CATEGORIES[value]
    parts = ("Ll", "Lt", "Lu") if category == "LC" else [each for each in _table() if each.startswith(category)]
    return union(*(_table()[part] for part in parts))


@cache
def _table() -> dict[str, Ranges]:
    """The characters of each general category."""
    found: dict[str, list[tuple[int, int]]] = {}
    at = 0
    for run in files("routewright.spec").joinpath("categories.txt").read_text("ascii").split():
        length = int(run[2:] or "1", 16)
        found.setdefault(run[:2], []).append((at, at + length - 1))
        at += length
    return {category: tuple(each) for category, each in found.items()}
