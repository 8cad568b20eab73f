"""The rows of a run as they are: read in pages, checked, written again, whatever they mean.

For what works on a run at rest: export, fork, examination, repair.  A row is
a mapping of column to value, without the number of its run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from scr.errors import InvalidInput, UnknownRun
from scr.protocol.status import RunState
from scr.store.sql import pages, queries
from scr.store.sql.rows import seal, unseal
from scr.store.sql.session import Session, Value
from scr.store.sql.statements import STANDS, Statement

Kept: TypeAlias = Mapping[str, Value]

PAGE = 200
NOTHING: Kept = {}
SNAPSHOT = {"sqlite": "BEGIN", "postgres": "BEGIN ISOLATION LEVEL REPEATABLE READ"}


@dataclass(frozen=True, slots=True)
class Table:
    """One table: the order of its rows within a run, and the columns, but for the run's number.

    `crc`, where there is one, is over the columns `sealed`.  `added` are the
    columns that a store of an older version lacks, with what they hold for its
    rows; of these `also` are sealed where they are not empty.  `first` reads
    the first rows of a run, `following` those after the one of a key.
    """

    name: str
    key: tuple[str, ...]
    sealed: tuple[str, ...]
    columns: tuple[str, ...]
    added: Kept
    also: tuple[str, ...]
    first: Statement
    following: Statement
    insert: Statement
    count: Statement
    delete: Statement

    def check(self, row: Kept) -> None:
        """Raises StoreDamaged for a row that is not what was written."""
        if self.sealed:
            place = ", ".join(f"{name} {row[name]!r}" for name in self.key)
            sealed = [row[name] for name in self.sealed] + [row[name] for name in self.also if row[name]]
            unseal(f"the row of {self.name} with {place}", int(row["crc"] or 0), sealed)


def _table(name: str, key: str, sealed: str, others: str, added: Kept = NOTHING, also: str = "") -> Table:
    columns = (*sealed.split(), *others.split(), *added, *(("crc",) if sealed else ()))
    keys, named = key.split(), ", ".join(columns)
    after = f" AND ({', '.join(keys)}) > ({', '.join(f':{column}' for column in keys)})"
    select, rest = f"SELECT {named} FROM {name} WHERE run = :run", f" ORDER BY {', '.join(keys)} LIMIT :limit"  # noqa: S608  names of ours
    return Table(
        name,
        tuple(keys),
        tuple(sealed.split()),
        columns,
        added,
        tuple(also.split()),
        first=Statement(select + rest),
        following=Statement(select + after + rest),
        insert=Statement(
            f"INSERT INTO {name} (run, {named}) VALUES (:run, {', '.join(f':{column}' for column in columns)})",  # noqa: S608  the same
            lane=0,
        ),
        count=Statement(f"SELECT count(*) FROM {name} WHERE run = :run"),  # noqa: S608  the same
        delete=Statement(f"DELETE FROM {name} WHERE run = :run"),  # noqa: S608  the same
    )


TABLES = (
    _table("agents", "n", "agent supervisor incarnation spec", "n seq gone_seq", {"parked": ""}),
    _table(
        "messages",
        "n",
        "message_id sender recipient type in_reply_to run_id trace_id time payload",
        "n seq end_seq outcome deliveries deaths parked",
        added={"attempts": 0, "due": None, "outage_since": None, "doubt": ""},
    ),
    _table("turns", "n", "message_id agent incarnation state sends caused", "n seq"),
    _table("steps", "message_id name", "message_id name state value", "n begun_seq seq", {"digest": ""}, also="digest"),
    _table("entries", "version", "version key value", "seq"),
    _table("monitors", "n", "", "n watcher target seq end_seq"),
    _table("asks", "message_id", "message_id agent asked_in step until", "n seq end_seq"),
    _table("timers", "timer_id", "timer_id due after_s", "n seq end_seq"),
    _table("effects", "effect_id", "effect_id agent message_id start stop", "n seq end_seq"),
    _table("letters", "n", "message_id reason detail deliveries time", "n seq end_seq", added={"error": None}),
    _table("crashes", "n", "agent body", "n seq"),
    _table("events", "seq", "seq first_seq first_time last_time body", ""),
)
RUN_SEALED = ("run", "title", "priority", "tree", "created")
RUN_COLUMNS = (*RUN_SEALED, "crc", "state", "reason", "epoch", "seq", "n", "parent_run", "parent_seq", "root")
FIND = Statement(f"SELECT id, {', '.join(RUN_COLUMNS)} FROM runs WHERE run = :run")  # noqa: S608  names of ours
STOOD = Statement("SELECT coalesce(root, run), state FROM runs WHERE id = :id")
ADD = Statement(
    f"INSERT INTO runs ({', '.join(RUN_COLUMNS)}, runtime, lease_until, batch)"  # noqa: S608  the same
    f" VALUES ({', '.join(f':{name}' for name in RUN_COLUMNS)}, '', 0, 0) ON CONFLICT DO NOTHING"
)


@contextmanager
def snapshot(session: Session) -> Iterator[None]:
    """Everything read within is of one moment; nothing is written.  Raises what the session raises."""
    session.script(SNAPSHOT[session.dialect.name])
    try:
        yield
    finally:
        session.abandon()


def find(session: Session, run: str) -> tuple[int, dict[str, Value]]:
    """The number of the run of that name, and its row.  Raises UnknownRun."""
    found = session.rows(FIND, run=run)
    if not found:
        raise UnknownRun(f"there is no run {run!r} in the store; `scr runs` lists those that there are")
    number, *values = found[0]
    return number, dict(zip(RUN_COLUMNS, values, strict=True))


def read(session: Session, table: Table, run: int) -> Iterator[dict[str, Value]]:
    """The rows of a run, page by page, in the order of the key."""
    found = session.rows(table.first, run=run, limit=PAGE)
    while found:
        rows = [dict(zip(table.columns, values, strict=True)) for values in found]
        yield from rows
        if len(rows) < PAGE:
            return
        after = {name: rows[-1][name] for name in table.key}
        found = session.rows(table.following, run=run, limit=PAGE, **after)


def checked(session: Session, table: Table, run: int) -> Iterator[dict[str, Value]]:
    """The same.  Raises StoreDamaged at the first row that is not what was written."""
    for row in read(session, table, run):
        table.check(row)
        yield row


def facts(table: Table, row: dict[str, Value]) -> Iterator[dict[str, Value]]:
    """What a row tells of: itself, but for a page of events, which tells of each of them."""
    return pages.happenings(row) if table.name == "events" else iter((row,))


def check_run(row: Kept) -> None:
    """Raises StoreDamaged for a row of `runs` that is not what was written."""
    unseal(f"the run {row['run']!r}", int(row["crc"] or 0), [row[name] for name in RUN_SEALED])


def add(session: Session, row: Kept) -> int:
    """A new run, nobody's; its number.  In a transaction.  Raises InvalidInput when there is one of that name."""
    sealed = {name: row[name] for name in RUN_SEALED}
    if session.change(ADD, **{**row, "crc": seal(*sealed.values())}) != 1:
        raise InvalidInput(f"there is a run {row['run']!r} in the store already; give the new one another name")
    return find(session, str(row["run"]))[0]


def settle(session: Session, run: int) -> None:
    """Note where a run stands whose rows are all written.  In a transaction."""
    ((first_id, stored),) = session.rows(STOOD, id=run)
    session.change(STANDS, state=str(queries.stands(session, run, first_id, RunState(stored))), id=run)


def write(session: Session, table: Table, run: int, rows: Iterable[Kept]) -> int:
    """Rows of a run, as they are; how many.  In a transaction.  Raises StoreDamaged for what contradicts the schema."""
    insert, count, left = table.insert, 0, iter(rows)
    while page := list(islice(left, PAGE)):
        session.write([(insert, (run, *(row[name] for name in table.columns))) for row in page])
        count += len(page)
    return count
