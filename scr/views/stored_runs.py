"""What a store keeps of runs, as lines for people and as objects for programs.

Pure.  `now` is wall clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scr.bounds import counted
from scr.messages import Down, Failure, Message, Status, Task
from scr.protocol.status import RunState
from scr.step_names import shown_step, shown_steps
from scr.store.archive.counts import Tally
from scr.store.archive.summaries import ListedAgent, ListedMessage, ListedRun, MessageInDoubt
from scr.store.records import DeadLetter
from scr.views.agents import span
from scr.views.columns import aligned, fits, moment
from scr.views.next_commands import command_line, is_programs, resumed

SHORT = 8
HEADS = ("RUN", "STATE", "AGE", "TOOK", "AGENTS", "OPEN", "DOUBT", "DEAD", "TITLE")
RARE, LESS = ("OPEN", "DOUBT", "DEAD"), (("AGENTS",), ("TOOK",), ("AGE",))
OVER = frozenset({RunState.DONE, RunState.FAILED, RunState.CANCELLED})
NEXT = {
    RunState.QUEUED: "`scr serve` takes it; `scr resume {run}` begins it here",
    RunState.RUNNING: "`scr ps --runtime {runtime}` looks at it; `scr cancel {run}` ends it",
    RunState.INTERRUPTED: "`scr resume {run}` goes on with it",
    RunState.STOPPED: "`scr resume {run}` goes on with it",
    RunState.DONE: "`scr resume {run}` shows its report again",
    RunState.FAILED: "`scr show {run} --events` tells what happened; `scr fork {run} --at SEQ` begins anew before that",
    RunState.CANCELLED: "`scr show {run} --events` tells when; `scr fork {run} --at SEQ` begins anew before that",
}
BEGUN_BY_PROGRAM = frozenset({RunState.QUEUED, RunState.INTERRUPTED, RunState.STOPPED, RunState.DONE})


@dataclass(frozen=True, slots=True)
class StoredRunRow:
    """One run, and how much there is in it."""

    run: ListedRun
    tally: Tally

    def took_s(self, now: float) -> float:
        """From its first event to its last, or until now."""
        is_under_way = self.run.state is RunState.RUNNING
        return max(0.0, (now if is_under_way else self.tally.last) - self.tally.first) if self.tally.first else 0.0

    @property
    def open(self) -> int:
        """How many of its messages are still to be handled; what agents sent each other ended with the run."""
        if self.run.state is RunState.CANCELLED:
            return 0
        return self.tally.from_outside if self.run.state in OVER else self.tally.open_messages


def run_table(rows: Sequence[StoredRunRow], now: float, width: int | None) -> list[str]:
    """One line for each run; where there is too little room, what is 0 in all of them is left out first."""
    table = dict(zip(HEADS, zip(*(_cells(row, now) for row in rows), strict=True), strict=True))
    empty = [head for head in RARE if set(table[head]) == {"0"}]
    for heads in (empty, *LESS):
        if fits(list(table), list(zip(*table.values(), strict=True)), width):
            break
        table = {head: cells for head, cells in table.items() if head not in heads}
    return aligned(list(table), list(zip(*table.values(), strict=True)), width)


def _cells(row: StoredRunRow, now: float) -> tuple[str, ...]:
    run, tally = row.run, row.tally
    counts = (tally.agents, row.open, tally.in_doubt, tally.dead_letters)
    return (run.run, run.state, span(now - run.created), span(row.took_s(now)), *map(str, counts), run.title)


def summary(row: StoredRunRow, now: float) -> Iterator[str]:
    """Everything about one run but what is in it."""
    run, tally = row.run, row.tally
    yield from _field("run", run.run)
    yield from _field("title", run.title)
    yield from _field("state", ": ".join(filter(None, (run.state, " ".join(run.reason.split())))))
    if run.parent_run:
        yield from _field("fork of", f"{run.parent_run} as it was after event {run.parent_seq}")
    yield from _field("came", f"{moment(run.created)}, {span(now - run.created)} ago")
    if tally.last:
        yield from _field("last event", f"{moment(tally.last)}, after {span(row.took_s(now))}")
    if run.runtime:
        yield from _field("runtime", f"{run.runtime}{'' if run.is_owned else ', which is gone'}; owners {run.epoch}")
    yield from _field("events", f"{run.seq}")
    yield from _field("agents", f"{tally.agents}, crashes {tally.crashes}, turns {tally.turns}")
    yield from _field(
        "messages",
        f"{tally.messages}, open {row.open}, in doubt {tally.in_doubt}, dead letters {tally.dead_letters}",
    )
    for n, step in enumerate(next_steps(row)):
        yield from _field("" if n else "next", step)


def _field(name: str, value: str) -> Iterator[str]:
    yield f"{name:<11} {value}"


def next_steps(row: StoredRunRow) -> Iterator[str]:
    """What can be done with the run, as it stands."""
    run, tally = row.run, row.tally
    if tally.in_doubt:
        yield f"`scr doubts {run.run}` lists what waits for a person"
    if tally.dead_letters and run.state is not RunState.DONE:
        yield f"`scr dead {run.run}` lists what could not be handled"
    if not tally.messages and run.state in {RunState.INTERRUPTED, RunState.STOPPED}:
        yield "nothing was accepted, so nothing is lost: start it again"
        return
    if is_programs(run) and run.state in BEGUN_BY_PROGRAM:
        yield resumed(run)
        return
    yield NEXT[run.state].format(run=run.run, runtime=run.runtime)


def as_object(row: StoredRunRow, now: float) -> dict[str, Any]:
    """The same for programs."""
    run, tally = row.run, row.tally
    return {
        "run_id": run.run,
        "title": run.title,
        "state": run.state,
        "reason": run.reason,
        "priority": run.priority,
        "created": run.created,
        "first_event": tally.first or None,
        "last_event": tally.last or None,
        "duration_s": round(row.took_s(now), 3),
        "runtime": run.runtime or None,
        "owned": run.is_owned,
        "owners": run.epoch,
        "parent": run.parent_run,
        "parent_seq": run.parent_seq,
        "events": run.seq,
        "agents": tally.agents,
        "turns": tally.turns,
        "crashes": tally.crashes,
        "messages": tally.messages,
        "open": row.open,
        "in_doubt": tally.in_doubt,
        "dead_letters": tally.dead_letters,
    }


def agent_table(agents: Sequence[ListedAgent], width: int | None) -> list[str]:
    """One line for each life of an agent."""
    rows = [(one.spec.id, one.supervisor, str(one.incarnation), life(one), code(one)) for one in agents]
    return aligned(("AGENT", "UNDER", "INC", "LIVED", "CODE"), rows, width)


def code(agent: ListedAgent) -> str:
    """What it runs."""
    return (agent.spec.code.reference or ":shipped code").rpartition(":")[2]


def life(agent: ListedAgent) -> str:
    """From which event to which it was there."""
    return f"from {agent.seq}" if agent.gone_seq is None else f"{agent.seq}-{agent.gone_seq}"


def agent_object(agent: ListedAgent) -> dict[str, Any]:
    """The same for programs, with its state."""
    return {
        "id": agent.spec.id,
        "supervisor": agent.supervisor,
        "incarnation": agent.incarnation,
        "code": code(agent),
        "seq": agent.seq,
        "gone_seq": agent.gone_seq,
        "state": agent.state,
    }


def message_table(messages: Sequence[ListedMessage], width: int | None) -> list[str]:
    """One line for each message."""
    rows = [
        (
            short(one.message.message_id),
            one.message.type,
            f"{one.message.sender} > {one.message.to}",
            stands(one),
            str(one.deaths),
            about(one.message),
        )
        for one in messages
    ]
    return aligned(("MESSAGE", "TYPE", "WAY", "STANDS", "DEATHS", "ABOUT"), rows, width)


def message_object(one: ListedMessage) -> dict[str, Any]:
    """The same for programs, whole."""
    return {
        "message": one.message.model_dump(mode="json"),
        "seq": one.seq,
        "end_seq": one.end_seq,
        "outcome": one.outcome,
        "deaths": one.deaths,
        "in_doubt": shown_step(one.parked) or None,
    }


def stands(one: ListedMessage) -> str:
    """What has become of a message, in a word or two."""
    match one:
        case ListedMessage(outcome=str(outcome)):
            return outcome
        case ListedMessage(seq=None):
            return "not due"
        case ListedMessage(parked=str(step)) if step:
            return "in doubt"
        case _:
            return "open"


def short(message_id: str) -> str:
    """As much of an id as tells it from the others, nearly always."""
    return message_id[:SHORT]


def about(message: Message) -> str:
    """What a message is about, for people."""
    match message:
        case Task(payload=payload):
            given = payload.input
            title = given.get("title", given.get("question")) if isinstance(given, dict) else None
            return f"{payload.kind}: {title}" if isinstance(title, str) else payload.kind
        case Status(payload=payload):
            return payload.state
        case Down(payload=payload):
            return f"{payload.agent}: {payload.reason}"
        case Failure(payload=payload):
            return f"{payload.reason}: {payload.detail}"
        case _:
            return ""


def letter_lines(run: str, letter: DeadLetter, place: tuple[str, ...] = ()) -> Iterator[str]:
    """A dead letter, and how it is delivered once more."""
    message = letter.message
    yield f"{message.message_id}  {message.type} from {message.sender} to {message.to}, {moment(letter.time)}"
    if matter := about(message):
        yield f"    {matter}"
    delivered = counted(letter.deliveries, "delivery", "deliveries")
    yield f"    {letter.reason} after {delivered}: {letter.detail}".rstrip(": ")
    yield f"    once more: {command_line('retry-dead', run, message.message_id, place=place)}"


def letter_object(run: str, letter: DeadLetter) -> dict[str, Any]:
    """The same for programs."""
    return {
        "run_id": run,
        "message": letter.message.model_dump(mode="json"),
        "reason": letter.reason,
        "detail": letter.detail,
        "deliveries": letter.deliveries,
        "time": letter.time,
    }


def doubt_lines(run: str, doubt: MessageInDoubt, place: tuple[str, ...] = ()) -> Iterator[str]:
    """A step in doubt, what had been done before it, and how it is resolved."""
    message, done = doubt.message, shown_steps(step for step in doubt.steps if step.state == "done")
    step = shown_step(doubt.step)
    yield f"{step}  step of {message.to}, in {message.type} {message.message_id} from {message.sender}"
    if matter := about(message):
        yield f"    {matter}"
    if doubt.detail:
        yield f"    {doubt.detail}"
    yield f"    it had begun, and nobody knows how it ended; done before it: {', '.join(done) or 'nothing'}"
    yield f"    it was done:  {command_line('resolve', run, message.message_id, '--done', 'JSON', place=place)}"
    yield f"    it was not:   {command_line('resolve', run, message.message_id, '--not-done', place=place)}"


def doubt_object(run: str, doubt: MessageInDoubt) -> dict[str, Any]:
    """The same for programs."""
    return {
        "run_id": run,
        "step": shown_step(doubt.step),
        "message": doubt.message.model_dump(mode="json"),
        "deliveries": doubt.deliveries,
        "detail": doubt.detail,
        "steps": shown_steps(step for step in doubt.steps if step.state == "done"),
    }
