"""A store of an older version, brought forward.  In the transaction of whoever calls, who then notes the version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import groupby
from operator import itemgetter

from scr.errors import StoreDamaged, StoreUnavailable
from scr.protocol.status import RunState
from scr.store.sql import lease, pages, queries, schema
from scr.store.sql.lease import Lease
from scr.store.sql.pages import OF_VERSION_1, Told
from scr.store.sql.schema import POSTGRES
from scr.store.sql.session import Session
from scr.store.sql.statements import EVENT_PAGE, STANDS, Statement

PAGE = 1000
OWNED = Statement("SELECT run, runtime, owner, lease_until, {now} FROM runs WHERE owner IS NOT NULL")
RUNS = Statement("SELECT id, coalesce(root, run), state FROM runs")
EVENTS_OF_VERSION_1 = Statement(
    f"SELECT run, {', '.join(OF_VERSION_1)} FROM events_of_version_1 WHERE (run, seq) > (:run, :seq)"  # noqa: S608  names of ours
    " ORDER BY run, seq LIMIT :limit"
)


def bring_forward(session: Session, version: int, shown: str) -> None:
    """To this version of SCR.  Raises StoreUnavailable while a runtime of an older one works, StoreDamaged."""
    if version:
        _refuse_used(session, shown)
    for number, migration in enumerate(schema.MIGRATIONS[version:], version + 1):
        for statement in migration.statements(session.dialect):
            session.script(statement)
        if carry := CARRIES.get(number):
            carry(session)
        for statement in migration.after:
            session.script(statement)


def _refuse_used(session: Session, shown: str) -> None:
    me = lease.this_process()
    for run, runtime, owner, lease_until, now in session.rows(OWNED):
        held, is_alive = Lease(owner, lease_until), lease.is_alive(owner)
        if not lease.is_claimable(held, me, is_alive=is_alive, is_shared=session.dialect is POSTGRES, now=now):
            raise StoreUnavailable(
                f"the runtime {runtime!r} of an older SCR works on the run {run!r} in the store {shown};"
                " end it, then this one brings the store forward"
            )


def _events_into_pages(session: Session) -> None:
    for run, events in groupby(_events_of_version_1(session), key=itemgetter(0)):
        for page in pages.paged(event for _, event in events):
            session.write([(EVENT_PAGE, (run, *page.values()))])


def _events_of_version_1(session: Session) -> Iterator[tuple[int, Told]]:
    """Each with the number of its run; one that is not what was written leaves a gap, of which `scr doctor` tells."""
    run = seq = -1
    while found := session.rows(EVENTS_OF_VERSION_1, run=run, seq=seq, limit=PAGE):
        for number, *columns in found:
            with suppress(StoreDamaged):
                yield number, pages.told_of_version_1(dict(zip(OF_VERSION_1, columns, strict=True)))
        run, seq = found[-1][:2]


def _ends_into_rows(session: Session) -> None:
    for number, first_id, stored in session.rows(RUNS):
        with suppress(StoreDamaged):
            session.change(STANDS, state=str(queries.stands(session, number, first_id, RunState(stored))), id=number)


CARRIES: dict[int, Callable[[Session], None]] = {2: _events_into_pages, 4: _ends_into_rows}
"""What the statements of a migration cannot say, by the version that it leads to."""
