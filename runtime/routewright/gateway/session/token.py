"""Resume tokens: what a client shows to get its session back.

Strategy: 256 random bits, of which only a SHA-256 hash is kept, so whoever reads a store or a core dump cannot resume
anything. A new one is given out with each ``$welcome``. Until the client has shown that it received that, the one it
came with is good as well: a try that fails in the middle costs nothing. So at most two are valid at a time.
"""

import hashlib
import secrets


def hashed(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


class Tokens:
    """The hashes that are valid for one session: the newest, and the one before as long as it may be needed."""

    __slots__ = ("new", "old")

    def __init__(self) -> None:
        self.new = b""
        self.old: bytes | None = None

    def rotate(self, used: bytes | None) -> str:
        """A new token, for a client that came with ``used`` (``None``: the first time)."""
        token = secrets.token_urlsafe(32)
        self.old = used
        self.new = hashed(token)
        return token

    def received(self) -> bytes | None:
        """The client has the new token: the one before, which is void from now on."""
        old, self.old = self.old, None
        return old

    @property
    def valid(self) -> tuple[bytes, ...]:
        """Every hash that opens the session."""
        return tuple(hash for hash in (self.new, self.old) if hash)
