"""JSON pointers (RFC 6901)."""

from typing import Any


def child(pointer: str, token: str | int) -> str:
    """The pointer of a member or an item below ``pointer``."""
    if isinstance(token, str) and ("~" in token or "/" in token):
        token = token.replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{token}"


def parent(pointer: str) -> str:
    """The pointer of the node that holds this one; the root's own is ``""``."""
    return pointer.rpartition("/")[0]


def tokens(pointer: str) -> list[str]:
    """The unescaped tokens of a pointer: ``"/a/b~1c"`` -> ``["a", "b/c"]``."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def lookup(value: Any, pointer: str) -> Any:
    """What stands at a pointer.

    Raises:
        LookupError: nothing does.
    """
    if pointer and not pointer.startswith("/"):
        raise LookupError(pointer)
    for token in tokens(pointer):
        if isinstance(value, dict):
            value = value[token]
        elif isinstance(value, list) and token.isascii() and token.isdigit() and str(int(token[:9])) == token:
            value = value[int(token)]
        else:
            raise LookupError(pointer)
    return value
