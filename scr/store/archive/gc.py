"""Runs that have ended are deleted, when they are old or many, and the space is given back.

A run is deleted whole or not at all: while it is there it can be shown, replayed and forked at every event.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from scr.errors import StoreUnavailable, UnknownRun
from scr.messages import CLIENT
from scr.protocol.status import RunState
from scr.store.archive.archive import open_archive
from scr.store.archive.summaries import ListedRun
from scr.store.sql.address import database_of
from scr.store.sql.lease import this_process
from scr.store.sql.opening import find, is_free
from scr.store.sql.session import Session
from scr.store.sql.statements import Statement
from scr.store.sql.tables import TABLES, snapshot

ENDED = frozenset({RunState.DONE, RunState.FAILED, RunState.CANCELLED})
EVERY = 1 << 62
LAST = Statement(
    "SELECT coalesce((SELECT e.last_time FROM events e WHERE e.run = r.id ORDER BY e.seq DESC LIMIT 1), r.created),"
    " (SELECT count(*) FROM messages m WHERE m.run = r.id AND m.end_seq IS NULL AND m.seq IS NOT NULL"
    " AND (m.sender = :client OR m.parked <> ''))"
    " FROM runs r WHERE r.run = :run"
)
DELETE = Statement("DELETE FROM runs WHERE id = :id AND epoch = :epoch")
SIZE = {
    "sqlite": Statement("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"),
    "postgres": Statement(
        "SELECT CAST(coalesce(sum(pg_total_relation_size(c.oid)), 0) AS BIGINT) FROM pg_class c"
        " JOIN pg_namespace s ON s.oid = c.relnamespace WHERE s.nspname = current_schema() AND c.relkind = 'r'"
    ),
}
RECLAIM = {
    "sqlite": ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"),
    "postgres": (f"VACUUM runs, {', '.join(table.name for table in TABLES)}",),
}


@dataclass(frozen=True, slots=True)
class Resting:
    """What decides whether a run may go.  Its last event was at `ended`; `waiting` of its messages are open.

    Of a run that is over, only what came from outside counts, and what waits for a person; of a cancelled one
    nothing.  What agents sent each other (the news that one has gone, a result that came too late) and their timers
    ended with the run.
    """

    run: str
    state: RunState
    epoch: int
    ended: float
    is_owned: bool
    waiting: int


@dataclass(frozen=True, slots=True)
class SweepResult:
    """The runs that were deleted, or would be; those that were spared, and why; what that gave back.

    `unfinished` runs were left out: they have not ended, and were not named.  `trouble` says why the space is not
    given back yet: what is deleted is deleted.
    """

    deleted: tuple[str, ...]
    spared: tuple[tuple[str, str], ...]
    freed_bytes: int = 0
    trouble: str = ""
    unfinished: int = 0


def sweep(
    url: str,
    *,
    now: float,
    older_than_s: float | None = None,
    keep: int | None = None,
    names: Collection[str] = (),
    dry_run: bool = False,
) -> SweepResult:
    """Delete the runs that ended longer ago than that and are beyond the newest `keep`, and those of these names.

    `now` is wall clock.  With `dry_run` nothing is done.  One transaction a
    run; whoever else writes to a store in a file waits for each, and while the
    space is given back.  Blocks.  Raises UnknownRun for a name that there is
    not, InvalidInput for a URL that is none, StoreUnavailable, StoreDamaged, StoreForeign.
    """
    with open_archive(url) as archive:
        listed = archive.runs(limit=EVERY)
    session = database_of(url).connect()
    try:
        with snapshot(session):
            resting = [_resting(session, run) for run in listed]
        chosen, spared = choose(resting, now=now, older_than_s=older_than_s, keep=keep, names=names)
        unfinished = sum(run.state not in ENDED and run.run not in names for run in resting)
        if dry_run:
            return SweepResult(tuple(run.run for run in chosen), spared, unfinished=unfinished)
        deleted = tuple(run.run for run in chosen if _delete(session, run))
        gone = set(deleted)
        spared += tuple((run.run, "somebody took it up a moment ago") for run in chosen if run.run not in gone)
        freed_bytes, trouble = _reclaim(session) if deleted else (0, "")
        return SweepResult(deleted, spared, freed_bytes, trouble, unfinished)
    finally:
        session.close()


def choose(
    runs: Sequence[Resting],
    *,
    now: float,
    older_than_s: float | None = None,
    keep: int | None = None,
    names: Collection[str] = (),
) -> tuple[tuple[Resting, ...], tuple[tuple[str, str], ...]]:
    """Which runs go, and which would but are spared, each with the reason.  Pure.  Raises UnknownRun."""
    if unknown := sorted(set(names) - {run.run for run in runs}):
        raise UnknownRun(f"there is no run {unknown[0]!r} in the store; `scr runs` lists those that there are")
    ended = sorted((run for run in runs if run.state in ENDED), key=lambda run: run.ended, reverse=True)
    is_meant = older_than_s is not None or keep is not None
    aged = ended[keep or 0 :] if is_meant else []
    old = {run.run for run in aged if older_than_s is None or run.ended < now - older_than_s}
    wanted = [run for run in runs if run.run in old or run.run in names]
    reasons = {run.run: _reason_to_spare(run, is_named=run.run in names) for run in wanted}
    chosen = tuple(run for run in wanted if not reasons[run.run])
    return chosen, tuple((run, reason) for run, reason in reasons.items() if reason)


def _reason_to_spare(run: Resting, *, is_named: bool) -> str:
    if run.is_owned:
        return "a runtime works on it; stop it first"
    if run.waiting and not is_named:
        return f"{run.waiting} of its messages and timers are open; name it to delete it all the same"
    return ""


def _resting(session: Session, run: ListedRun) -> Resting:
    found = session.rows(LAST, client=CLIENT, run=run.run)
    ended, waiting = found[0] if found else (run.created, 0)
    if run.state is RunState.CANCELLED:
        waiting = 0  # nothing of it will ever be done
    return Resting(run.run, run.state, run.epoch, ended, run.is_owned, waiting)


def _delete(session: Session, run: Resting) -> bool:
    """Unless somebody has taken it since it was looked at."""
    session.begin()
    row = find(session, run.run)
    is_free_now = row is not None and is_free(row, session, this_process())
    if row is None or not is_free_now or session.change(DELETE, id=row.id, epoch=run.epoch) != 1:
        session.rollback()
        return False
    for table in TABLES:
        session.change(table.delete, run=row.id)
    session.commit()
    return True


def _reclaim(session: Session) -> tuple[int, str]:
    size = SIZE[session.dialect.name]
    before = session.rows(size)[0][0]
    try:
        for statement in RECLAIM[session.dialect.name]:
            session.script(statement)
        return max(0, before - session.rows(size)[0][0]), ""
    except StoreUnavailable as error:
        return 0, f"the space is not given back yet: {error}"
