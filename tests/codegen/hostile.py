"""Strings that try to break out of where they are written."""

from hypothesis import strategies

PIECES = (
    '"', "'", '"""', "'''", "\\", "\\\\", "\n", "\r", "\r\n", "\t", "\0", "\x0b", "\x0c", "\x1c", "\x7f", "\x85",
    "\xa0", "\u2028", "\u2029", "\u200b", "\u202e", "\u2066", "\ufeff", "\U000e0041", "\U0001f600", "é", "ﬁ",
    "漢字", "e\u0301", "{{ spec.file }}", "{% raw %}", "{# #}", "../", "/", "#", "${x}", "%s", "{0}", "\\x41",
    "import os", "'); import os; (", '"""\nimport os\n"""', "__import__('os')", "# type: ignore",
    "# -*- coding: x -*-", "\\N{BULLET}", "class", "None", "self", "str", "list", "msgspec", "components", "a",
    "b c", "1", "-", "_", "__x__", " ",
)  # fmt: skip


def texts() -> strategies.SearchStrategy[str]:
    """Texts of such pieces and of any characters that UTF-8 has."""
    characters = strategies.characters(exclude_categories=("Cs",))
    return strategies.lists(strategies.sampled_from(PIECES) | characters, max_size=8).map("".join)
