"""What a server asks of the archive of its store.

Every function here blocks, and is called in the archive's thread.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf

from pydantic import JsonValue

from scr.agent.turn import refuse_uncarried
from scr.bounds import FRAME_BYTES, most_of
from scr.errors import InvalidInput, StoreDamaged, UnknownRun
from scr.messages import CLIENT, Failure, Message, Result, Task, TaskPayload, origin
from scr.protocol.status import Priority, RunState
from scr.server.application import Trade
from scr.server.candidates import Offer
from scr.server.outcomes import Aside, WorkCancelled, WorkDone, WorkFailed
from scr.server.schedule import ServerBounds, admit
from scr.store.archive.archive import PAGE, Archive
from scr.store.archive.summaries import ListedRun
from scr.store.records import OpenRun
from scr.telemetry.events import Record, RuntimeDown

WAITING_MAX = 10_000
OVER = frozenset({RunState.DONE, RunState.FAILED, RunState.CANCELLED})
LEFT = "its server was stopped"
UNTIMELY = frozenset({LEFT, "its owner is gone", "SIGTERM"})
"""Why a runtime that stopped in order may have left a run that others are to go on with."""
LAST_EVENTS = 500
PAGE_BYTES = 4 << 20


class Survey:
    """Finds the runs that may be worked on.  Remembers what does not change.

    `next_s`: after so many seconds the lease of another run ends, as far as is known.
    """

    def __init__(self, trades: Mapping[str, Trade]) -> None:
        self._trades = trades
        self._known: dict[tuple[str, int, int, RunState], Offer | None] = {}
        self.next_s = inf

    def look(self, archive: Archive) -> tuple[Offer, ...]:
        """The runs that were begun and are free, and those that were never begun; in the order in which they came."""
        runs, known = archive.open_runs(WAITING_MAX), self._known
        self.next_s = min((run.left_s for run in runs if not run.is_free), default=inf)
        free = {(run.run, run.epoch, run.seq, run.state): run for run in runs if run.is_free}
        self._known = {key: known[key] if key in known else self._offer(archive, run) for key, run in free.items()}
        return tuple(offer for offer in self._known.values() if offer)

    def _offer(self, archive: Archive, run: OpenRun) -> Offer | None:
        """None for a program's own run, which has no first message of its name, and for a damaged one."""
        try:
            listed = archive.run(run.run)
            waits = run.state is RunState.STOPPED and why_stopped(archive, listed) not in UNTIMELY
            return None if waits else offer_of(archive, self._trades, listed)
        except (InvalidInput, StoreDamaged):
            return None


def found(archive: Archive, run: str) -> ListedRun | None:
    """The run of that name; None when it has been removed, or is damaged."""
    try:
        return archive.run(run)
    except (UnknownRun, StoreDamaged):
        return None


def named(archive: Archive, name: str) -> ListedRun:
    """The run of that name, or the only one whose name begins so.  Raises UnknownRun."""
    if run := found(archive, name):
        return run
    alike = [run for run in archive.runs() if run.run.startswith(name)]
    return alike[0] if len(alike) == 1 else archive.run(name)


def is_to_go_on(archive: Archive, run: ListedRun) -> bool:
    """Whether a run is to be worked on by whoever can; one that a person has stopped waits for a person."""
    match run.state:
        case RunState.QUEUED | RunState.INTERRUPTED:
            return True
        case RunState.STOPPED:
            return why_stopped(archive, run) in UNTIMELY
        case _:
            return False


def why_stopped(archive: Archive, run: ListedRun) -> str:
    """Why its last runtime stopped; empty when it did not say, or when no runtime of this store has had the run.

    What was being kept just then is told after that.
    """
    if not run.runtime:  # it was imported
        return ""
    last = archive.events(run.run, max(0, run.seq - LAST_EVENTS), LAST_EVENTS)
    return next((kept.event.reason for kept in reversed(last) if isinstance(kept.event, RuntimeDown)), "")


def offer_of(archive: Archive, trades: Mapping[str, Trade], run: ListedRun) -> Offer | None:
    """The run with all that is needed to work on it; None for one that no trade of this server knows.

    Raises InvalidInput, StoreDamaged.
    """
    first = archive.message(run.run, run.run).message
    trade = trades.get(first.payload.kind) if isinstance(first, Task) else None
    if trade is None or not isinstance(first, Task):
        return None
    return _made(run, first, trade)


def _made(run: ListedRun, first: Task, trade: Trade) -> Offer:
    return Offer(
        run=run.run,
        title=run.title,
        priority=run.priority,
        state=run.state,
        created=run.created,
        tree=run.tree,
        first=first,
        trade=trade,
        agents=trade.agents(first.payload.input),
    )


