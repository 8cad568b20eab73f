"""A run as a file: exported from one store, imported into another.

The file is lines of JSON: a header, the run, then one row a line, then how
many there were and a checksum over all before it.  It holds what the store
holds of the run: messages, states and options as they are, and the code of
agents that were given as classes, as the `dill` bytes that the run shipped.
Those are data here; they are opened only inside an agent of a resumed run, so
resume only what you trust.  Of the runtime that owned the run nothing goes along.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import from_json, to_json

from scr.errors import InvalidInput, StoreDamaged, StoreForeign, StoreUnavailable
from scr.store.archive.journal import sync_folder
from scr.store.sql import tables
from scr.store.sql.pages import OF_VERSION_1, paged, told_of_version_1
from scr.store.sql.schema import MIGRATIONS
from scr.store.sql.session import Database, Session
from scr.store.sql.tables import RUN_COLUMNS, TABLES, Kept, Table

FORMAT, VERSION = "scr-run", 1
RESTING = ("cancelled", "failed", "done")
INTEGER = 1 << 63


@dataclass(frozen=True, slots=True)
class Transferred:
    """What was exported or imported: the run by its name in the store, its rows, the size of the file."""

    run: str
    rows: int
    size_bytes: int


def export_run(database: Database, run: str, path: Path, *, at: float) -> Transferred:
    """Write the run, as it is at one moment, to a new file of mode 0600; `at` is wall clock, and goes into the header.

    The file is there whole or not at all.  Blocks.  Raises UnknownRun,
    InvalidInput when there is such a file, StoreDamaged for a row that is not
    what was written, StoreUnavailable.
    """
    session = database.connect(read_only=True)
    try:
        with _wrapped(path), _published(path) as file, tables.snapshot(session):
            rows = _export(session, run, file, at)
        return Transferred(run, rows, path.stat().st_size)
    finally:
        session.close()


def import_run(database: Database, path: Path, *, name: str | None = None) -> Transferred:
    """Take the run of the file into the store, as `name` when it is given; nobody owns it, and it does not run.

    All in one transaction: whoever else writes to a store in a file waits.
    Blocks.  Raises StoreForeign for a file of another format or of a newer
    version, StoreDamaged for one that is not what was written, InvalidInput
    when there is a run of that name, StoreUnavailable.
    """
    with _wrapped(path), path.open("rb") as file:
        _verify(path, file)
        lines = _lines(path, file)
        version = next(lines)["schema"]
        run = _row(path, next(lines), RUN_COLUMNS, {})
        tables.check_run(run)
        session = database.connect(create=True)
        try:
            session.begin()
            rows = _import(session, _renamed(run, name), path, lines, version)
            session.commit()
        finally:
            session.close()
        return Transferred(name or str(run["run"]), rows, path.stat().st_size)


def _export(session: Session, run: str, file: BinaryIO, at: float) -> int:
    number, row = tables.find(session, run)
    tables.check_run(row)
    counts = {table.name: int(session.rows(table.count, run=number)[0][0]) for table in TABLES}
    header = {"format": FORMAT, "version": VERSION, "schema": len(MIGRATIONS), "run": run, "time": at, "counts": counts}
    digest, written = blake2b(), 0
    for value in _values(session, number, header, row):
        line = to_json(value) + b"\n"
        digest.update(line)
        file.write(line)
        written += 1
    file.write(to_json({"rows": written - 1, "blake2b": digest.hexdigest()}) + b"\n")
    return written - 1


def _values(session: Session, number: int, header: dict[str, Any], run: Kept) -> Iterator[Any]:
    yield header
    yield ["runs", run]
    for table in TABLES:
        for row in tables.checked(session, table, number):
            yield [table.name, row]


def _import(session: Session, run: Kept, path: Path, lines: Iterator[Any], version: int) -> int:
    """Rows of one table follow each other.  They are as a store of that version has them."""
    state = run["state"] if run["state"] in RESTING else "stopped"
    number, rows, line = tables.add(session, {**run, "state": state}), 1, next(lines, None)
    known = {table.name: table for table in TABLES}
    while isinstance(line, list):
        table = known.get(line[0])
        if table is None:
            raise _damaged(path, f"it has a row of a table {line[0]!r}")
        is_paged = table.name != "events" or version > 1
        group = _Group(path, table, table.columns if is_paged else OF_VERSION_1, line, lines)
        kept = map(partial(_checked, table), group) if is_paged else paged(map(told_of_version_1, group))
        rows += tables.write(session, table, number, kept)
        line = group.next
    tables.settle(session, number)
    return rows


def _renamed(run: Kept, name: str | None) -> Kept:
    """It knows the message that began it, whatever it is called."""
    return run if name is None else {**run, "run": name, "root": run["root"] or run["run"]}


class _Group:
    """The rows of one table, from `line` on; then `next` is the first line that is another's."""

    def __init__(self, path: Path, table: Table, columns: tuple[str, ...], line: Any, lines: Iterator[Any]) -> None:
        self._path, self._table, self._columns, self._lines, self.next = path, table, columns, lines, line

    def __iter__(self) -> Iterator[Kept]:
        while isinstance(self.next, list) and self.next[0] == self._table.name:
            yield _row(self._path, self.next, self._columns, self._table.added)
            self.next = next(self._lines, None)


