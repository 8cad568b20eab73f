"""A run in a database, whichever it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from scr.charging import Charges
from scr.config import Limits
from scr.errors import ScrError
from scr.messages import Failure, Message
from scr.protocol.frames import Entry, StepRecord, Timer
from scr.protocol.status import StoreStatus
from scr.specs import AgentSpec
from scr.store.records import CommittedTurn, Counts, DeadLetter, Given, Image, KeptMessage, Known, OpenAsk
from scr.store.sql import queries
from scr.store.sql.group import Work
from scr.store.sql.row_builder import Scribe
from scr.store.sql.rows import seal
from scr.store.sql.session import Row, Session
from scr.store.sql.statements import RELEASE
from scr.store.sql.writer import Writer
from scr.store.store import Refused, Then
from scr.telemetry.crashes import CrashRecord
from scr.telemetry.events import Record


class SqlStore:
    """A `Store`: every verb is turned into rows here, and the writer's thread keeps them.

    A message, an id or a name that no database keeps raises InvalidMessage, and nothing is written.
    """

    def __init__(self, scribe: Scribe, writer: Writer, image: Image, *, epoch: int, limits: Limits) -> None:
        self._scribe, self._writer, self._image = scribe, writer, image
        self._epoch, self._limits = epoch, limits

    @property
    def image(self) -> Image:
        """What the run was when it was opened."""
        return self._image

    @property
    def entries_version(self) -> int:
        """The version of the newest entry."""
        return self._scribe.version

    # What happens to messages.

    def accept(
        self,
        message: Message,
        then: Then | None = None,
        *,
        ask: OpenAsk | None = None,
        given: Given | None = None,  # noqa: ARG002  the message itself is kept, and tells
        refused: Refused | None = None,
    ) -> None:
        """Keep a message."""
        is_known = message.message_id in self._scribe.open

        def turned_away(error: ScrError) -> None:
            if not is_known:  # it may come again, as another
                self._scribe.open.pop(message.message_id, None)
            if refused:
                refused(error)

        self._put(self._scribe.accept(message, ask), then, refused=turned_away if refused else None)

    def commit(self, turn: CommittedTurn, then: Then) -> None:
        """Keep a turn."""
        self._put(self._scribe.commit(turn), then)

    def record(
        self, message_id: str, step: StepRecord, then: Then | None = None, refused: Refused | None = None
    ) -> None:
        """Keep a step."""
        self._put(self._scribe.record(message_id, step), then, refused=refused)

    def close_ask(self, message_id: str) -> None:
        """Nobody waits any more."""
        self._put(self._scribe.close_ask(message_id))

    def failed(self, message_id: str, deliveries: int, charges: Charges, due: float | None) -> None:
        """Keep what the message has been through, and when it is tried again."""
        self._put(self._scribe.failed(message_id, deliveries, charges, due))

    def bury(self, letter: DeadLetter, failure: Failure | None, then: Then | None = None) -> None:
        """Keep a dead letter."""
        self._put(self._scribe.bury(letter, failure), then)

    def exhume(
        self,
        message_id: str,
        then: Callable[[KeptMessage | None], None],
        *,
        instead: Message | None = None,
        refused: Refused | None = None,
    ) -> None:
        """Open a dead letter again."""
        n, look = self._scribe.exhume(message_id, instead=instead)

        def found(kept: KeptMessage | None) -> None:
            if kept is not None:
                self._scribe.exhumed(message_id, n)
            then(kept)

        self._put((), found, look, refused)

    def park(self, message_id: str, step: str, why: str = "") -> None:
        """The message waits for a person."""
        self._put(self._scribe.park(message_id, step, why))

    def resolve(self, message_id: str, step: StepRecord | None, name: str, then: Then) -> None:
        """A person has said how the step ended."""
        self._put(self._scribe.resolve(message_id, step, name), then)

    def cancel(self, message_id: str, then: Then) -> None:
        """The message has its outcome."""
        self._put(self._scribe.cancel(message_id), then)

    def fire(self, timer_id: str, then: Then, *, following: Timer | None = None) -> None:
        """Accept the timer's message."""
        self._put(self._scribe.fire(timer_id, following), then)

    def set_timers(self, timers: Sequence[Timer], ended: Sequence[str], then: Then | None = None) -> None:
        """Keep timers, end others."""
        self._put(self._scribe.set_timers(timers, ended), then)

    # What happens to agents.

    def admit(self, spec: AgentSpec, supervisor: str, incarnation: int) -> None:
        """The agent exists."""
        self._put(self._scribe.admit(spec, supervisor, incarnation))

    def keep_down(self, agent: str, why: str) -> None:
        """The agent is parked."""
        self._put(self._scribe.keep_down(agent, why))

    def gone(self, agent: str) -> None:
        """The agent is no more."""
        self._put(self._scribe.gone(agent))

    def carried(self, effect_id: str, failure: Failure | None = None) -> None:
        """The effect is done."""
        self._put(self._scribe.carried(effect_id, failure))

    # What is kept for people.

    def append(self, record: Record) -> None:
        """Keep an event."""
        self._scribe.seq = record.seq
        self._writer.note(record)

    def crash(self, record: CrashRecord) -> None:
        """Keep the record of a death."""
        self._put(self._scribe.crash(record))

    # Reading.

    def sync(self, then: Then) -> None:
        """A write of nothing."""
        self._put((), then)

    def find(self, message_id: str, then: Callable[[Known], None], refused: Refused | None = None) -> None:
        """What is known of a client's message."""
        seal(message_id)
        self._put((), then, lambda session: queries.known(session, self._scribe.run, message_id), refused)

    def entries(self, after: int, limit: int, then: Callable[[Sequence[Entry]], None]) -> None:
        """A page of entries."""
        self._put((), then, lambda session: queries.entries(session, self._scribe.run, after, limit))

    def crashes(self, agent: str | None, last: int, then: Callable[[Sequence[CrashRecord]], None]) -> None:
        """The last crash records."""
        self._put((), then, lambda session: queries.crashes(session, self._scribe.run, agent, last))

    def counts(self) -> Counts:
        """How many there are."""
        return self._scribe.counts()

    def status(self) -> StoreStatus:
        """How the store is doing."""
        return self._writer.status()

    def unrenewed_s(self) -> float:
        """For how long another machine may have the run."""
        return self._writer.unrenewed_s()

    def held_up(self, within_s: float) -> bool:
        """Whether it keeps, or has kept, anybody waiting."""
        return self._writer.held_up(within_s)

    def close(self, *, release: bool = True) -> None:
        """Keep what is pending, close."""
        if release:
            self._put([(RELEASE, ("stopped", self._scribe.run, self._epoch))])
        self._writer.stop(self._limits.stop_s)

    def _put(
        self,
        rows: Sequence[Row],
        then: Callable[..., None] | None = None,
        look: Callable[[Session], Any] | None = None,
        refused: Refused | None = None,
    ) -> None:
        if rows or then is not None:
            self._writer.put(Work(rows, self._scribe.n, time.monotonic(), look, then, refused))
