"""The headers of frames that a server sends: final and unmasked (RFC 6455, 5.2)."""

import struct

TEXT_HEADERS = [bytes((0x81, length)) for length in range(126)]
BINARY_HEADERS = [bytes((0x82, length)) for length in range(126)]
_LENGTH_16 = struct.Struct("!BBH").pack
_LENGTH_64 = struct.Struct("!BBQ").pack


def head(frame: bytes) -> int:
    """How long the header of a frame of ours is."""
    length = frame[1]
    return 2 if length < 126 else 4 if length == 126 else 10


def payload(frame: bytes) -> bytes:
    """What a frame of ours carries."""
    return frame[head(frame) :]


def header(opcode: int, length: int) -> bytes:
    """The header of an unmasked, final frame."""
    if length < 126:
        return bytes((0x80 | opcode, length))
    if length < 0x10000:
        return _LENGTH_16(0x80 | opcode, 126, length)
    return _LENGTH_64(0x80 | opcode, 127, length)
