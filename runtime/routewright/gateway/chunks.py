"""What is looked at in a client's bytes before aiohttp's reader has them: frame by frame, wherever a chunk was cut.

Strategy: functions that walk from header to header (RFC 6455, 5.2). What a chunk has begun and not ended is a value
that the next one is walked with; it is falsy where a chunk ends as a frame does.
"""

from typing import Final, TypeAlias

Begun: TypeAlias = bytes | int
"""How many bytes of a frame are still to come, or the bytes of its header that are there."""

MARK: Final = 0x40
"""RSV1: the bit of a message's first frame that says that it is compressed (RFC 7692, 6)."""


def masked(data: bytes, begun: Begun) -> tuple[int, Begun]:
    """How much of a chunk lies before the first frame without a mask (section 5.1), and what the chunk has begun."""
    known = at = 0
    if begun:
        if isinstance(begun, int):
            at = begun
        else:
            known = len(begun)
            data = begun + data
    size = len(data)
    while at < size:
        if at + 2 > size:
            break
        length = data[at + 1] - 128
        if length < 0:
            return max(at - known, 0), 0
        if length < 126:
            at += length + 6
            continue
        width = 2 if length == 126 else 8
        if at + 2 + width > size:
            break
        at += int.from_bytes(data[at + 2 : at + 2 + width], "big") + 6 + width
    return size - known, data[at:] if at < size else at - size


def unmarked(data: bytes, begun: Begun) -> tuple[bytes, list[bool]]:
    """A chunk without the marks of its messages' first frames, and for each of these whether it had one. Where else a
    mark stands, it stays, for the reader to refuse."""
    if isinstance(begun, int):
        at, known, whole = begun, 0, data
    else:
        at, known, whole = 0, len(begun), begun + data
    size, marks, found = len(whole), list[bool](), list[int]()
    while at < size:
        first = whole[at]
        if at >= known and first & 15 in (1, 2):
            marks.append(bool(first & MARK))
            if first & MARK:
                found.append(at - known)
        length = whole[at + 1] - 128 if at + 2 <= size else -1
        if length < 0:
            break
        width = 0 if length < 126 else 2 if length == 126 else 8
        if at + 2 + width > size:
            break
        at += 6 + width + (int.from_bytes(whole[at + 2 : at + 2 + width], "big") if width else length)
    if not found:
        return data, marks
    clear = bytearray(data)
    for place in found:
        clear[place] &= ~MARK
    return bytes(clear), marks
