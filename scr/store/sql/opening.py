"""How a runtime comes by its run: the store is opened, the run claimed, its image read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scr.config import Limits
from scr.errors import InvalidInput, RunCancelled, RunOwned, StoreError, UnknownRun
from scr.messages import Message
from scr.protocol.status import Priority, RunState, StoreStatus
from scr.specs import SupervisorSpec
from scr.store.memory import MemoryStore
from scr.store.records import Image, KeptMessage, Opening, OpenRun
from scr.store.sql import lease, snapshot, statements
from scr.store.sql.address import database_of
from scr.store.sql.lease import Lease
from scr.store.sql.row_builder import Scribe
from scr.store.sql.rows import json_of, printable, seal, unseal
from scr.store.sql.schema import POSTGRES
from scr.store.sql.session import Session
from scr.store.sql.snapshot import Counters
from scr.store.sql.store import SqlStore
from scr.store.sql.writer import Tenure, Writer
from scr.store.store import Store
from scr.store.url import MEMORY


@dataclass(frozen=True, slots=True)
class RunRow:
    """The row of a run, as it is kept; `now` is on the clock of `lease_until`."""

    id: int
    run: str
    title: str
    priority: str
    tree: str
    created: float
    crc: int
    state: str
    owner: str | None
    runtime: str
    epoch: int
    lease_until: float
    batch: int
    seq: int
    n: int
    reason: str
    parent_run: str | None
    parent_seq: int | None
    first_id: str
    now: float

    def check(self) -> None:
        """Raises StoreDamaged when it is not what was written."""
        unseal(f"run {self.run!r}", self.crc, (self.run, self.title, self.priority, self.tree, self.created))


def open_store(
    url: str,
    opening: Opening,
    *,
    call: Callable[[Callable[[], None]], None],
    lost: Callable[[StoreError], None],
    changed: Callable[[StoreStatus], None],
    limits: Limits,
) -> Store:
    """Own the run, from now until `close`.  Blocks: call it before the loop starts.

    `call` hands a function to the loop from any thread, in order
    (`loop.call_soon_threadsafe`); on the loop, `lost` is told once that
    nothing more will be written, and why; `changed` that there is trouble, and
    that it is over.  Raises StoreUnavailable, StoreDamaged, StoreForeign,
    RunOwned, RunCancelled, InvalidInput.
    """
    if url == MEMORY:
        mail = (KeptMessage(opening.first),) if opening.first else ()
        return MemoryStore(limits.dead_letters, limits.crashes, Image(mail=mail, is_fresh=True))
    me = lease.parse(opening.owner)
    if me is None:
        raise InvalidInput(f"{opening.owner!r} is not the name of a process: give str(lease.this_process())")
    database = database_of(url).within(opening.lease_s)
    session = database.connect(create=True)
    try:
        session.check()
        began = lease.boot_time()
        session.begin()
        begin(session, opening.run, opening.tree, opening.title, RunState.QUEUED, first=opening.first)
        row = claim(session, me, opening)
        is_fresh = not (row.runtime or row.seq)
        counters = Counters(row.epoch + 1, row.seq, row.n, first_id=row.first_id, is_fresh=is_fresh)
        found, scribe = snapshot.read(session, row.id, counters, crashes=limits.crashes)
        session.commit()
        session.follow(opening.lease_s)
    except BaseException:
        session.close()
        raise
    tenure = Tenure(row.id, opening.run, counters.epoch, row.batch, row.seq, row.n, opening.lease_s, began)
    writer = Writer(
        database, session, tenure, call=call, lost=lost, changed=changed, patience_s=limits.store_patience_s
    )
    return SqlStore(scribe, writer, found, epoch=counters.epoch, limits=limits)


def begin(
    session: Session,
    run: str,
    tree: SupervisorSpec,
    title: str,
    state: RunState,
    priority: Priority = Priority.NORMAL,
    first: Message | None = None,
) -> bool:
    """Note the run with its first message unless there is one of that name; whether there was none.

    In a transaction.
    """
    columns: dict[str, str | float] = {
        "run": run,
        "title": printable(title),
        "priority": str(priority),
        "tree": json_of(tree),
        "created": time.time(),
    }
    crc = seal(*columns.values())
    is_new = session.change(statements.RUN_NEW, **columns, crc=crc, state=str(state)) == 1
    if is_new and first and (row := find(session, run)):
        scribe = Scribe(row.id)
        session.write(scribe.accept(first))
        session.change(statements.FENCE, batch=1, seq=0, n=scribe.n, lease_s=0.0, id=row.id, epoch=0)
    return is_new


def find(session: Session, run: str) -> RunRow | None:
    """The row of the run.  Raises StoreDamaged."""
    found: list[Any] = session.rows(statements.RUN, run=run)
    if not found:
        return None
    row = RunRow(*found[0])
    row.check()
    return row


def claim(session: Session, me: lease.Owner, opening: Opening) -> RunRow:
    """Take the run for a runtime.  In a transaction; the row is as it was before.

    Raises UnknownRun, RunOwned, RunCancelled.
    """
    row = _claimable(session, opening.run)
    is_held_for_it = bool(opening.ticket) and row.owner == opening.ticket
    if not (is_held_for_it or is_free(row, session, me)):
        raise _owned(row)
    taken = session.change(
        statements.CLAIM,
        owner=str(me),
        runtime=opening.runtime,
        lease_s=opening.lease_s,
        id=row.id,
        epoch=row.epoch,
    )
    if taken != 1:
        raise _owned(row)
    return row


def hold(session: Session, run: str, me: lease.Owner, *, lease_s: float, again: bool = False) -> RunRow:
    """Own the run for an act, or for a runtime that is to be started; it stands where it stood.

    In a transaction; the row is as it was before.  A run is not taken from a runtime of this very process either,
    unless `again`: a server, which holds runs and works on none itself.  Raises UnknownRun, RunOwned, RunCancelled.
    """
    row = _claimable(session, run)
    is_worked_on_here = row.owner == str(me) and row.state not in {RunState.QUEUED, RunState.STOPPED} and not again
    if is_worked_on_here or not is_free(row, session, me):
        raise _owned(row)
    if session.change(statements.HELD, owner=str(me), lease_s=lease_s, id=row.id, epoch=row.epoch) != 1:
        raise _owned(row)
    return row


def _claimable(session: Session, run: str) -> RunRow:
    row = find(session, run)
    if row is None:
        raise UnknownRun(f"there is no run {run!r} in the store (see `scr runs`)")
    if row.state == RunState.CANCELLED:
        raise RunCancelled(f"the run {run!r} was cancelled; `scr fork {row.run} --at SEQ` begins a new one from it")
    return row


def is_free(row: RunRow, session: Session, me: lease.Owner) -> bool:
    """Whether this process may take the run."""
    return _is_free(Lease(row.owner, row.lease_until), row.now, session, me)


def open_runs(session: Session, me: lease.Owner, limit: int) -> Iterator[OpenRun]:
    """The runs that are not over, in the order in which they came."""
    for _, _, run, state, owner, epoch, until, seq, now in session.rows(statements.RUNS_OPEN, limit=limit):
        is_free = _is_free(Lease(owner, until), now, session, me)
        yield OpenRun(run, RunState(state), epoch, seq, is_free, max(0.0, until - now))


def _is_free(held: Lease, now: float, session: Session, me: lease.Owner) -> bool:
    is_alive = lease.is_alive(held.owner) if held.owner else None
    return lease.is_claimable(held, me, is_alive=is_alive, is_shared=session.dialect is POSTGRES, now=now)


def _owned(row: RunRow) -> RunOwned:
    process = lease.parse(row.owner or "")
    pid = f" (pid {process.pid})" if process else ""
    if row.state in {RunState.QUEUED, RunState.STOPPED}:
        return RunOwned(
            f"a server{pid} is starting a runtime for the run {row.run!r}: `scr attach {row.run}` follows it"
        )
    who = f"{row.runtime!r}{pid}"
    return RunOwned(
        f"the runtime {who} works on the run {row.run!r}: `scr top --runtime {row.runtime}` looks at it, and"
        f" `scr attach {row.run}` follows a run of a server; end it with its program or with"
        f" `scr stop --runtime {row.runtime}`, or wait until it is done"
    )
