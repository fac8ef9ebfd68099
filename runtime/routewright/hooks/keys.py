"""API keys that are known by their hash, as the ``apiKey`` way of ``auth`` and the plugin ``api_key`` read them.

Strategy: a key is 256 random bits, so its SHA-256 is enough to know it by and useless to whoever reads the file; that
holds for keys as ``routewright api-key`` makes them, and not for passwords. A file of keys has one a line, ``NAME
sha256:HEX [SCOPE ...]``, with ``#`` before a remark; or it is a JSON list of ``{"id", "sha256", "scopes"}``.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, NamedTuple, final

import msgspec

from routewright.table import Principal

HEX: Final = "^[0-9a-f]{64}$"
_LINE = re.compile(r"(\S+)\s+sha256:([0-9a-f]{64})((?:\s+\S+)*)")


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key that lets in, known by its hash."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    sha256: Annotated[str, msgspec.Meta(pattern=HEX)]
    scopes: tuple[str, ...] = ()


class Made(NamedTuple):
    """A new key: ``text`` is for its owner alone, ``key`` is what the gateway knows it by."""

    text: str
    key: Key


def make(id: str, scopes: tuple[str, ...] = ()) -> Made:
    """A new key of 256 random bits."""
    text = f"rw_{secrets.token_urlsafe(32)}"
    return Made(text, Key(id, hashlib.sha256(text.encode()).hexdigest(), scopes))


def line(key: Key) -> str:
    """A key as a line of a file."""
    return " ".join((key.id, f"sha256:{key.sha256}", *key.scopes))


@final
class Keys:
    """Some keys, which may stand in a file that changes.

    Args:
        file: it is read again when it is another than before.

    Raises:
        ValueError: the file cannot be read, or holds no keys.
    """

    def __init__(self, keys: list[Key] | None = None, file: Path | None = None) -> None:
        self._keys = _principals(keys or [])
        self._file = file
        self._stamp: tuple[int, int, int] | None = None
        self._refresh()

    def find(self, presented: str) -> Principal | None:
        """Whose key it is. Takes as long for a wrong key as for a right one.

        Raises:
            ValueError: the file cannot be read, or holds no keys; nobody is let in by keys that may have been
                withdrawn.
        """
        self._refresh()
        digest = hashlib.sha256(presented.encode("utf-8", "surrogateescape")).digest()
        found = None
        for known, principal in self._keys.items():
            if hmac.compare_digest(known, digest):
                found = principal
        return found

    def _refresh(self) -> None:
        if self._file is None:
            return
        try:
            status = self._file.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp != self._stamp:
                self._keys = _principals(read(self._file.read_bytes(), str(self._file)))
                self._stamp = stamp
        except OSError as error:
            raise ValueError(f"keysFile: {error.strerror}: {self._file}") from error


def read(text: bytes, place: str) -> list[Key]:
    """The keys of a text.

    Raises:
        ValueError: it holds none, or something else; what it holds is not told.
    """
    if not text.strip():
        raise ValueError(f"{place} is empty; it must hold keys (`routewright api-key` prints one)")
    try:
        if text.lstrip().startswith(b"["):
            return msgspec.json.decode(text, type=list[Key])
        return list(_lines(text.decode(), place))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"{place} holds no JSON list of keys: {error}") from None


def _lines(text: str, place: str) -> Iterator[Key]:
    for number, each in enumerate(text.splitlines(), 1):
        written = each.partition("#")[0].strip()
        if not written:
            continue
        found = _LINE.fullmatch(written)
        if found is None:
            raise ValueError(f"{place}:{number} is no key: write NAME sha256:HEX [SCOPE ...]")
        yield Key(found[1], found[2], tuple(found[3].split()))


def _principals(keys: list[Key]) -> dict[bytes, Principal]:
    names = [key.id for key in keys]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two keys have the id {twice[0]!r}")
    principals = {bytes.fromhex(key.sha256): Principal(id=key.id, scopes=key.scopes) for key in keys}
    if len(principals) < len(keys):
        raise ValueError("two keys have the same sha256")
    return principals
