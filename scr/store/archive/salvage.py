"""Everything that can be read of a damaged SQLite file, copied row by row into a new one.

Rows are copied as they are: whether they are what was written, and fit
together, is for the examination of the new file.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from scr.errors import StoreDamaged, StoreUnavailable
from scr.specs import Strategy, SupervisorSpec
from scr.store.sql.rows import seal
from scr.store.sql.schema import APPLICATION_ID, MIGRATIONS, SQLITE
from scr.store.sql.sqlite import SqliteDatabase, explain
from scr.store.sql.tables import RUN_COLUMNS, TABLES

Found: TypeAlias = tuple[Any, ...]
Query: TypeAlias = Callable[[int], Iterator[Found]]

MAGIC = b"SQLite format 3\0"
LONGEST_BYTES = 1 << 44
LEAST_BYTES = 16  # of a row
PATIENCE = 150  # as many places as a page has rows, at the most, are tried one by one
LOST = "its own row could not be read"
NO_TREE = SupervisorSpec(id="lost", strategy=Strategy.ONE_FOR_ONE).model_dump_json()
RUN_ROW = ("id", *RUN_COLUMNS)


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was copied of one table, and what was not.

    `lost` counts the places that could not be read: more than rows, if
    anything.  With `is_open_ended` nothing could be read from some place to
    the end, and nobody knows how much there was.  `refused` rows contradicted
    the tables' own rules.
    """

    table: str
    kept: int
    lost: int = 0
    is_open_ended: bool = False
    refused: int = 0

    @property
    def is_partial(self) -> bool:
        """There may have been more."""
        return bool(self.lost or self.is_open_ended or self.refused)


def salvage(damaged: Path, new: Path) -> tuple[Salvaged, ...]:
    """Copy what can be read of one file into a new store.

    Nobody else may have the file open.  A file that ends too early is first
    made as long as it says that it is, with zeros.  Blocks.  Raises
    StoreUnavailable when somebody has it open or the disk fails, StoreDamaged
    when not even the list of its tables can be read.
    """
    _stated_bytes(damaged)
    _write_back(damaged)
    if damaged.stat().st_size < (stated_bytes := _stated_bytes(damaged)):
        os.truncate(damaged, stated_bytes)  # without the pages that its header counts, nothing of it would be read
    with closing(_connected(damaged)) as source:
        _check_tables(damaged, source)
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            with closing(sqlite3.connect(new, isolation_level=None)) as target:
                _make(target, source)
                target.execute("BEGIN")
                found = tuple(_copy(source, target, name, columns) for name, columns in _columns(target).items())
                _adopt(target)
                target.execute("COMMIT")
        except sqlite3.Error as error:
            raise explain(error, new) from error
    SqliteDatabase(new).connect().close()  # which brings it forward, if need be
    return found


def _make(target: sqlite3.Connection, source: sqlite3.Connection) -> None:
    """The tables of a store of the version that the damaged one says it is."""
    (version,) = source.execute("PRAGMA user_version").fetchone()
    version = version if 0 < version < len(MIGRATIONS) else len(MIGRATIONS)
    for migration in MIGRATIONS[:version]:
        for statement in (*migration.statements(SQLITE), *migration.after):
            target.execute(statement)
    target.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    target.execute(f"PRAGMA user_version = {version}")
    target.execute("PRAGMA journal_mode = WAL")


