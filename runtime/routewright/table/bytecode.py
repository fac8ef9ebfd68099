"""Byte code of Python sources, kept beside them in ``__pycache__`` and known by the text it was made from.

Strategy: the files of PEP 552, with a hash of the source in them. Python by itself knows byte code by a time stamp in
whole seconds and a size, which two saves may share. Whoever compiles a source first writes the file; where none can be
written, nothing is lost but time.
"""

import contextlib
import importlib.util
import marshal
import os
import sys
import tempfile
from importlib.machinery import SourceFileLoader
from types import CodeType

_HEAD = importlib.util.MAGIC_NUMBER + (0b11).to_bytes(4, "little")
"""What a file begins with whose hash is always to be checked; the hash follows, and then the code."""


class HashedLoader(SourceFileLoader):
    """Loads a module from its source, or from byte code of exactly that source."""

    def get_code(self, fullname: str) -> CodeType:
        """The module's code.

        Raises:
            SyntaxError: the source is no Python.
            OSError: it cannot be read.
        """
        path = self.get_filename(fullname)
        return compiled(self.get_data(path), path)


def compiled(source: bytes, path: str) -> CodeType:
    """The code of a module whose source has just been read from ``path``.

    Raises:
        SyntaxError: the source is no Python.
    """
    try:
        file = importlib.util.cache_from_source(path)
    except NotImplementedError:
        return _compile(source, path)
    head = _HEAD + importlib.util.source_hash(source)
    code = _read(file, head)
    if code is None or code.co_filename != path:
        code = _compile(source, path)
        if not sys.dont_write_bytecode:
            with contextlib.suppress(OSError):
                _write(file, head + marshal.dumps(code))
    return code


def _compile(source: bytes, path: str) -> CodeType:
    return compile(source, path, "exec", dont_inherit=True)


def _read(file: str, head: bytes) -> CodeType | None:
    try:
        with open(file, "rb") as cached:
            data = cached.read()
        if data.startswith(head):
            code = marshal.loads(data[len(head) :])  # noqa: S302 - as trustworthy as the source beside it
            return code if isinstance(code, CodeType) else None
    except (OSError, EOFError, ValueError, TypeError):
        pass
    return None


def _write(file: str, data: bytes) -> None:
    """Put a file in its place at once: others may be reading it."""
    folder = os.path.dirname(file)
    os.makedirs(folder, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=folder)
    try:
        with open(descriptor, "wb") as cached:
            cached.write(data)
        os.replace(draft, file)
    except OSError:
        os.unlink(draft)
        raise
