"""Counts encodings.

Each use of a msgspec encoder, in whichever process, appends one byte to the file that ``BENCH_ENCODES`` names: ``j``
for JSON, ``m`` for MessagePack.
"""

import os
from collections.abc import Callable
from typing import Any

import msgspec


def counted(module: Any, mark: bytes) -> None:
    """Put counting stand-ins in the place of a module's encoder class and function."""
    file = os.open(os.environ["BENCH_ENCODES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    original, function = module.Encoder, module.encode

    def counting(encode: Callable[..., Any]) -> Callable[..., Any]:
        def counted_encode(*arguments: Any, **options: Any) -> Any:
            os.write(file, mark)
            return encode(*arguments, **options)

        return counted_encode

    class Encoder:
        def __init__(self, *arguments: Any, **options: Any) -> None:
            encoder = original(*arguments, **options)
            for name in {"encode", "encode_into", "encode_lines"} & set(dir(encoder)):
                setattr(self, name, counting(getattr(encoder, name)))

    module.Encoder, module.encode = Encoder, counting(function)


def start() -> None:
    """Count from here on, in this process."""
    counted(msgspec.json, b"j")
    counted(msgspec.msgpack, b"m")
