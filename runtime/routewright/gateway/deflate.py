"""permessage-deflate (RFC 7692): what is agreed on with a client, and what it does to messages.

Strategy: no message refers to another one (``no_context_takeover`` in both directions). So a connection keeps nothing:
one compressor serves all connections of a process, and an inflater lives as long as the message that it reads. And the
length of a message says nothing of another one's content, nor of another client's. Small messages that are alike
become less small that way than they could.

zlib-ng does the work where it is installed, zlib otherwise.
"""

import functools
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from routewright.gateway.chunks import MARK
from routewright.gateway.framing import header, payload

try:
    from zlib_ng import zlib_ng as _ng
except ImportError:
    _backend: Any = zlib
else:
    _backend = _ng

BACKEND: Final[str] = "zlib-ng" if _backend is not zlib else "zlib"
"""What compresses here."""

WINDOW = 15
"""Bits of the window where a client asks for no smaller one."""

MEMBERS = 16
"""DEFLATE streams that a message may be made of (section 7.2.3.4 has two; each costs a new inflater)."""

# what a sender takes away (section 7.2.1), and an empty last block: who reaches its end has read a whole message
_TAIL = b"\x00\x00\xff\xff\x03\x00"
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_BITS = {str(bits): bits for bits in range(8, 16)}


class InflateError(Exception):
    """A message that cannot be inflated; ``code`` is what to close with, ``inflated`` the bytes that were inflated."""

    def __init__(self, code: int, reason: str, inflated: int) -> None:
        super().__init__(reason)
        self.code = code
        self.inflated = inflated


class Agreement(NamedTuple):
    """What was agreed on: the bits of the window that messages to the client may have, and the
    ``Sec-WebSocket-Extensions`` that says so."""

    bits: int
    answer: str


class Tally:
    """What compression has done on a route: messages that were sent compressed, and their bytes before and after; bytes
    that were inflated of those that came compressed."""

    __slots__ = ("after", "before", "inflated", "messages")

    def __init__(self) -> None:
        self.messages = self.before = self.after = self.inflated = 0

    def add(self, before: int, after: int) -> None:
        """Count one message."""
        self.messages += 1
        self.before += before
        self.after += after


class Deflater:
    """Compresses messages for every connection that has agreed on this level and this window."""

    def __init__(self, level: int, bits: int) -> None:
        self.level = level
        self.bits = bits
        self.compressions = 0
        self._deflate = _backend.compressobj(level, _backend.DEFLATED, -bits)
        self._frame = self._compressed = b""

    def message(self, message: bytes) -> bytes:
        """A message, which is not empty, compressed (section 7.2.1)."""
        self.compressions += 1
        # a full flush forgets all that was said before
        small: bytes = self._deflate.compress(message) + self._deflate.flush(_backend.Z_FULL_FLUSH)
        return small[:-4]

    def frame(self, frame: bytes) -> bytes:
        """A whole frame that many receive, compressed: they come for it one after the other, so that the last one is
        kept."""
        if frame is not self._frame:
            small = self.message(payload(frame))
            self._frame, self._compressed = frame, header(MARK | frame[0] & 15, len(small)) + small
        return self._compressed


@functools.cache
def deflater(level: int, bits: int) -> Deflater:
    """The compressor of this process (256 KiB), of which there are at most as many as there are levels and windows."""
    return Deflater(level, bits)


def inflate(data: bytes, most: int) -> bytes:
    """The message that was compressed to ``data`` (section 7.2.2), never taking more memory than ``most`` bytes.

    Raises:
        InflateError: it is longer than ``most``, cut short, or not compressed at all.
    """
    rest, parts, room = data + _TAIL, list[bytes](), most + 1
    try:
        for _ in range(MEMBERS):
            # senders forget the byte of an empty message, and the one that is to follow a last block (7.2.3.4)
            if not rest or rest == _TAIL:
                return parts[0] if len(parts) == 1 else b"".join(parts)
            inflater = _backend.decompressobj(-zlib.MAX_WBITS)
            parts.append(inflater.decompress(rest, room))
            room -= len(parts[-1])
            if not room:
                raise InflateError(1009, f"message of more than {most} bytes", most)
            if not inflater.eof:
                break
            rest = inflater.unused_data
    except _backend.error:
        pass
    raise InflateError(1007, "message is not compressed as it says", most - room)


def agree(headers: Iterable[str]) -> Agreement | None:
    """Take the first offer of a client's ``Sec-WebSocket-Extensions`` that can be accepted; ``None`` where there is
    none."""
    for name, parameters in _offers(",".join(headers)):
        if name == "permessage-deflate" and (agreement := _accepted(parameters)) is not None:
            return agreement
    return None


def _accepted(parameters: list[tuple[str, str | None]]) -> Agreement | None:
    """What comes of an offer (section 7.1); ``None`` where it is to be declined."""
    bits, answer = WINDOW, "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    if len({name for name, _ in parameters}) < len(parameters):
        return None
    for name, value in parameters:
        match name:
            case "server_no_context_takeover" | "client_no_context_takeover" if value is None:
                pass
            case "client_max_window_bits" if value is None or value in _BITS:
                # whatever the client's window is, one of 15 bits reads it
                pass
            # a window of 256 bytes is one that zlib does not have
            case "server_max_window_bits" if value is not None and _BITS.get(value, 8) > 8:
                bits = _BITS[value]
                answer += f"; server_max_window_bits={bits}"
            case _:
                return None
    return Agreement(bits, answer)


def _offers(text: str) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """The extensions of a header (RFC 6455, 9.1), as far as they can be read."""
    for offer in _split(text, ","):
        name, *rest = (part.strip(" \t") for part in _split(offer, ";"))
        parameters = [_parameter(part) for part in rest]
        if _is_token(name) and all(_is_token(each) and value != "" for each, value in parameters):
            yield name, parameters


def _parameter(text: str) -> tuple[str, str | None]:
    """A parameter and its value, ``""`` for a wrong one."""
    name, equals, value = text.partition("=")
    if not equals:
        return name, None
    if len(value) > 2 and value[0] == value[-1] == '"':
        # what is quoted must be a token nevertheless
        value = value[1:-1]
    return name, value if _is_token(value) else ""


def _split(text: str, separator: str) -> Iterator[str]:
    """Cut at a separator that stands in no quoted string."""
    start, quoted = 0, False
    for at, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif letter == separator and not quoted:
            yield text[start:at]
            start = at + 1
    yield text[start:]


def _is_token(text: str) -> bool:
    return bool(text) and _TOKEN.issuperset(text)
