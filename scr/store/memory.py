"""The store in the runtime's own memory: as durable as the runtime's process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

from pydantic import JsonValue

from scr.frames import Commit, Entry, StepRecord
from scr.messages import Message
from scr.store.store import DeadLetter
from scr.telemetry.crashes import CrashRecord


class MemoryStore:
    """A `Store` without a disk.  Keeps the last `dead_letters` dead letters and the last `crashes` crash records."""

    def __init__(self, dead_letters: int = 1000, crashes: int = 200) -> None:
        self._open: dict[str, Message] = {}
        self._states: dict[str, JsonValue] = {}
        self._steps: dict[str, dict[str, StepRecord]] = {}
        self._entries: dict[str, Entry] = {}
        self._version = 0
        self._dead: deque[DeadLetter] = deque(maxlen=dead_letters)
        self._crashes: deque[CrashRecord] = deque(maxlen=crashes)

    def accept(self, message: Message) -> None:
        """Keep a message from outside."""
        self._open[message.message_id] = message

    def commit(self, agent: str, turn: Commit, then: Callable[[], None]) -> None:
        """Keep a turn and call back at once."""
        self._settle(turn.message_id)
        if turn.state is not None:
            self._states[agent] = turn.state
        for message in turn.sends:
            self._open[message.message_id] = message
        for entry in turn.entries:
            self._remember(entry)
        then()

    def record(self, message_id: str, step: StepRecord) -> None:
        """Keep a step's result."""
        self._steps.setdefault(message_id, {})[step.name] = step

    def outcome(self, message_id: str) -> None:
        """The message was answered."""
        self._settle(message_id)

    def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter."""
        self._settle(letter.message.message_id)
        self._dead.append(letter)

    def state(self, agent: str) -> JsonValue:
        """The last committed state, or None."""
        return self._states.get(agent)

    def forget(self, agent: str) -> None:
        """Drop the state of an agent that is gone."""
        self._states.pop(agent, None)

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        """A page of entries: the dict is in order of version, for a key that is remembered again moves to its end."""
        return list(islice((entry for entry in self._entries.values() if entry.version > after), limit))

    def entries_version(self) -> int:
        """The version of the newest entry."""
        return self._version

    def dead(self) -> Sequence[DeadLetter]:
        """The dead letters."""
        return tuple(self._dead)

    def crash(self, record: CrashRecord) -> None:
        """Keep the record of a death."""
        self._crashes.append(record)

    def crashes(self, agent: str | None = None) -> Sequence[CrashRecord]:
        """The crash records, of one agent or of all."""
        return tuple(record for record in self._crashes if agent in {None, record.agent})

    def open_messages(self) -> int:
        """Accepted and without an outcome."""
        return len(self._open)

    def _settle(self, message_id: str) -> None:
        self._open.pop(message_id, None)
        self._steps.pop(message_id, None)

    def _remember(self, entry: Entry) -> None:
        self._version += 1
        self._entries.pop(entry.key, None)
        self._entries[entry.key] = entry.model_copy(update={"version": self._version})
