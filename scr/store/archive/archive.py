"""The runs of a store, for whoever does not own them: commands, a server, a dashboard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import Any, Self

from pydantic import JsonValue

from scr.errors import InvalidInput, StoreDamaged, UnknownRun
from scr.messages import Message
from scr.protocol.frames import Entry, StepRecord
from scr.protocol.status import Priority, RunState
from scr.specs import SupervisorSpec
from scr.store.archive import offline_ops
from scr.store.archive.summaries import ListedAgent, ListedMessage, ListedRun, ListedTurn, MessageInDoubt, standing
from scr.store.records import DeadLetter, OpenRun, reason_of
from scr.store.sql import opening, queries, rows, statements
from scr.store.sql.address import database_of
from scr.store.sql.lease import Owner, this_process
from scr.store.sql.opening import RunRow, find, is_free
from scr.store.sql.pages import record_of
from scr.store.sql.session import Database, Session
from scr.store.url import refuse_lost_path
from scr.telemetry.crashes import CrashRecord
from scr.telemetry.events import Record

PAGE = 1000
EVER = 1 << 62


def open_archive(url: str, *, create: bool = False) -> Archive:
    """The archive of a store; use it as a context manager, from one thread at a time.  All it does blocks.

    A store that is not there is not made, unless with `create`.  Raises
    InvalidInput for a URL that is none, StoreUnavailable, StoreDamaged, StoreForeign.
    """
    if not create:
        refuse_lost_path(url)
    return Archive(database_of(url), create=create)


class Archive:
    """Reads are of what is kept at that moment; a run at work may go on in between.

    What is done to a run (`create` and below) is done under its lease, in one
    transaction, and raises RunOwned where a runtime works on it: ask that runtime.
    Everything raises UnknownRun for a run that there is not, and StoreUnavailable, StoreDamaged.
    """

    def __init__(self, database: Database, *, create: bool = False) -> None:
        self.shown = database.shown
        self._session: Session = database.connect(create=create, read_only=not create)
        self._me: Owner = this_process()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    # Runs.

    def runs(self, limit: int = PAGE) -> tuple[ListedRun, ...]:
        """Those of the newest that can be read, oldest first; `damaged` tells of the others."""
        return tuple(run for run in self._seen(statements.RUNS, limit) if isinstance(run, ListedRun))[::-1]

    def damaged(self, limit: int = PAGE) -> tuple[StoreDamaged, ...]:
        """Of the newest runs, why each that cannot be read cannot."""
        return tuple(run for run in self._seen(statements.RUNS, limit) if isinstance(run, StoreDamaged))

    def queued(self, limit: int = PAGE) -> tuple[ListedRun, ...]:
        """Those that nobody has begun and that can be read, in order of priority, then of age."""
        return tuple(run for run in self._seen(statements.RUNS_QUEUED, limit) if isinstance(run, ListedRun))

    def open_runs(self, limit: int = PAGE) -> tuple[OpenRun, ...]:
        """Those that are not over, damaged ones too, in the order in which they came."""
        return tuple(opening.open_runs(self._session, self._me, limit))

    def run(self, run: str) -> ListedRun:
        """The run of that name."""
        return self._listed(self._row(run))

    def answer(self, run: str) -> Message | None:
        """The answer to the message that began the run: its result, or a failure."""
        return self._answer(self._row(run))

    # What is in one run.

    def events(self, run: str, after: int = 0, limit: int = PAGE) -> tuple[Record, ...]:
        """Those from above seq `after`, in order."""
        found = queries.events(self._session, self._row(run).id, after)
        return tuple(map(record_of, islice(found, limit)))

    def messages(self, run: str, after: int = 0, limit: int = PAGE) -> tuple[ListedMessage, ...]:
        """Those from above `n`, in the order in which they were accepted."""
        return tuple(map(_message, self._page(statements.MESSAGES, run, after, limit)))

    def message(self, run: str, message_id: str) -> ListedMessage:
        """One of them.  Raises InvalidInput when there is none of that id."""
        found = self._session.rows(statements.MESSAGE_OF, run=self._row(run).id, message_id=message_id)
        if not found:
            raise InvalidInput(f"the run {run!r} has no message {message_id!r}; `scr show {run} --messages`")
        return _message(found[0])

    def steps(self, run: str, message_id: str) -> tuple[StepRecord, ...]:
        """What is recorded of the steps of a message."""
        return self._steps(self._row(run).id, message_id)

    def turns(self, run: str, after: int = 0, limit: int = PAGE) -> tuple[ListedTurn, ...]:
        """Those from above `n`, in the order in which they were committed."""
        return tuple(map(_turn, self._page(statements.TURNS, run, after, limit)))

    def agents(self, run: str) -> tuple[ListedAgent, ...]:
        """All that there ever were, in the order in which they first came."""
        number = self._row(run).id
        found = self._session.rows(statements.LIVES, run=number)
        until: dict[str, int] = {}
        listed = []
        for columns in reversed(found):
            agent = columns[1]
            listed.append(self._agent(number, columns, until.get(agent, EVER)))
            until[agent] = columns[0]
        return tuple(reversed(listed))

    def entries(self, run: str, after: int = 0, limit: int = PAGE) -> tuple[Entry, ...]:
        """What agents remember, the newest of each key, in order of version from above `after`."""
        return tuple(queries.entries(self._session, self._row(run).id, after, limit))

    def letters(self, run: str, last: int = PAGE) -> tuple[DeadLetter, ...]:
        """The last dead letters, oldest first."""
        return tuple(queries.letters(self._session, self._row(run).id, last))

    def crashes(self, run: str, agent: str | None = None, last: int = PAGE) -> tuple[CrashRecord, ...]:
        """The last crash records, oldest first."""
        return tuple(queries.crashes(self._session, self._row(run).id, agent, last))

    def doubts(self, run: str) -> tuple[MessageInDoubt, ...]:
        """The messages that wait for a person."""
        number = self._row(run).id
        found = [_message(columns) for columns in self._session.rows(statements.PARKED_MESSAGES, run=number)]
        return tuple(
            MessageInDoubt(
                kept.message, kept.parked, kept.deliveries, self._steps(number, name), self._doubt(number, name)
            )
            for kept in found
            for name in (kept.message.message_id,)
        )

    def _doubt(self, number: int, message_id: str) -> str:
        return str(self._session.rows(statements.DOUBT_OF, run=number, message_id=message_id)[0][0])

    # What is done to a run.

    def create(
        self,
        run: str,
        tree: SupervisorSpec,
        first: Message | None = None,
        *,
        title: str = "",
        priority: Priority = Priority.NORMAL,
    ) -> ListedRun:
        """A new run, queued, with its first message.  Raises InvalidInput when the name is taken."""
        offline_ops.create(self._session, run, tree, first, title=title, priority=priority)
        return self.run(run)

    def hold(self, run: str, lease_s: float) -> str:
        """Own the run for a runtime that is to be started; returns its ticket.  Raises RunOwned, RunCancelled."""
        offline_ops.hold(self._session, self._me, run, lease_s)
        return str(self._me)

    def renew(self, run: str, ticket: str, lease_s: float) -> bool:
        """Own the run for that much longer, if no runtime has taken it with the ticket; whether it is owned so."""
        return offline_ops.renew(self._session, run, ticket, lease_s)

    def let_go(self, run: str, ticket: str) -> None:
        """Own the run no more, if no runtime has taken it with the ticket."""
        offline_ops.let_go(self._session, run, ticket)

    def cancel(self, run: str) -> ListedRun:
        """Nobody will work on the run any more; one that is over stays as it is."""
        listed = self.run(run)
        if listed.state not in {RunState.DONE, RunState.FAILED, RunState.CANCELLED}:
            offline_ops.mark(self._session, self._me, run, RunState.CANCELLED, "")
        return self.run(run)

    def fail(self, run: str, reason: str) -> ListedRun:
        """The run cannot be gone on with, and why; it may be resumed all the same."""
        offline_ops.mark(self._session, self._me, run, RunState.FAILED, reason)
        return self.run(run)

    def resolve(self, run: str, which: str, *, is_done: bool, value: JsonValue = None) -> MessageInDoubt:
        """The step in doubt, by its name or by its message's id, was done with this value, or was not done.

        Raises InvalidInput when none or more than one is meant.
        """
        doubts = [doubt for doubt in self.doubts(run) if which in doubt.names]
        if len(doubts) != 1:
            many = "no step in doubt" if not doubts else f"{len(doubts)} steps in doubt: name the message"
            raise InvalidInput(f"the run {run!r} has {many} for {which!r}; `scr doubts {run}` lists them")
        offline_ops.resolve(self._session, self._me, run, doubts[0], is_done=is_done, value=value)
        return doubts[0]

    def retry_dead(self, run: str, message_id: str) -> Message:
        """The dead letter is open again, at the end of its mailbox.  Raises InvalidInput when there is none."""
        return self.retry_all(run, (message_id,))[0]

    def retry_all(self, run: str, message_ids: Sequence[str]) -> tuple[Message, ...]:
        """Open these dead letters again, in one transaction; returns those that were found.

        Raises InvalidInput when none was.
        """
        return offline_ops.retry_dead(self._session, self._me, run, message_ids)

    # How.

    def _row(self, run: str) -> RunRow:
        row = find(self._session, run)
        if row is None:
            raise UnknownRun(f"there is no run {run!r} in {self.shown}; `scr runs` lists those that there are")
        return row

    def _seen(self, statement: statements.Statement, limit: int) -> Iterator[ListedRun | StoreDamaged]:
        """Runs, the error in place of one that is damaged: the others are none the worse for it."""
        for columns in self._session.rows(statement, limit=limit):
            row = RunRow(*columns)
            try:
                row.check()
                yield self._listed(row)
            except StoreDamaged as error:
                yield error

    def _listed(self, row: RunRow) -> ListedRun:
        is_owned = row.owner is not None and not (is_free(row, self._session, self._me) and row.owner != str(self._me))
        return ListedRun(
            run=row.run,
            title=row.title,
            state=standing(RunState(row.state), is_owned=is_owned, answer=None),
            priority=Priority(row.priority),
            tree=rows.tree_of(row.run, row.tree),
            created=row.created,
            runtime=row.runtime,
            is_owned=is_owned,
            epoch=row.epoch,
            seq=row.seq,
            first_id=row.first_id,
            reason=row.reason or self._why_failed(row),
            parent_run=row.parent_run,
            parent_seq=row.parent_seq,
        )

    def _why_failed(self, row: RunRow) -> str:
        """Say why the run failed, of the answer to its first message, where that can be read."""
        if row.state != RunState.FAILED:
            return ""
        with suppress(StoreDamaged):
            return reason_of(self._answer(row))
        return "its answer is damaged; `scr doctor` says how"

    def _answer(self, row: RunRow) -> Message | None:
        known = self._session.rows(statements.KNOWN, run=row.id, message_id=row.first_id)
        return queries.answer(self._session, row.id, row.first_id, since=known[0][0]) if known else None

    def _page(self, statement: statements.Statement, run: str, after: int, limit: int) -> list[Any]:
        return self._session.rows(statement, run=self._row(run).id, after=after, limit=limit)

    def _steps(self, number: int, message_id: str) -> tuple[StepRecord, ...]:
        found = self._session.rows(statements.STEPS_OF, run=number, message_id=message_id)
        return tuple(step for step in map(rows.step_of, found) if step)

    def _agent(self, number: int, columns: Any, until: int) -> ListedAgent:
        n, agent, supervisor, incarnation, _, _, seq, gone_seq = columns
        found = self._session.rows(statements.STATE_WITHIN, run=number, agent=agent, since=n, until=until)
        state = _turn(found[0]).state if found else None
        return ListedAgent(rows.spec_of(columns[1:6]), supervisor, incarnation, seq, gone_seq, state)


def _message(columns: Any) -> ListedMessage:
    n, seq, end_seq, outcome, deliveries, deaths, parked = columns[10:]
    return ListedMessage(n, rows.message_of(columns[:10]), seq, end_seq, outcome, deliveries, deaths, parked)


def _turn(columns: Any) -> ListedTurn:
    rows.check_turn(columns)
    n, seq, message_id, agent, incarnation, state, sends, caused, _ = columns
    return ListedTurn(
        n,
        seq,
        message_id,
        agent,
        incarnation,
        None if state is None else rows.value_of(state),
        tuple((sends or "").split()),
        rows.mapping_of(caused) if caused else {},
    )
