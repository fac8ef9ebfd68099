"""Where sessions wait while no gateway process runs: what a restart with a drain leaves to the next process.

Strategy: a `SessionStore` does two things. It keeps sessions until they expire, and hands one out, once, to whoever
shows the hash of one of its tokens. So several processes, or machines, may share one; a store in Redis, say, is a key
a session and a key a token, with an expiry, and a script that gets and deletes them in one step.

`DiskStore` is SQLite, in a file that only its owner may read. It has a rollback journal: all processes save at one
moment, and to enter WAL mode is not something that SQLite waits its turn for. What is wrong with the disk is logged and
makes clients start anew; it never stops the gateway. A file that is no database any more is put aside, so that the next
restart keeps its sessions again.
"""

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import structlog

from routewright.gateway.session.saved import Saved, decode, encode

log = structlog.get_logger("routewright.gateway")

FOLDER = ".routewright"
"""Below the project's folder: what the gateway keeps for itself."""

_BUSY = 10.0
"""Seconds to wait for another process that is writing."""

_TABLES = """
create table if not exists sessions (name text primary key, state blob not null, expires real not null);
create table if not exists tokens (
    hash blob primary key, name text not null references sessions on delete cascade
) without rowid;
create index if not exists by_name on tokens (name);
"""


class SessionStore(Protocol):
    """What keeps sessions between two processes. No method raises: what cannot be kept or found is lost, and its
    client is told so."""

    async def save(self, sessions: Iterable[Saved]) -> None:
        """Keep each session until its ``left`` is over."""

    async def take(self, token: bytes) -> Saved | None:
        """The session that the hash of a token opens, which the store then forgets; ``None`` if it has none."""

    async def take_all(self) -> list[Saved]:
        """Every session that this gateway has left, which the store then forgets. From then on they collect what is
        published."""


class DiskStore:
    """The store of one project, in ``.routewright/sessions.sqlite3``."""

    def __init__(self, project: Path) -> None:
        self._file = project / FOLDER / "sessions.sqlite3"

    async def save(self, sessions: Iterable[Saved]) -> None:
        """See `SessionStore`."""
        wanted = [saved for saved in sessions if saved.left > 0]
        if wanted:
            await asyncio.to_thread(self._save, wanted)

    async def take(self, token: bytes) -> Saved | None:
        """See `SessionStore`."""
        return await asyncio.to_thread(self._take, token)

    async def take_all(self) -> list[Saved]:
        """See `SessionStore`."""
        return await asyncio.to_thread(self._take_all)

    def _save(self, sessions: list[Saved]) -> None:
        try:
            self._file.parent.mkdir(mode=0o700, exist_ok=True)
            # SQLite gives its other files the rights of this one
            os.close(os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600))
            with self._open() as database:
                database.execute("begin immediate")
                database.execute("delete from sessions where expires < ?", (time.time(),))
                for saved in sessions:
                    database.execute("delete from sessions where name = ?", (saved.public,))
                    row = (saved.public, encode(saved), time.time() + saved.left)
                    database.execute("insert into sessions values (?, ?, ?)", row)
                    tokens = [(token, saved.public) for token in saved.tokens]
                    database.executemany("insert or replace into tokens values (?, ?)", tokens)
                database.execute("commit")
        except (sqlite3.Error, OSError) as error:
            log.error("sessions could not be kept", sessions=len(sessions), reason=str(error))

    def _take(self, token: bytes) -> Saved | None:
        if not self._file.exists():
            return None
        try:
            with self._open() as database:
                found = database.execute("select name from tokens where hash = ?", (token,)).fetchone()
                if found is None:
                    return None
                database.execute("begin immediate")
                row = database.execute("select state, expires from sessions where name = ?", found).fetchone()
                database.execute("delete from sessions where name = ?", found)
                database.execute("commit")
        except (sqlite3.Error, OSError) as error:
            log.error("a kept session could not be read", reason=str(error))
            return None
        return decode(row[0]) if row is not None and row[1] > time.time() else None

    def _take_all(self) -> list[Saved]:
        if not self._file.exists():
            return []
        try:
            with self._open() as database:
                database.execute("begin immediate")
                rows = database.execute("select state from sessions where expires > ?", (time.time(),)).fetchall()
                database.execute("delete from sessions")
                database.execute("commit")
        except (sqlite3.Error, OSError) as error:
            log.error("kept sessions could not be read", reason=str(error))
            return []
        found = [saved for (state,) in rows if (saved := decode(state)) is not None]
        if len(found) < len(rows):
            log.warning("kept sessions of another version are not read", sessions=len(rows) - len(found))
        return found

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        inode = self._file.stat().st_ino
        try:
            with contextlib.closing(sqlite3.connect(self._file, timeout=_BUSY, isolation_level=None)) as database:
                database.execute("pragma foreign_keys = on")
                database.execute("pragma secure_delete = on")
                database.executescript(_TABLES)
                yield database
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                self._put_aside(inode)
            raise

    def _put_aside(self, inode: int) -> None:
        """Keep what is left of the database for whoever wants to look at it, and begin a new one the next time; unless
        another process has done so already."""
        damaged = self._file.with_suffix(".damaged")
        with contextlib.suppress(OSError):
            if self._file.stat().st_ino != inode:
                return
            os.replace(self._file, damaged)
            self._file.with_name(f"{self._file.name}-journal").unlink(missing_ok=True)
            log.error("the file of sessions is damaged and was put aside", file=str(damaged))
