"""A store, examined: is it whole, is every row what was written, do the rows of every run fit together.

Nothing is written, and runs may be at work: each is looked at as it is at one moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from scr.errors import StoreDamaged, StoreError, StoreForeign, UnknownRun
from scr.store.archive import checks
from scr.store.archive.findings import Finding, Severity
from scr.store.archive.row_index import READS, Row
from scr.store.sql import tables
from scr.store.sql.session import Database, Session
from scr.store.sql.statements import Statement
from scr.store.sql.tables import TABLES, Table

MOST = 20  # findings of one run
WHOLE = {"sqlite": (Statement(f"PRAGMA integrity_check({MOST})"),), "postgres": ()}
"""How a database checks its own pages.  A server does so as it reads them."""
NAMES = Statement("SELECT run FROM runs ORDER BY id")
OF_NO_RUN = {
    table.name: Statement(f"SELECT count(*) FROM {table.name} WHERE run NOT IN (SELECT id FROM runs)")  # noqa: S608  names of ours
    for table in TABLES
}
FOREIGN = "name another store, or update SCR; if it was a store of SCR, its first page is gone: restore a copy"
UNREADABLE = "a repair copies what can be read into a new store and keeps the damaged one beside it"
CHANGED = "a repair marks the run as failed, so that nobody works on it; a fork from before that goes on without it"


@dataclass(frozen=True, slots=True)
class Examination:
    """What was looked at, and what is wrong.  Runs that are damaged are among `runs`."""

    shown: str
    runs: int = 0
    rows: int = 0
    findings: tuple[Finding, ...] = ()

    @property
    def is_well(self) -> bool:
        """There is nothing to be done."""
        return all(finding.severity is Severity.NOTICE for finding in self.findings)


def examine(database: Database, run: str | None = None) -> Examination:
    """Everything in the store, or one run.  Blocks: it reads every row.

    A store that is not ours or that cannot be read is a finding; raises
    StoreUnavailable where there is none or it may not be read, UnknownRun.
    """
    try:
        names, findings = _whole(database)
    except StoreForeign as error:
        return Examination(database.shown, findings=(Finding(Severity.DAMAGE, str(error), FOREIGN),))
    except StoreDamaged as error:
        return Examination(database.shown, findings=(Finding(Severity.DAMAGE, str(error), UNREADABLE),))
    if run is not None and run not in names:
        raise UnknownRun(f"there is no run {run!r} in the store; `scr runs` lists those that there are")
    looked = [_run(database, name) for name in names if run in {None, name}]
    rows = sum(count for count, _ in looked)
    return Examination(
        database.shown, len(looked), rows, (*findings, *(finding for _, found in looked for finding in found))
    )


def _whole(database: Database) -> tuple[list[str], list[Finding]]:
    """The names of all runs, and what is wrong with the store as a whole."""
    session = database.connect(read_only=True)
    try:
        findings = [
            Finding(Severity.DAMAGE, f"the store {database.shown} is damaged: {text}", UNREADABLE)
            for statement in WHOLE[session.dialect.name]
            for (text,) in session.rows(statement)
            if text != "ok"
        ]
        for table, statement in OF_NO_RUN.items():
            if count := session.rows(statement)[0][0]:
                sentence = f"{count} rows are of a run that there is not"
                findings.append(Finding(Severity.DAMAGE, sentence, UNREADABLE, table))
        return [name for (name,) in session.rows(NAMES)], findings
    finally:
        session.close()


def _run(database: Database, run: str) -> tuple[int, tuple[Finding, ...]]:
    """How many rows could be read, and what is wrong with them.  They are compared only when every one is whole."""
    reading = _Reading(run)
    session = database.connect(read_only=True)
    try:
        with tables.snapshot(session):
            number, row = tables.find(session, run)
            reading.check("runs", partial(tables.check_run, row))
            rows = {table.name: tuple(reading.rows(session, table, number)) for table in TABLES}
    except UnknownRun:
        return 0, ()  # it was deleted a moment ago
    except StoreError as error:
        reading.note(Severity.DAMAGE, "", str(error), UNREADABLE)
    finally:
        session.close()
    if reading.findings:
        return reading.count, tuple(reading.findings)
    return reading.count, checks.check(row, rows)


class _Reading:
    """The rows of one run as they are read, and those that are not what was written."""

    def __init__(self, run: str) -> None:
        self._run, self.count = run, 0
        self.findings: list[Finding] = []

    def rows(self, session: Session, table: Table, number: int) -> Iterator[Row]:
        """The columns that are looked at, of those that are what was written."""
        names = READS[table.name]
        for row in tables.read(session, table, number):
            self.count += 1
            if self.check(table.name, partial(table.check, row)):
                yield from ({name: each[name] for name in names} for each in tables.facts(table, row))

    def check(self, table: str, whole: Callable[[], None]) -> bool:
        """Whether a row is what was written."""
        try:
            whole()
        except StoreDamaged as error:
            self.note(Severity.ALTERED, table, str(error), CHANGED)
            return False
        return True

    def note(self, severity: Severity, table: str, sentence: str, remedy: str) -> None:
        """One more finding, unless there are too many already."""
        if len(self.findings) < MOST:
            self.findings.append(Finding(severity, sentence, remedy, table, self._run))
