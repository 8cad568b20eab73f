"""What can be done for a damaged store: nothing that was readable is lost, nothing is deleted, everything is told.

A SQLite file of which something cannot be read: what can be is copied into a
new file, which takes its name; the damaged one is kept beside it.  A run whose
rows are not what was written or contradict each other, or may be among those
that are lost: it is marked as failed, with the reason.  In a server the first is for the server's own tools.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scr.errors import RunCancelled, RunOwned, StoreDamaged, StoreUnavailable
from scr.protocol.status import Priority, RunState
from scr.store.archive import offline_ops
from scr.store.archive.doctor import Examination, examine
from scr.store.archive.findings import Finding, Severity
from scr.store.archive.journal import sync_folder
from scr.store.archive.salvage import NO_TREE, Salvaged, salvage
from scr.store.sql import tables
from scr.store.sql.address import database_of
from scr.store.sql.lease import this_process
from scr.store.sql.rows import seal, tree_of
from scr.store.sql.session import Database, Session
from scr.store.sql.sqlite import SqliteDatabase
from scr.store.sql.statements import Statement
from scr.store.sql.tables import RUN_SEALED, Kept

BESIDE = ("-wal", "-shm")
DOUBTFUL = "some rows of the damaged store could not be read, and nobody can tell whether any was of this run"
UNFINISHED = Statement("SELECT run FROM runs WHERE state NOT IN ('cancelled', 'failed') ORDER BY id")
SEALED_AGAIN = Statement(
    "UPDATE runs SET title = :title, priority = :priority, tree = :tree, created = :created, crc = :crc"
    " WHERE run = :run"
)


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was wrong, what was done, one sentence each, and how the store is now.

    `aside` is where the damaged file is, where one was replaced.
    """

    before: Examination
    done: tuple[str, ...]
    after: Examination
    aside: Path | None = None


def repair(url: str, *, stamp: str) -> Repaired:
    """Examine the store of that URL and do what can be done; `stamp` is for the names of files.

    Blocks.  Raises StoreUnavailable where there is no store or others use it,
    StoreForeign, StoreDamaged when nothing can be saved, InvalidInput for a
    URL that is none.
    """
    database = database_of(url)
    _refuse_foreign(database)
    before = after = examine(database)
    done: list[str] = []
    aside: Path | None = None
    copied: tuple[Salvaged, ...] = ()
    if isinstance(database, SqliteDatabase) and _is_unreadable(before):
        aside, copied = _replace(database, stamp)
        done += [f"the damaged store is kept as {aside}", *map(_describe_copy, copied)]
        after = examine(database)
    reasons = _reasons(database, after.findings, is_doubtful=any(table.is_partial for table in copied))
    for run, reason in reasons.items():
        done.append(_mark(database, run, reason))
    return Repaired(before, tuple(done), examine(database) if done else before, aside)


def _refuse_foreign(database: Database) -> None:
    with suppress(StoreDamaged):
        database.connect(read_only=True).close()


def _is_unreadable(found: Examination) -> bool:
    return any(finding.severity is Severity.DAMAGE for finding in found.findings)


def _replace(database: SqliteDatabase, stamp: str) -> tuple[Path, tuple[Salvaged, ...]]:
    path = database.path
    new, aside = path.with_name(f"{path.name}.repaired-{stamp}"), path.with_name(f"{path.name}.damaged-{stamp}")
    try:
        copied = salvage(path, new)
        os.link(path, aside)
        for suffix in BESIDE:
            with suppress(FileNotFoundError):
                Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
        new.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be replaced by what was saved of it: {error.strerror}") from error
    finally:
        with suppress(OSError):
            for suffix in ("", *BESIDE):
                Path(f"{new}{suffix}").unlink(missing_ok=True)
    return aside, copied


def _describe_copy(copied: Salvaged) -> str:
    parts = [f"{copied.table}: {copied.kept} rows were copied"]
    if copied.lost:
        parts.append(f"{copied.lost} places could not be read")
    if copied.is_open_ended:
        parts.append("nothing could be read from some place to the end")
    if copied.refused:
        parts.append(f"{copied.refused} rows contradict the rules of the table")
    return ", ".join(parts)


def _reasons(database: Database, findings: tuple[Finding, ...], *, is_doubtful: bool) -> dict[str, str]:
    """The runs to mark, each with the first thing that is wrong."""
    reasons: dict[str, str] = {}
    for finding in findings:
        if finding.run and finding.severity is not Severity.NOTICE:
            reasons.setdefault(finding.run, f"`scr doctor` found: {finding.sentence}")
    if is_doubtful:
        session = database.connect()
        try:
            reasons = dict.fromkeys((run for (run,) in session.rows(UNFINISHED)), DOUBTFUL) | reasons
        finally:
            session.close()
    return reasons


def _mark(database: Database, run: str, reason: str) -> str:
    """What was done."""
    session = database.connect()
    try:
        _seal_again(session, run)
        offline_ops.mark(session, this_process(), run, RunState.FAILED, reason)
    except (RunCancelled, RunOwned) as error:
        return f"the run {run!r} is left as it is: {error}"
    finally:
        session.close()
    return f"the run {run!r} is marked as failed: {reason}"


def _seal_again(session: Session, run: str) -> None:
    """A row of `runs` that is not what was written would hide all others: what it says now is what it says."""
    _, row = tables.find(session, run)
    try:
        tables.check_run(row)
    except StoreDamaged:
        sealed = {name: _legible(row)[name] for name in RUN_SEALED}
        session.change(SEALED_AGAIN, **sealed, crc=seal(*sealed.values()))


def _legible(row: Kept) -> Kept:
    """The row of a run, with what cannot be read any more replaced by what can."""
    try:
        tree_of(str(row["run"]), str(row["tree"]))
    except StoreDamaged:
        row = {**row, "tree": NO_TREE}
    return row if row["priority"] in set(Priority) else {**row, "priority": Priority.NORMAL.value}
