"""A store in a file: SQLite with a write-ahead log."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from scr.errors import StoreDamaged, StoreError, StoreForeign, StoreUnavailable
from scr.store.sql import lock_holder, schema
from scr.store.sql.lease import boot_time
from scr.store.sql.migrating import bring_forward
from scr.store.sql.schema import APPLICATION_ID, SQLITE
from scr.store.sql.session import DriverSession
from scr.store.url import sqlite_url

BUSY_S = 1.0
CHECKED_BYTES = 32 << 20  # a whole check of that much takes about a third of a second
LEAST = (3, 37, 0)
REFUSED = "the store {path} cannot be written: it, its folder or its disk is read-only, or another user's ({detail})"
SENTENCES = {
    "SQLITE_FULL": "there is no space left for the store {path}; make some",
    "SQLITE_IOERR": "the disk failed under the store {path} ({detail}); look at the system's log",
    "SQLITE_READONLY": REFUSED,
    "SQLITE_CANTOPEN": REFUSED,
    "SQLITE_PERM": REFUSED,
    "SQLITE_AUTH": REFUSED,
}
DAMAGED = "the store {path} is damaged ({detail}); `scr doctor` says what can be saved"
FOREIGN = "{path} is not a store of SCR: {detail}; name another file"


class SqliteSession(DriverSession):
    """A connection to a file."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        super().__init__(
            connection,
            SQLITE,
            mark="?",
            begin="BEGIN IMMEDIATE",
            errors=(sqlite3.Error, UnicodeError),  # the second where a damaged text is in an error of SQLite's
            values=(OverflowError, UnicodeEncodeError, sqlite3.DataError),
            explain=lambda error: explain(error, path),
            clock=boot_time,
        )
        self._path = path

    def check(self) -> None:
        """Compare all tables with their indexes and types, unless the file is so large that a start would wait."""
        if self._path.stat().st_size > CHECKED_BYTES:
            return
        found = self.pragma("integrity_check(1)")
        if found != "ok":
            raise StoreDamaged(DAMAGED.format(path=self._path, detail=found))

    def follow(self, lease_s: float) -> None:
        """Nothing: what others hold up is given up after BUSY_S, and what the disk does cannot be."""

    def pragma(self, text: str) -> str | int | None:
        """What a pragma says."""
        row = self.ask(f"PRAGMA {text}")
        return row[0] if row else None


class SqliteDatabase:
    """A file at `path`, made with mode 0600.  `is_durable`: a commit survives the loss of power, not only a kill."""

    dialect = SQLITE

    def __init__(self, path: Path, *, is_durable: bool = True) -> None:
        self.shown = sqlite_url(path, is_durable=is_durable)
        self._path, self._synchronous = path, "FULL" if is_durable else "NORMAL"
        if sqlite3.sqlite_version_info < LEAST:
            raise StoreUnavailable(f"SQLite {sqlite3.sqlite_version} is too old for a store; it takes 3.37 or newer")

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def connect(self, *, create: bool = False, read_only: bool = False) -> SqliteSession:
        """A new connection."""
        if not self._path.exists():
            if not create:
                raise StoreUnavailable(f"there is no store at {self._path}; `scr run` makes one")
            self._make()
        session = self._for_reading() if read_only else self._open(self._path, "mode=rw")
        try:
            if self._version(session) < len(schema.MIGRATIONS):
                session.close()
                session = self._open(self._path, "mode=rw")
                self._migrate(session)
        except StoreError:
            session.close()
            raise
        return session

    def within(self, lease_s: float) -> SqliteDatabase:  # noqa: ARG002  a file is never far away
        """The same."""
        return self

    def _make(self) -> None:
        """The whole store under another name, then its own: a store that is there is never half a store."""
        unfinished = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.unlink(missing_ok=True)
            os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            session = self._open(unfinished, "mode=rw")
            try:
                session.pragma("journal_mode = WAL")
                self._migrate(session)
            finally:
                session.close()
            self._publish(unfinished)
        except OSError as error:
            raise StoreUnavailable(f"no store can be made at {self._path}: {error.strerror}") from error
        finally:
            with suppress(OSError):  # a folder that refuses it has refused the store before
                unfinished.unlink(missing_ok=True)

    def _publish(self, unfinished: Path) -> None:
        try:
            self._path.hardlink_to(unfinished)
        except FileExistsError:
            return  # somebody else was faster, and theirs is as good
        except OSError:
            unfinished.rename(self._path)  # no links on this file system
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _for_reading(self) -> SqliteSession:
        """As it can be had: beside a writer, or of a file that cannot be written, or that has nothing beside it."""
        log = self._path.with_name(f"{self._path.name}-wal")
        modes = ["mode=rw", "mode=ro"]
        if not log.exists() or not log.stat().st_size:
            modes.append("mode=ro&immutable=1")
        for mode in modes[:-1]:
            try:
                return self._open(self._path, mode)
            except StoreUnavailable:
                continue
        return self._open(self._path, modes[-1])

    def _open(self, path: Path, mode: str) -> SqliteSession:
        try:
            connection = sqlite3.connect(
                f"file:{quote(str(path))}?{mode}",
                uri=True,
                timeout=BUSY_S,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise explain(error, path) from error
        session = SqliteSession(connection, path)
        try:
            for pragma in (f"synchronous = {self._synchronous}", "cell_size_check = ON", "cache_size = -16000"):
                session.pragma(pragma)
            session.script("SELECT count(*) FROM sqlite_master")
        except StoreError:
            session.close()
            raise
        return session

    def _version(self, session: SqliteSession) -> int:
        """Raises StoreForeign, StoreDamaged for what is no store that this SCR can read."""
        if self._path.stat().st_size == 0:
            raise StoreDamaged(DAMAGED.format(path=self._path, detail="it is empty"))
        if session.pragma("application_id") != APPLICATION_ID:
            raise StoreForeign(FOREIGN.format(path=self._path, detail="it is a database of another program"))
        version = int(session.pragma("user_version") or 0)
        schema.refuse_newer(version, str(self._path))
        return version

    def _migrate(self, session: SqliteSession) -> None:
        session.begin()
        bring_forward(session, int(session.pragma("user_version") or 0), self.shown)
        session.pragma(f"application_id = {APPLICATION_ID}")
        session.pragma(f"user_version = {len(schema.MIGRATIONS)}")
        session.commit()


def explain(error: Exception, path: Path) -> StoreError:
    """This project's error for one of SQLite's."""
    code = getattr(error, "sqlite_errorname", "")
    kind = "_".join(code.split("_")[:2])
    if kind in {"SQLITE_BUSY", "SQLITE_LOCKED"}:
        return StoreUnavailable(lock_holder.sentence(path))
    if kind in SENTENCES:
        return StoreUnavailable(SENTENCES[kind].format(path=path, detail=error))
    if kind == "SQLITE_NOTADB":
        return StoreForeign(FOREIGN.format(path=path, detail="it is no database"))
    return StoreDamaged(DAMAGED.format(path=path, detail=error))