@dataclass(frozen=True, slots=True)
class New:
    """A run that is submitted."""

    run: str
    trade: Trade
    priority: Priority
    title: str


def enqueue(new: New, given: JsonValue, bounds: ServerBounds, archive: Archive) -> Offer:
    """Keep the run.  Raises QueueFull, InvalidInput, InvalidMessage for an input that no frame can carry."""
    trade = new.trade
    admit(trade.agents(given), len(archive.queued(bounds.queue)), bounds)
    payload = TaskPayload(task_id=new.run, kind=trade.kind, input=given)
    refuse_uncarried(payload, most_of(FRAME_BYTES))
    first = Task(
        payload=payload, **origin(message_id=new.run, sender=CLIENT, to=trade.to, at=time.time(), run_id=new.run)
    )
    kept = archive.create(new.run, trade.tree, first, title=new.title, priority=new.priority)
    return _made(kept, first, trade)


@dataclass(frozen=True, slots=True)
class Glance:
    """A run, and the next of its events; without any, `answer` is what it has ended with, if it has.

    `why`: why it failed, where the answer says that it has.
    """

    run: ListedRun
    records: tuple[Record, ...]
    is_to_go_on: bool
    answer: Message | None
    folder: str
    why: str = ""


def glance(trades: Mapping[str, Trade], run: str, since: int, archive: Archive) -> Glance:
    """The run as it stands.  Raises UnknownRun, InvalidInput for one that is a program's own."""
    listed = named(archive, run)
    records = tuple(_within(PAGE_BYTES, archive.events(listed.run, since)))
    answer = archive.answer(listed.run) if listed.state in OVER and not records else None
    offer = offer_of(archive, trades, listed)
    if offer is None:
        raise InvalidInput(
            f"the run {listed.run} is of a kind that this server does not know; `scr show {listed.run}` shows it"
        )
    folder = offer.trade.folder(offer.given)
    why = why_failed(offer.trade, answer)
    return Glance(listed, records, is_to_go_on(archive, listed), answer, folder, why)


def _within(limit_bytes: int, records: tuple[Record, ...]) -> Iterator[Record]:
    """The first of them, as many as fit; one at least."""
    used = 0
    for record in records:
        if used > limit_bytes:
            return
        used += len(record.to_json())
        yield record


def records(archive: Archive, run: str) -> Iterator[Record]:
    """All events of a run."""
    page = archive.events(run)
    while page:
        yield from page
        page = archive.events(run, page[-1].seq, PAGE)


def over(trades: Mapping[str, Trade], run: str, archive: Archive) -> tuple[Offer, WorkDone | WorkFailed] | None:
    """The run of that name, if it is over, and how it ended."""
    listed = found(archive, run)
    if listed is None or listed.state not in OVER:
        return None
    offer, answer = offer_of(archive, trades, listed), archive.answer(run)
    return (offer, end_with(answer, listed, why_failed(offer.trade, answer))) if offer else None


def end_seen(seen: Glance, held: str) -> WorkDone | WorkFailed | WorkCancelled | Aside | None:
    """How a run has ended whose events are told, if it has; `held` is why the server leaves it alone, if it does."""
    match seen.run.state:
        case RunState.CANCELLED:
            return WorkCancelled()
        case RunState.DONE | RunState.FAILED:
            return end_with(seen.answer, seen.run, seen.why)
        case RunState.STOPPED if not seen.is_to_go_on and not seen.run.is_owned:
            return Aside(f"it was stopped; `scr resume {seen.run.run}` goes on with it")
        case _:
            return Aside(held) if held else None


def why_failed(trade: Trade, answer: Message | None) -> str:
    """Why the run has failed, where its answer is a result that says so; else empty."""
    if isinstance(answer, Result) and answer.payload.failed:
        return trade.why(answer.payload.output)
    return ""


def end_with(answer: Message | None, run: ListedRun, why: str) -> WorkDone | WorkFailed:
    """How a run that is over has ended."""
    match answer:
        case Result() if why:
            return WorkFailed(why)
        case Result(payload=payload):
            return WorkDone(payload.output)
        case Failure(payload=payload):
            return WorkFailed(payload.detail)
        case _:
            return WorkFailed(run.reason or f"the run was {run.state}")


def cancel(run: str, archive: Archive) -> RunState:
    """End the run for good; how it stands then.  Raises RunOwned when a runtime works on it, UnknownRun."""
    return archive.cancel(run).state
