"""Everything that can be read of a damaged SQLite file, copied row by row into a new one.

Rows are copied as they are: whether they are what was written, and fit
together, is for the examination of the new file.
"""

from __future__ import annotations

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
from scr.store.sqlite import SqliteDatabase, explain
from scr.store.tables import RUN_COLUMNS, TABLES

Found: TypeAlias = tuple[Any, ...]
Query: TypeAlias = Callable[[int], Iterator[Found]]

END = 1 << 62
PATIENCE = 500  # as many places as a page has rows, at the most, are tried one by one
LOST = "its own row could not be read"
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


def salvage(damaged: Path, new: Path) -> tuple[Salvaged, ...]:
    """Copy what can be read of one file into a new store.

    Nobody else may have the file open.  Blocks.  Raises StoreUnavailable when
    somebody has, StoreDamaged when not even the list of its tables can be read.
    """
    SqliteDatabase(new).connect(create=True).close()
    try:
        with closing(_exclusive(damaged)) as source, closing(sqlite3.connect(new, isolation_level=None)) as target:
            target.execute("BEGIN")
            found = tuple(_copy(source, target, name, columns) for name, columns in _columns().items())
            _adopt(target)
            target.execute("COMMIT")
            return found
    except sqlite3.Error as error:
        raise explain(error, damaged) from error


def _columns() -> dict[str, tuple[str, ...]]:
    return {"runs": RUN_ROW} | {table.name: ("run", *table.columns) for table in TABLES}


def _exclusive(path: Path) -> sqlite3.Connection:
    """A connection while which nobody else has one."""
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=1.0, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE").close()
        connection.execute("PRAGMA writable_schema = ON").close()
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        connection.execute("BEGIN IMMEDIATE").close()
    except sqlite3.Error as error:
        connection.close()
        explained = explain(error, path)
        raise explained if isinstance(explained, StoreUnavailable) else _beyond(path, str(error)) from error
    if missing := sorted(set(_columns()) - tables):
        connection.close()
        raise _beyond(path, f"it has no table {missing[0]}")
    return connection


def _beyond(path: Path, why: str) -> StoreDamaged:
    return StoreDamaged(f"nothing can be saved of {path}: its list of tables cannot be read ({why}); restore a copy")


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> Salvaged:
    names = ", ".join(columns)
    extra = ", runtime, lease_until, batch" if table == "runs" else ""
    values = ", ".join("?" for _ in columns) + (", '', 0, 0" if extra else "")
    insert = f"INSERT OR IGNORE INTO {table} ({names}{extra}) VALUES ({values})"  # noqa: S608  names of ours
    counts: Counter[str] = Counter()
    for query in _queries(source, target, table, names):
        for row in _readable(query, counts):
            counts["kept" if _insert(target, insert, row) else "refused"] += 1
    return Salvaged(table, counts["kept"], counts["lost"], bool(counts["open"]), counts["refused"])


def _insert(target: sqlite3.Connection, insert: str, row: Found) -> bool:
    try:
        return target.execute(insert, row).rowcount == 1
    except sqlite3.IntegrityError:
        return False


def _queries(source: sqlite3.Connection, target: sqlite3.Connection, table: str, names: str) -> Iterator[Query]:
    """Queries for the rows from a place on, each row with its place: by rowid, or run by run by seq."""

    def rows(text: str, *values: int) -> Iterator[Found]:
        return source.execute(text, values)

    if table == "events":
        for run in _runs(target):
            yield partial(rows, f"SELECT seq, {names} FROM events WHERE run = ? AND seq >= ? ORDER BY seq", run)  # noqa: S608  names of ours
    else:
        yield partial(rows, f"SELECT rowid, {names} FROM {table} NOT INDEXED WHERE rowid >= ? ORDER BY rowid")  # noqa: S608  the same


def _runs(target: sqlite3.Connection) -> list[int]:
    """The numbers of all runs that anything was copied of."""
    parts = ["SELECT id FROM runs", *(f"SELECT run FROM {table.name}" for table in TABLES)]  # noqa: S608  the same
    return [run for (run,) in target.execute(f"{' UNION '.join(parts)} ORDER BY 1")]


def _readable(query: Query, counts: Counter[str]) -> Iterator[Found]:
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
            after = _after(query, at)
            counts["lost"] += 0 if after is None else after - at
            counts["open"] += after is None
            at = after
        else:
            return


def _after(query: Query, bad: int) -> int | None:
    """The first place after a bad one from which can be read; None when there is none."""
    low, misses = bad, 0
    while not _is_readable(query, high := low + (1 << misses // PATIENCE)):
        low, misses = high, misses + 1
        if low > END:
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
    """A run whose own row is lost gets one that says so: what is left of it can be looked at."""
    known = {run for (run,) in target.execute("SELECT id FROM runs")}
    for run in sorted(set(_runs(target)) - known):
        values = {"id": run, "run": f"lost-{run}", "reason": LOST}
        target.execute(
            "INSERT INTO runs (id, run, title, priority, tree, created, crc, state, reason, runtime, epoch,"
            " lease_until, batch, seq, n)"
            " VALUES (:id, :run, '', 'normal', '{}', 0.0, 0, 'failed', :reason, '', 0, 0, 0, 0, 0)",
            values,
        )
