"""What the runtime wants of a store, as a protocol.

Only the runtime that owns a run writes it.  Nothing that a turn caused leaves
the runtime before `commit` has called back: from then on it has happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from scr.charging import Charges
from scr.errors import ScrError
from scr.messages import Failure, Message
from scr.protocol.frames import Entry, StepRecord, Timer
from scr.protocol.status import StoreStatus
from scr.specs import AgentSpec
from scr.store.records import CommittedTurn, Counts, DeadLetter, Given, Image, KeptMessage, Known, OpenAsk
from scr.telemetry.crashes import CrashRecord
from scr.telemetry.events import Record

Then: TypeAlias = Callable[[], None]
Refused: TypeAlias = Callable[[ScrError], None]


class Store(Protocol):
    """One run in a store, owned by this process.  Called by the runtime, on its loop; no call blocks.

    Writes happen in the order in which they were made.  `then` is called on
    the loop when its write, and so every one before it, is kept; after the
    store is lost (`StoreStatus.state`) no `then` is called any more.  A write
    without `then` rides along with the next.  All writes are idempotent by the
    ids of what they write.

    What no database keeps raises InvalidMessage at the call.  What the database
    itself refuses is not kept, and `refused` is called on the loop in place of
    `then`; the writes before and after it are kept.

    A message to CLIENT is never open: it is the answer to the message that it
    replies to.
    """

    @property
    def image(self) -> Image:
        """What the run was when it was opened."""

    @property
    def entries_version(self) -> int:
        """The version of the newest entry, those of turns that are not kept yet included; 0 when there is none."""

    # What happens to messages.

    def accept(
        self,
        message: Message,
        then: Then | None = None,
        *,
        ask: OpenAsk | None = None,
        given: Given | None = None,
        refused: Refused | None = None,
    ) -> None:
        """Keep a message: from now on it will have exactly one outcome (I1).  With `ask`, somebody waits for it.

        `given`: its id is a client's key, under which it may be given again.  A `Down` uses up its monitor.
        """

    def commit(self, turn: CommittedTurn, then: Then) -> None:
        """Keep a whole turn: the ack, the state, the sends, monitors, timers, effects, entries, answers to asks.

        With it, the timers that it replaces end, and the failure is kept that its client gets in place of an answer.
        """

    def record(
        self, message_id: str, step: StepRecord, then: Then | None = None, refused: Refused | None = None
    ) -> None:
        """Keep what is known of a step until its message has its outcome; what is done replaces what had begun.

        One that had begun and is not done is forgotten.
        """

    def close_ask(self, message_id: str) -> None:
        """Nobody waits for the answer to this message any more; it came as an error, or too late."""

    def failed(self, message_id: str, deliveries: int, charges: Charges, due: float | None) -> None:
        """Keep what an open message was charged with, and when it is tried again (wall clock; None: at once)."""

    def bury(self, letter: DeadLetter, failure: Failure | None, then: Then | None = None) -> None:
        """Its message is a dead letter; `failure`, if any, is a message to its sender, accepted with it."""

    def exhume(
        self,
        message_id: str,
        then: Callable[[KeptMessage | None], None],
        *,
        instead: Message | None = None,
        refused: Refused | None = None,
    ) -> None:
        """A dead letter is an open message again, with its steps, at the end of its mailbox; None: there is none.

        `instead` is a client's message that takes its place under its id.
        """

    def park(self, message_id: str, step: str, why: str = "") -> None:
        """The message waits for a person: its step is in doubt, and why."""

    def resolve(self, message_id: str, step: StepRecord | None, name: str, then: Then) -> None:
        """The step in doubt was done, with this result, or (None) was not; the message is not parked any more."""

    def cancel(self, message_id: str, then: Then) -> None:
        """The message has its outcome: cancelled."""

    def fire(self, timer_id: str, then: Then, *, following: Timer | None = None) -> None:
        """A timer is due: its message is accepted, and the timer is no more; `following` is set with that."""

    def set_timers(self, timers: Sequence[Timer], ended: Sequence[str], then: Then | None = None) -> None:
        """Keep timers that no turn has set, and end those of these ids."""

    # What happens to agents.

    def admit(self, spec: AgentSpec, supervisor: str, incarnation: int) -> None:
        """This incarnation of the agent is being started."""

    def keep_down(self, agent: str, why: str) -> None:
        """The agent is parked, and why: a later runtime does not start it by itself.  `admit` takes that back."""

    def gone(self, agent: str) -> None:
        """The agent ended for good: its state and its monitors go; a later one of its name starts afresh."""

    def carried(self, effect_id: str, failure: Failure | None = None) -> None:
        """The effect is done, or refused: then its agent gets `failure`, which is accepted with it."""

    # What is kept for people.

    def append(self, record: Record) -> None:
        """Keep an event.  Every other write is dated by the seq of the last event before it."""

    def crash(self, record: CrashRecord) -> None:
        """Keep the record of a death; when there are too many, the oldest goes."""

    # Reading; `then` gets what all writes before it have made.

    def sync(self, then: Then) -> None:
        """Call back when all writes before this are kept."""

    def find(self, message_id: str, then: Callable[[Known], None], refused: Refused | None = None) -> None:
        """What is known of a client's message."""

    def entries(self, after: int, limit: int, then: Callable[[Sequence[Entry]], None]) -> None:
        """What agents remember, the newest of each key, in order of version from above `after`."""

    def crashes(self, agent: str | None, last: int, then: Callable[[Sequence[CrashRecord]], None]) -> None:
        """The last crash records, of one agent or of all, oldest first."""

    def counts(self) -> Counts:
        """How many there are of everything, writes that are not kept yet included."""

    def status(self) -> StoreStatus:
        """How the store is doing."""

    def unrenewed_s(self) -> float:
        """For how long the lease was not renewed while another machine may have reached the store; 0 where none can."""

    def held_up(self, within_s: float) -> bool:
        """Whether anybody waits for it, or has waited in the last `within_s`, for longer than one that is well takes.

        Then a wait of that long, for whatever needs the store, says nothing of who is waited for.  One that goes on
        so for longer than any trouble lasts is slow, and holds nobody up.
        """

    def close(self, *, release: bool = True) -> None:
        """Keep what is pending, give the run up unless `release` is false, close.  Blocks, for a bounded time."""
