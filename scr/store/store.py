"""What a store keeps, as a protocol: accepted messages, committed turns, steps, entries, dead letters, crashes.

The runtime is the only one who writes.  Nothing that a turn caused leaves the
runtime before `commit` has called back: from then on it has happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

from scr.frames import Commit, Entry, StepRecord
from scr.messages import Message
from scr.telemetry.crashes import CrashRecord


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that will not be handled, and why."""

    message: Message
    reason: str
    detail: str
    deliveries: int


class Store(Protocol):
    """Called by the runtime, on its loop; no call blocks."""

    def accept(self, message: Message) -> None:
        """Keep a message from outside: from now on it will have exactly one outcome (I1)."""

    def commit(self, agent: str, turn: Commit, then: Callable[[], None]) -> None:
        """Keep a whole turn: the ack, the state, the sends, the entries.  Calls `then` when it is kept."""

    def record(self, message_id: str, step: StepRecord) -> None:
        """Keep the result of a step until the turn of its message is committed or the message is buried."""

    def outcome(self, message_id: str) -> None:
        """An accepted message has had its outcome without a turn: somebody waited for it and was told."""

    def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter; its message has had its outcome."""

    def state(self, agent: str) -> JsonValue:
        """The last committed state, or None."""

    def forget(self, agent: str) -> None:
        """The agent is gone for good: a later one of its name starts afresh."""

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        """What agents remember, one entry a key, in order of version from above `after`."""

    def entries_version(self) -> int:
        """The version of the newest entry; 0 when there is none."""

    def dead(self) -> Sequence[DeadLetter]:
        """The dead letters that are kept, oldest first."""

    def crash(self, record: CrashRecord) -> None:
        """Keep the record of a death; when there are too many, the oldest goes."""

    def crashes(self, agent: str | None = None) -> Sequence[CrashRecord]:
        """The crash records that are kept, of one agent or of all, oldest first."""

    def open_messages(self) -> int:
        """How many accepted messages have had no outcome yet."""