def _columns(target: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Those that are copied, by table."""
    others = {
        table.name: tuple(name for _, name, *_ in target.execute(f"PRAGMA table_info({table.name})"))
        for table in TABLES
    }
    return {"runs": RUN_ROW} | others


def _connected(path: Path) -> sqlite3.Connection:
    """A connection that bears with what is wrong where it can."""
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=1.0, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON").close()
    return connection


def _write_back(path: Path) -> None:
    """What is in the file's log goes into the file, while nobody else has it open."""
    with closing(_connected(path)) as connection:
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE").close()
            connection.execute("BEGIN IMMEDIATE").close()
            connection.execute("COMMIT").close()
        except sqlite3.Error as error:
            explained = explain(error, path)
            if isinstance(explained, StoreUnavailable):
                raise StoreUnavailable(f"{path} cannot be repaired while others use it ({error}); end them") from error
            raise _beyond(path, str(error)) from error


def _stated_bytes(path: Path) -> int:
    """How long the file says that it is.  Raises StoreDamaged for one without a first page."""
    with path.open("rb") as file:
        header = file.read(100)
    page_bytes, pages = int.from_bytes(header[16:18]), int.from_bytes(header[28:32])
    page_bytes = 1 << 16 if page_bytes == 1 else page_bytes
    if not header.startswith(MAGIC) or path.stat().st_size < page_bytes:
        raise _beyond(path, "it has no first page")
    return min(page_bytes * pages, LONGEST_BYTES)


def _check_tables(path: Path, connection: sqlite3.Connection) -> None:
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as error:
        raise _beyond(path, str(error)) from error
    if missing := sorted({"runs", *(table.name for table in TABLES)} - tables):
        raise _beyond(path, f"it has no table {missing[0]}")


def _beyond(path: Path, why: str) -> StoreDamaged:
    return StoreDamaged(f"nothing can be saved of {path}: its list of tables cannot be read ({why}); restore a copy")


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> Salvaged:
    names = ", ".join(columns)
    extra = ", runtime, lease_until, batch" if table == "runs" else ""
    values = ", ".join("?" for _ in columns) + (", '', 0, 0" if extra else "")
    insert = f"INSERT OR IGNORE INTO {table} ({names}{extra}) VALUES ({values})"  # noqa: S608  names of ours
    counts: Counter[str] = Counter()
    for query, end in _queries(source, target, table, names):
        for row in _readable(query, end, counts):
            counts["kept" if _insert(target, insert, row) else "refused"] += 1
    return Salvaged(table, counts["kept"], counts["lost"], bool(counts["open"]), counts["refused"])


def _insert(target: sqlite3.Connection, insert: str, row: Found) -> bool:
    try:
        return target.execute(insert, row).rowcount == 1
    except sqlite3.IntegrityError:
        return False


def _queries(
    source: sqlite3.Connection, target: sqlite3.Connection, table: str, names: str
) -> Iterator[tuple[Query, int]]:
    """Queries for the rows from a place on, each row with its place, and where there is none any more.

    By rowid; events, which have none, run by run by seq.
    """

    def rows(text: str, *values: int) -> Iterator[Found]:
        return source.execute(text, values)

    most = source.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0]
    if table == "events":
        seqs = dict(target.execute("SELECT id, seq FROM runs"))
        for run in _runs(target):
            text = f"SELECT seq, {names} FROM events WHERE run = ? AND seq >= ? ORDER BY seq"  # noqa: S608  names of ours
            yield partial(rows, text, run), seqs.get(run, most // LEAST_BYTES)
    else:
        text = f"SELECT rowid, {names} FROM {table} NOT INDEXED WHERE rowid >= ? ORDER BY rowid"  # noqa: S608  the same
        yield partial(rows, text), most // LEAST_BYTES


def _runs(target: sqlite3.Connection) -> list[int]:
    """The numbers of all runs that anything was copied of."""
    parts = ["SELECT id FROM runs", *(f"SELECT run FROM {table.name}" for table in TABLES)]  # noqa: S608  the same
    return [run for (run,) in target.execute(f"{' UNION '.join(parts)} ORDER BY 1")]


def _readable(query: Query, end: int, counts: Counter[str]) -> Iterator[Found]:
    """Every row that can be read, in order; what cannot is passed over and counted."""
    at: int | None = 0
    while at is not None:
        try:
            for place, *row in query(at):
                if place < at:
                    raise sqlite3.DatabaseError("the pages lead back")
                yield tuple(row)
                at = place + 1
        except sqlite3.DatabaseError:
            after = _after(query, at, end)
            counts["lost"] += 0 if after is None else after - at
            counts["open"] += after is None
            at = after
        else:
            return


def _after(query: Query, bad: int, end: int) -> int | None:
    """The first place after a bad one from which can be read; None when there is none up to `end`."""
    low, misses = bad, 0
    while not _is_readable(query, high := low + (1 << misses // PATIENCE)):
        low, misses = high, misses + 1
        if low > end:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _is_readable(query, middle) else (middle, high)
    return high


def _is_readable(query: Query, at: int) -> bool:
    try:
        next(iter(query(at)), None)
    except sqlite3.DatabaseError:
        return False
    return True


def _adopt(target: sqlite3.Connection) -> None:
    """A run whose own row is lost gets one that says so: what is left of it can be looked at.

    Whoever owned a run in the damaged file does not own it here.
    """
    known = {run for (run,) in target.execute("SELECT id FROM runs")}
    for run in sorted(set(_runs(target)) - known):
        sealed = (f"lost-{run}", "", "normal", NO_TREE, 0.0)
        target.execute(
            "INSERT INTO runs (id, run, title, priority, tree, created, crc, state, reason, runtime, epoch,"
            " lease_until, batch, seq, n) VALUES (?, ?, ?, ?, ?, ?, ?, 'failed', ?, '', 0, 0, 0, 0, 0)",
            (run, *sealed, seal(*sealed), LOST),
        )
    target.execute("UPDATE runs SET epoch = epoch + 1")
