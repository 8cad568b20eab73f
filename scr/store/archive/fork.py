"""A new run that is an old one as it was at one of its events.

What was written up to the event is copied; what ended later is open again, and
what a turn of then had left to be done will be done again when the fork is
resumed.  What is not dated is as follows: an open message starts its count of
deliveries afresh, but for being told that it may have been begun; a message in
doubt is found in doubt again by its step; an agent has the number of its last
incarnation and the code and options that it has now; what `scr retry-dead`
opened again stands in its mailbox where that put it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scr.errors import InvalidInput
from scr.store.sql import pages, tables
from scr.store.sql.rows import seal, step_sealed
from scr.store.sql.session import Database, Session, Value
from scr.store.sql.tables import TABLES, Kept, Table

WRITING = {"sqlite": "BEGIN IMMEDIATE", "postgres": "BEGIN ISOLATION LEVEL REPEATABLE READ"}
UNCHARGED = {"attempts": 0, "due": None, "outage_since": None, "doubt": ""}
ENDS = {"agents": "gone_seq", "monitors": "end_seq", "asks": "end_seq", "timers": "end_seq", "effects": "end_seq"}


@dataclass(frozen=True, slots=True)
class Forked:
    """The new run, and how many rows it has."""

    run: str
    parent: str
    seq: int
    rows: int


@dataclass(frozen=True, slots=True)
class PastMarks:
    """What the rows of messages do not tell by themselves of `seq`: the dead letters of then, the timers set by then.

    `letters` has the seq of the death of each.
    """

    seq: int
    letters: Mapping[str, int] = field(default_factory=dict)
    timers: frozenset[str] = frozenset()


def fork_run(database: Database, run: str, seq: int, name: str, *, created: float) -> Forked:
    """A run `name` that is `run` as it was after its event `seq`, stopped, and nobody's; `created` is wall clock.

    The old run stays as it is, and may be at work.  Blocks.  Raises UnknownRun,
    InvalidInput for an event that there is not or a name that is taken,
    StoreDamaged for a row that is not what was written, StoreUnavailable.
    """
    session = database.connect()
    try:
        session.script(WRITING[session.dialect.name])
        rows = _fork(session, run, seq, name, created)
        session.commit()
    finally:
        session.close()
    return Forked(name, run, seq, rows)


def _fork(session: Session, run: str, seq: int, name: str, created: float) -> int:
    number, row = tables.find(session, run)
    tables.check_run(row)
    last = int(row["seq"] or 0)
    if not 1 <= seq <= last:
        raise InvalidInput(f"the run {run!r} has no event {seq}: give one from 1 to {last}; `scr show {run} --events`")
    born: dict[str, Any] = {"run": name, "created": created, "state": "stopped", "reason": "", "seq": seq}
    new = tables.add(session, {**row, **born, "parent_run": run, "parent_seq": seq, "root": row["root"] or run})
    past, written = _past(session, number, seq), 1
    for table in TABLES:
        written += tables.write(session, table, new, _copied(session, table, number, past))
    tables.settle(session, new)
    return written


def _past(session: Session, number: int, seq: int) -> PastMarks:
    of = {table.name: table for table in TABLES}
    letters = (as_of("letters", row, PastMarks(seq)) for row in tables.read(session, of["letters"], number))
    timers = (as_of("timers", row, PastMarks(seq)) for row in tables.read(session, of["timers"], number))
    return PastMarks(
        seq,
        {str(row["message_id"]): int(row["seq"] or 0) for row in letters if row and row["end_seq"] is None},
        frozenset(str(row["timer_id"]) for row in timers if row),
    )


def _copied(session: Session, table: Table, number: int, past: PastMarks) -> Iterator[Kept]:
    for row in tables.checked(session, table, number):
        was = as_of(table.name, row, past)
        if was is not None:
            yield was


def as_of(table: str, row: Kept, past: PastMarks) -> Kept | None:
    """The row as it was then, or None when it was not there yet.  Pure."""
    match table:
        case "messages":
            return _message(row, past)
        case "steps":
            return _step(row, past.seq)
        case "events":
            return pages.until(row, past.seq)
        case "agents" if row.get("parked"):  # it gets a try in the fork, which may be of before it was parked
            return as_of(table, {**row, "parked": ""}, past)
        case _ if not _by(row["seq"], past.seq):
            return None
        case _:
            end = ENDS.get(table, "end_seq")
            return row if end not in row or _by(row[end], past.seq) else {**row, end: None}


def _message(row: Kept, past: PastMarks) -> Kept | None:
    message_id = str(row["message_id"])
    waiting = {"end_seq": None, "outcome": None, "deliveries": 0, "deaths": 0, "parked": "", **UNCHARGED}
    if not _by(row["seq"], past.seq):
        return {**row, **waiting, "seq": None} if message_id in past.timers else None
    if message_id in past.letters:
        return {**row, **waiting, "end_seq": past.letters[message_id], "outcome": "dead"}
    return row if _by(row["end_seq"], past.seq) else {**row, **waiting}


def _step(row: Kept, seq: int) -> Kept | None:
    """One that had begun and was done later had begun."""
    if _by(row["seq"], seq):
        return row
    if not _by(row["begun_seq"], seq):
        return None
    if row["state"] != "done":
        return row
    begun = ("begun", "null")
    crc = seal(*step_sealed(str(row["message_id"]), str(row["name"]), *begun, str(row["digest"])))
    return {**row, "state": begun[0], "value": begun[1], "crc": crc, "seq": None}


def _by(seq: Value, then: int) -> bool:
    return isinstance(seq, int) and seq <= then
