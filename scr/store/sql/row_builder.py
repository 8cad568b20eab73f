"""What each verb of the protocol writes: the rows of one run, in order.

Pure: a value that counts.  It knows what is open, so that whoever writes need
not read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from scr.charging import Charges
from scr.errors import InvalidMessage
from scr.messages import CLIENT, Down, Failure, Message
from scr.protocol.frames import Entry, StepRecord, Timer
from scr.protocol.status import RunState
from scr.specs import AgentSpec
from scr.store.records import ENDS, CommittedTurn, Counts, DeadLetter, KeptMessage, OpenAsk, effects_of, kind_of
from scr.store.sql import statements
from scr.store.sql.rows import (
    caused_by,
    json_of,
    message_columns,
    message_of,
    named,
    printable,
    seal,
    shown_text,
    step_of,
    step_sealed,
    text_of,
)
from scr.store.sql.session import Row, Session
from scr.telemetry.crashes import CrashRecord


@dataclass(slots=True)
class Scribe:
    """The counters of run `run`, and what is open.  `n` is the number of the last write, `seq` of the last event.

    The answer to message `first_id` is the end of the run.

    What is written is dated by `seq`: whoever keeps an event sets it.  `open` has
    the number of each open message, `timers` the recipient of each timer's.
    """

    run: int
    first_id: str = ""
    seq: int = 0
    n: int = 0
    version: int = 0
    open: dict[str, int] = field(default_factory=dict)
    parked: set[str] = field(default_factory=set)
    timers: dict[str, str] = field(default_factory=dict)
    letters: int = 0
    crashes: deque[int] = field(default_factory=lambda: deque(maxlen=200))

    def counts(self) -> Counts:
        """How many there are."""
        return Counts(len(self.open), len(self.parked), self.letters, len(self.crashes))

    # What happens to messages.

    def accept(self, message: Message, ask: OpenAsk | None = None) -> list[Row]:
        """The message; who waits for its answer; the end of the monitor of a `Down`."""
        asked = ask and (ask.agent, ask.asked_in, named(ask.step), float(ask.until))
        crc = seal(ask.message_id, *asked) if ask and asked else 0
        rows = self._message(message)
        if ask and asked:
            rows.append((statements.ASK, (self.run, ask.message_id, self._next(), *asked, crc, self.seq)))
        if isinstance(message, Down):
            rows.append((statements.DEMONITOR, (self.seq, self.run, message.to, message.payload.agent)))
        return rows

    def commit(self, turn: CommittedTurn) -> list[Row]:
        """The whole turn.  When it raises InvalidMessage, nothing of it has happened."""
        frame, before = turn.frame, (self.n, self.version)
        ids = (frame.message_id, *(message.message_id for message in frame.sends))
        timer_ids = (*frame.cancels, *turn.ended, *(timer.message.message_id for timer in frame.timers))
        opened = {message_id: self.open.get(message_id) for message_id in ids}
        timers = {timer_id: self.timers.get(timer_id) for timer_id in timer_ids}
        try:
            return self._turn(turn)
        except InvalidMessage:
            self.n, self.version = before
            _put_back(self.open, opened)
            _put_back(self.timers, timers)
            raise

    def _turn(self, turn: CommittedTurn) -> list[Row]:
        frame, answers = turn.frame, {answer.message_id for answer in turn.answers}
        n, caused = self._next(), caused_by(turn, self.version + 1)
        rows = self._end(frame.message_id, "turn")
        for message in frame.sends:
            rows += self._message(message, is_answer=message.message_id in answers)
        for answer in turn.answers:
            rows.append((statements.ASK_CLOSED, (self.seq, self.run, answer.ask_id)))
            rows.append(self._known(answer.asked_in, answer.step))  # also where that is a dead letter by now
        if turn.failure:
            rows += self._message(turn.failure)
        if caused:
            rows += self._caused_rows(turn)
        rows += self._ended(turn.ended)
        columns = (
            *(frame.message_id, turn.agent, turn.incarnation),
            None if frame.state is None else text_of(frame.state),
            " ".join(message.message_id for message in frame.sends) or None,
            text_of(caused) if caused else None,
        )
        rows.append((statements.TURN, (self.run, n, self.seq, *columns, seal(*columns))))
        return rows

    def record(self, message_id: str, step: StepRecord) -> list[Row]:
        """A step of an open message."""
        if message_id not in self.open:
            return []
        if step.state == "not done":
            return [self._undone(message_id, step.name)]
        return [self._known(message_id, step)]

    def _known(self, message_id: str, step: StepRecord) -> Row:
        statement = statements.STEP_DONE if step.state == "done" else statements.STEP_BEGUN
        columns = (step.state, text_of(step.value))
        crc = seal(*step_sealed(message_id, named(step.name), *columns, step.digest))
        return statement, (self.run, message_id, step.name, self._next(), *columns, step.digest, crc, self.seq)

    def close_ask(self, message_id: str) -> list[Row]:
        """Nobody waits any more."""
        return [(statements.ASK_CLOSED, (self.seq, self.run, message_id))]

    def failed(self, message_id: str, deliveries: int, charges: Charges, due: float | None) -> list[Row]:
        """What an open message has been through, and when it is tried again."""
        n = self.open.get(message_id)
        columns = (deliveries, charges.attempts, charges.deaths, charges.outage_since, due)
        return [] if n is None else [(statements.FAILED, (*columns, self.run, n))]

    def bury(self, letter: DeadLetter, failure: Failure | None) -> list[Row]:
        """An open message is a dead letter."""
        message_id = letter.message.message_id
        if message_id not in self.open:
            return []
        rows = self._end(message_id, "dead")
        columns = (printable(letter.reason), printable(letter.detail), letter.deliveries, float(letter.time))
        crc = seal(message_id, *columns)
        error = shown_text(letter.error) if letter.error else None
        rows.append((statements.LETTER, (self.run, self._next(), message_id, *columns, crc, error, self.seq)))
        self.letters += 1
        return rows + (self.accept(failure) if failure else [])

    def exhume(
        self, message_id: str, state: RunState = RunState.RUNNING, instead: Message | None = None
    ) -> tuple[int, Callable[[Session], KeptMessage | None]]:
        """What finds a dead letter and opens it again, in the transaction, and its new number: then call `exhumed`.

        A run that had failed with it is in this state then.  `instead` takes its place under its id.
        """
        n, seq, run, is_first = self._next(), self.seq, self.run, message_id == self.first_id
        other: list[Row] = []
        if instead:
            other = [(statements.READDRESSED, (*message_columns(instead)[1:], run, message_id))]

        def look(session: Session) -> KeptMessage | None:
            found = session.rows(statements.LETTER_OF, run=run, message_id=message_id)
            if not found:
                return None
            *columns, deliveries = found[0]
            session.change(statements.LETTER_ENDED, seq=seq, run=run, message_id=message_id)
            session.change(statements.REOPENED, n=n, deliveries=deliveries, run=run, message_id=message_id)
            session.write(other)
            if is_first:
                session.change(statements.NOT_OVER, state=str(state), id=run)
            steps = map(step_of, session.rows(statements.STEPS_OF, run=run, message_id=message_id))
            return KeptMessage(instead or message_of(columns), deliveries, steps=tuple(step for step in steps if step))

        return n, look

    def exhumed(self, message_id: str, n: int) -> None:
        """The letter was found."""
        self.open[message_id] = n
        self.letters -= 1

    def park(self, message_id: str, step: str, why: str = "") -> list[Row]:
        """An open message waits for a person."""
        n = self.open.get(message_id)
        if n is None:
            return []
        seal(step)
        self.parked.add(message_id)
        return [(statements.PARKED, (step, self.run, n)), (statements.DOUBTED, (printable(why), self.run, n))]

    def resolve(self, message_id: str, step: StepRecord | None, name: str) -> list[Row]:
        """A person has said how the step of an open message ended."""
        n = self.open.get(message_id)
        if n is None:
            return []
        self.parked.discard(message_id)
        said = self.record(message_id, step) if step else [self._undone(message_id, name)]
        return [*said, (statements.PARKED, ("", self.run, n))]

    def _undone(self, message_id: str, name: str) -> Row:
        crc = seal(message_id, name, "not done", "null")
        return statements.STEP_NOT_DONE, (crc, self.run, message_id, name)

    def cancel(self, message_id: str) -> list[Row]:
        """The message has its outcome."""
        return self._end(message_id, "cancelled")

    def set_timers(self, timers: Iterable[Timer], ended: Iterable[str]) -> list[Row]:
        """Write timers that no turn has set, and the ends of others."""
        rows = [row for timer in timers for row in self._timer(timer)]
        return [*rows, *self._ended(ended)]

    def fire(self, timer_id: str, following: Timer | None = None) -> list[Row]:
        """The timer's message is accepted, once, and the one that follows it set."""
        recipient = self.timers.pop(timer_id, None)
        if recipient is None:
            return []
        n, is_answer = self._next(), recipient == CLIENT
        if not is_answer:
            self.open[timer_id] = n
        ended = (self.seq, "answer") if is_answer else (None, None)
        return [
            (statements.FIRED, (n, self.seq, *ended, self.run, timer_id)),
            (statements.TIMER_ENDED, (self.seq, self.run, timer_id)),
            *(self._timer(following) if following else ()),
        ]

    # What happens to agents.

    def admit(self, spec: AgentSpec, supervisor: str, incarnation: int) -> list[Row]:
        """This incarnation is being started."""
        columns = (spec.id, supervisor, incarnation, json_of(spec))
        return [(statements.AGENT, (self.run, self._next(), self.seq, *columns, seal(*columns)))]

    def keep_down(self, agent: str, why: str) -> list[Row]:
        """The agent is parked until an incarnation of it is admitted."""
        return [(statements.AGENT_PARKED, (printable(why), self.run, agent))]

    def gone(self, agent: str) -> list[Row]:
        """The agent is no more, nor is what it monitored."""
        return [
            (statements.AGENT_GONE, (self.seq, self.run, agent)),
            (statements.WATCHER_GONE, (self.seq, self.run, agent)),
        ]

    def carried(self, effect_id: str, failure: Failure | None) -> list[Row]:
        """The effect is done."""
        ended: Row = (statements.EFFECT_ENDED, (self.seq, self.run, effect_id))
        return [ended, *(self.accept(failure) if failure else [])]

    # What is kept for people.

    def crash(self, record: CrashRecord) -> list[Row]:
        """The record, and the end of the oldest when there are too many."""
        forgotten = self.crashes[0] if len(self.crashes) == self.crashes.maxlen else None
        self.crashes.append(self._next())
        columns = (record.agent, shown_text(record))
        rows: list[Row] = [(statements.CRASH, (self.run, self.n, self.seq, *columns, seal(*columns)))]
        if forgotten is not None:
            rows.append((statements.CRASH_FORGOTTEN, (self.run, forgotten)))
        return rows

    # How.

    def _next(self) -> int:
        self.n += 1
        return self.n

    def _message(self, message: Message, *, is_answer: bool = False) -> list[Row]:
        columns, n = message_columns(message), self._next()
        if is_answer or message.to == CLIENT:
            answer: Row = (statements.MESSAGE, (self.run, n, *columns, self.seq, self.seq, "answer"))
            return [answer, *self._over(message)]
        self.open.setdefault(message.message_id, n)
        return [(statements.MESSAGE, (self.run, n, *columns, self.seq, None, None))]

    def _over(self, message: Message) -> list[Row]:
        """How the run ended, if this is the answer to the message that began it."""
        if message.to != CLIENT or not self.first_id or message.in_reply_to != self.first_id:
            return []
        return [(statements.OVER, (str(ENDS[kind_of(message)]), self.run))]

    def _end(self, message_id: str, outcome: str) -> list[Row]:
        n = self.open.pop(message_id, None)
        self.parked.discard(message_id)
        return [] if n is None else [(statements.END, (self.seq, outcome, self.run, n))]

    def _caused_rows(self, turn: CommittedTurn) -> Iterator[Row]:
        frame, agent = turn.frame, turn.agent
        for target in frame.demonitors:
            yield statements.DEMONITOR, (self.seq, self.run, agent, target)
        for target in frame.monitors:
            yield statements.MONITOR, (self.run, self._next(), agent, target, self.seq)
        for effect in effects_of(agent, frame):
            start = json_of(effect.start) if effect.start else None
            columns = (effect.effect_id, effect.agent, effect.message_id, start, effect.stop)
            yield statements.EFFECT, (self.run, columns[0], self._next(), *columns[1:], seal(*columns), self.seq)
        for entry in frame.entries:
            yield self._entry(entry)
        for timer in frame.timers:
            yield from self._timer(timer)
        yield from self._ended(frame.cancels)

    def _ended(self, timer_ids: Iterable[str]) -> Iterator[Row]:
        for timer_id in timer_ids:
            if self.timers.pop(timer_id, None):
                yield statements.TIMER_ENDED, (self.seq, self.run, timer_id)

    def _timer(self, timer: Timer) -> Iterator[Row]:
        """Its message is there from now on, and accepted when the timer fires."""
        timer_id, n = timer.message.message_id, self._next()
        self.timers[timer_id] = timer.message.to
        columns = (timer.due, timer.after_s)
        yield statements.MESSAGE, (self.run, n, *message_columns(timer.message), None, None, None)
        yield statements.TIMER, (self.run, timer_id, n, *columns, seal(timer_id, *columns), self.seq)

    def _entry(self, entry: Entry) -> Row:
        self.version += 1
        columns = (named(entry.key), text_of(entry.value))
        crc = seal(self.version, *columns)
        return statements.ENTRY, (self.run, self.version, self.seq, *columns, crc)


def _put_back(kept: dict[str, Any], before: dict[str, Any]) -> None:
    for name, value in before.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = value
