"""What a runtime begins from, read from a database: only what is live is looked at, however much has happened."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from scr.errors import StoreDamaged
from scr.protocol.frames import StepRecord, Timer
from scr.store.records import Image, KeptAgent, KeptMessage
from scr.store.sql import statements
from scr.store.sql.row_builder import Scribe
from scr.store.sql.rows import ask_of, check_turn, effect_of, message_of, spec_of, step_of, unseal, value_of
from scr.store.sql.session import Session


@dataclass(frozen=True, slots=True)
class Counters:
    """What the row of the run says of its writes, of the message that began it, and whether a runtime ever had it."""

    epoch: int
    seq: int
    n: int
    first_id: str = ""
    is_fresh: bool = False


def read(session: Session, run: int, counters: Counters, *, crashes: int) -> tuple[Image, Scribe]:
    """The image of the run, and who writes on from there, keeping `crashes` crash records.

    Raises StoreDamaged for what is not what was written.
    """
    _check_counters(session, run, counters)
    found = session.rows(statements.OPEN_MESSAGES, run=run)
    steps = _steps(session, run)
    mail = tuple(_kept_message(columns, steps) for columns in found)
    timers = tuple(_timer(columns) for columns in session.rows(statements.TIMERS, run=run))
    image = Image(
        epoch=counters.epoch,
        seq=counters.seq,
        agents=tuple(_agent(session, run, columns) for columns in session.rows(statements.AGENTS, run=run)),
        mail=mail,
        monitors=tuple((watcher, target) for watcher, target in session.rows(statements.MONITORS, run=run)),
        asks=tuple(ask_of(columns) for columns in session.rows(statements.ASKS, run=run)),
        timers=timers,
        effects=tuple(effect_of(columns) for columns in session.rows(statements.EFFECTS, run=run)),
        entries_version=session.rows(statements.VERSION, run=run)[0][0],
        past=dict(session.rows(statements.PAST_AGENTS, run=run)),
        is_fresh=counters.is_fresh,
    )
    numbers = [n for (n,) in session.rows(statements.CRASH_NUMBERS, run=run)]
    scribe = Scribe(
        run,
        counters.first_id,
        seq=counters.seq,
        n=counters.n,
        version=image.entries_version,
        open={columns[0]: columns[10] for columns in found},
        parked={kept.message.message_id for kept in mail if kept.parked},
        timers={timer.message.message_id: timer.message.to for timer in timers},
        letters=session.rows(statements.LETTER_COUNT, run=run)[0][0],
        crashes=deque(numbers, maxlen=crashes),
    )
    return image, scribe


def _check_counters(session: Session, run: int, counters: Counters) -> None:
    """Numbers that were given once must not be given again."""
    last = session.rows(statements.LAST_EVENT, run=run)[0][0]
    if last != counters.seq:
        raise StoreDamaged(
            f"the run says that it has {counters.seq} events, and the last one is {last};"
            " `scr doctor` says what can be saved"
        )
    for statement in (statements.LAST_MESSAGE, statements.LAST_TURN):
        last = session.rows(statement, run=run)[0][0]
        if last > counters.n:
            raise StoreDamaged(
                f"the run says that it has made {counters.n} writes, and one has the number {last};"
                " `scr doctor` says what can be saved"
            )


def _steps(session: Session, run: int) -> dict[str, list[StepRecord]]:
    """The steps of all open messages, in one query however many these are, by the id of the message."""
    steps: dict[str, list[StepRecord]] = {}
    for columns in session.rows(statements.OPEN_STEPS, run=run):
        if step := step_of(columns):
            steps.setdefault(columns[0], []).append(step)
    return steps


def _kept_message(columns: Any, steps: dict[str, list[StepRecord]]) -> KeptMessage:
    message = message_of(columns[:10])
    _, deliveries, attempts, deaths, outage_since, due, parked, doubt = columns[10:]
    return KeptMessage(
        message,
        deliveries,
        attempts,
        deaths,
        outage_since,
        due,
        steps=tuple(steps.get(message.message_id, ())),
        parked=parked,
        doubt=doubt if parked else "",
    )


def _timer(columns: Any) -> Timer:
    message, (due, after_s, crc) = message_of(columns[:10]), columns[10:]
    unseal(f"timer {message.message_id!r}", crc, (message.message_id, due, after_s))
    return Timer(message=message, due=due, after_s=after_s)


def _agent(session: Session, run: int, columns: Any) -> KeptAgent:
    since, agent, supervisor, incarnation = columns[:4]
    spec, parked = spec_of(columns[1:6]), columns[6]
    return KeptAgent(spec, supervisor, incarnation, _state(session, run, agent, since), parked)


def _state(session: Session, run: int, agent: str, since: int) -> JsonValue:
    found = session.rows(statements.LAST_STATE, run=run, agent=agent, since=since)
    if not found:
        return None
    check_turn(found[0])
    return value_of(found[0][5])