def _checked(table: Table, row: Kept) -> Kept:
    table.check(row)
    return row


def _verify(path: Path, file: BinaryIO) -> None:
    """The whole file, once; then it is at its beginning again."""
    lines = iter(file)
    first = next(lines, b"")
    _check_header(path, first)
    digest, last, count = blake2b(first), b"", 0
    for line in lines:
        if last:
            digest.update(last)
            count += 1
        last = line
    end = _parsed(path, last) if last.endswith(b"\n") else None
    if not isinstance(end, dict) or "blake2b" not in end:
        raise _damaged(path, "it ends before its last line, which has the checksum")
    if (end.get("rows"), end["blake2b"]) != (count, digest.hexdigest()):
        raise _damaged(path, f"the checksum of its {count} rows is another one")
    file.seek(0)


def _check_header(path: Path, line: bytes) -> None:
    try:
        header = from_json(line)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise StoreForeign(f"{path} is not an exported run of SCR; give a file that `scr export` has written")
    for word, newest in (("version", VERSION), ("schema", len(MIGRATIONS))):
        given = header.get(word)
        if not isinstance(given, int) or given > newest:
            raise StoreForeign(f"{path} has {word} {given}, and this SCR reads up to {newest}; update SCR")


def _lines(path: Path, file: BinaryIO) -> Iterator[Any]:
    for line in file:
        yield _parsed(path, line)


def _parsed(path: Path, line: bytes) -> Any:
    try:
        return from_json(line, allow_inf_nan=False)
    except ValueError as error:
        raise _damaged(path, f"one of its lines is no JSON ({error})") from error


def _row(path: Path, line: Any, columns: tuple[str, ...], added: Kept) -> Kept:
    """The row of a line; one of an older version lacks the columns that were added since."""
    row = {**added, **line[1]} if len(line) == 2 and isinstance(line[1], dict) else {}
    if row.keys() != set(columns) or not all(map(_is_value, row.values())):
        raise _damaged(path, f"a line of it is no row with {', '.join(columns)}")
    return row


def _is_value(value: object) -> bool:
    match value:
        case bool():
            return False
        case int():
            return -INTEGER <= value < INTEGER
        case _:
            return value is None or isinstance(value, str | float)


def _damaged(path: Path, why: str) -> StoreDamaged:
    return StoreDamaged(f"{path} is not what was exported: {why}; export the run again, or use another copy")


@contextmanager
def _published(path: Path) -> Iterator[BinaryIO]:
    """A file that gets its name when it is complete and on the disk."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    if path.exists():
        raise FileExistsError(path)
    try:
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        unfinished.replace(path)
        sync_folder(path.parent)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


@contextmanager
def _wrapped(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise InvalidInput(f"{path} is there already; name another file, or remove it") from error
    except FileNotFoundError as error:
        raise InvalidInput(f"there is no {path}; look at its name and its folder") from error
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be read or written: {error.strerror}") from error
