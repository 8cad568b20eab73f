"""What is done to a run that no runtime works on: each act in one transaction, under the run's lease.

The claim raises the epoch, so a runtime that had the run, and wakes up in the
middle, writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pydantic import JsonValue

from scr.bounds import refuse_deep_value
from scr.errors import InvalidInput
from scr.messages import Message
from scr.protocol.status import Priority, RunState
from scr.specs import SupervisorSpec
from scr.step_names import done_step
from scr.store.archive.summaries import MessageInDoubt
from scr.store.sql import opening, snapshot, statements
from scr.store.sql.lease import Owner
from scr.store.sql.opening import RunRow
from scr.store.sql.row_builder import Scribe
from scr.store.sql.rows import printable
from scr.store.sql.session import Session
from scr.store.sql.snapshot import Counters

CRASHES = 1000


def create(
    session: Session, run: str, tree: SupervisorSpec, first: Message | None, *, title: str, priority: Priority
) -> None:
    """A new run, queued.  Raises InvalidInput when there is one of that name."""
    with _transaction(session):
        if not opening.begin(session, run, tree, title, RunState.QUEUED, priority, first):
            raise InvalidInput(f"there is a run {run!r} already; give the new one another name")


def hold(session: Session, me: Owner, run: str, lease_s: float) -> None:
    """Own the run for a runtime that is to be started."""
    with _transaction(session):
        opening.hold(session, run, me, lease_s=lease_s, again=True)


def renew(session: Session, run: str, ticket: str, lease_s: float) -> bool:
    """Own the run for that much longer, if it is owned by that ticket; whether it is."""
    with _transaction(session):
        return session.change(statements.TICKET_RENEWED, run=run, ticket=ticket, lease_s=lease_s) == 1


def let_go(session: Session, run: str, ticket: str) -> None:
    """Own the run no more, if it is owned by that ticket."""
    with _transaction(session):
        session.change(statements.TICKET_RETURNED, run=run, ticket=ticket)


def mark(session: Session, me: Owner, run: str, state: RunState, reason: str) -> None:
    """The run stands there from now on."""
    with _transaction(session):
        row = opening.hold(session, run, me, lease_s=0.0)
        session.change(statements.MARKED, state=str(state), reason=printable(reason), id=row.id)


def resolve(session: Session, me: Owner, run: str, doubt: MessageInDoubt, *, is_done: bool, value: JsonValue) -> None:
    """The step in doubt was done, with this value, or was not.  Raises InvalidMessage when it is nested too deep."""
    refuse_deep_value(value, "the value of a step")
    message_id = doubt.message.message_id
    step = done_step(doubt.step, value, doubt.steps) if is_done else None
    with _claimed(session, me, run) as scribe:
        session.write(scribe.resolve(message_id, step, doubt.step))


def retry_dead(session: Session, me: Owner, run: str, message_ids: Sequence[str]) -> tuple[Message, ...]:
    """Open dead letters again, in this order; returns those that were found.  Raises InvalidInput when none was."""
    with _claimed(session, me, run) as scribe:
        found = [scribe.exhume(message_id, RunState.STOPPED)[1](session) for message_id in message_ids]
        if not any(found):
            named = ", ".join(map(repr, message_ids))
            raise InvalidInput(f"the run {run!r} has no dead letter {named}; `scr dead {run}` lists them")
    return tuple(kept.message for kept in found if kept)


@contextmanager
def _claimed(session: Session, me: Owner, run: str) -> Iterator[Scribe]:
    """Who writes to the run, as its owner; then it stands where it stood."""
    with _transaction(session):
        row = opening.hold(session, run, me, lease_s=0.0)
        counters = Counters(epoch=row.epoch + 1, seq=row.seq, n=row.n, first_id=row.first_id)
        _, scribe = snapshot.read(session, row.id, counters, crashes=CRASHES)
        yield scribe
        _note(session, row, scribe, epoch=row.epoch + 1)


def _note(session: Session, row: RunRow, scribe: Scribe, *, epoch: int = 0) -> None:
    """The counters of the run, and that nobody owns it."""
    fence = {"batch": row.batch + 1, "seq": scribe.seq, "n": scribe.n, "lease_s": 0.0}
    session.change(statements.FENCE, **fence, id=row.id, epoch=epoch)
    session.change(statements.LET_GO, id=row.id)


@contextmanager
def _transaction(session: Session) -> Iterator[None]:
    """Kept whole, or not at all; the session can be used again unless its own error ended it."""
    session.begin()
    try:
        yield
    except BaseException:
        session.abandon()
        raise
    session.commit()
