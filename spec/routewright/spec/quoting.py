"""Values of a spec inside messages."""

import json
from typing import Any


def quoted(value: Any) -> str:
    """A value of the spec inside a message: JSON, cut to a readable length."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def type_name(value: Any) -> str:
    """The JSON type of a value, with its article."""
    if isinstance(value, bool):
        return "true" if value else "false"
    for kind, name in ((dict, "an object"), (list, "a list"), (str, "a string"), (int | float, "a number")):
        if isinstance(value, kind):
            return name
    return "null"
