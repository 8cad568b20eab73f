"""How much there is of everything in a run, counted by the database: for lists, which would not read it all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scr.messages import CLIENT
from scr.store.sql.session import Database
from scr.store.sql.statements import Statement

TALLY = Statement(
    "SELECT (SELECT count(DISTINCT agent) FROM agents WHERE run = r.id),"
    " (SELECT count(*) FROM turns WHERE run = r.id),"
    " (SELECT count(*) FROM messages WHERE run = r.id AND seq IS NOT NULL),"
    " (SELECT count(*) FROM messages WHERE run = r.id AND end_seq IS NULL AND seq IS NOT NULL),"
    " (SELECT count(*) FROM messages WHERE run = r.id AND end_seq IS NULL AND seq IS NOT NULL AND parked <> ''),"
    " (SELECT count(*) FROM letters WHERE run = r.id AND end_seq IS NULL),"
    " (SELECT count(*) FROM crashes WHERE run = r.id),"
    " coalesce((SELECT first_time FROM events WHERE run = r.id ORDER BY seq LIMIT 1), 0.0),"
    " coalesce((SELECT last_time FROM events WHERE run = r.id ORDER BY seq DESC LIMIT 1), 0.0),"
    " (SELECT count(*) FROM messages WHERE run = r.id AND end_seq IS NULL AND seq IS NOT NULL"
    " AND (sender = :client OR parked <> ''))"
    " FROM runs r WHERE r.run = :run"
)


@dataclass(frozen=True, slots=True)
class Tally:
    """How much there is.  `first` and `last` are the wall clock of the first event and of the last, 0 without one.

    `from_outside` is how many of the open messages clients sent, or wait for a person: in a run that is over,
    only these count as open.
    """

    agents: int = 0
    turns: int = 0
    messages: int = 0
    open_messages: int = 0
    in_doubt: int = 0
    dead_letters: int = 0
    crashes: int = 0
    first: float = 0.0
    last: float = 0.0
    from_outside: int = 0


def tallies(database: Database, runs: Iterable[str]) -> dict[str, Tally]:
    """That of each run, by its name.  Blocks.  Raises StoreUnavailable, StoreDamaged, StoreForeign."""
    session = database.connect(read_only=True)
    try:
        found = {run: session.rows(TALLY, run=run, client=CLIENT) for run in runs}
    finally:
        session.close()
    return {run: Tally(*rows[0]) for run, rows in found.items() if rows}
