"""Where events go: one ordered, bounded log in the runtime, and whoever listens to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from scr.telemetry.events import Event, Record


class Clock(Protocol):
    """Both clocks in one call: monotonic seconds for intervals, wall-clock seconds for display."""

    def __call__(self) -> tuple[float, float]:
        """Read both."""


class EventLog:
    """The runtime's one order of events, which goes on from `seq`.

    `keep` is given each, before all others; the last `kept` are held here; listeners are told, in this process.

    A listener must not raise and must not block: it is called from the loop that watches exits.
    """

    def __init__(self, clock: Clock, kept: int, keep: Callable[[Record], None], seq: int = 0) -> None:
        self._clock, self._keep = clock, keep
        self._records: deque[Record] = deque(maxlen=kept)
        self._listeners: list[Callable[[Record], None]] = []
        self._seq = seq

    def emit(self, event: Event, cause: int = 0) -> int:
        """Put an event in its place, keep it and tell every listener; returns its seq."""
        self._seq += 1
        at, time = self._clock()
        record = Record(self._seq, at, time, event, cause)
        self._keep(record)
        self._records.append(record)
        if self._listeners:
            for listener in tuple(self._listeners):
                listener(record)
        return self._seq

    def listen(self, listener: Callable[[Record], None], *, since: int = 0) -> Callable[[], None]:
        """Hear what is kept from above `since`, then everything; returns how to stop listening."""
        for record in tuple(self._records):
            if record.seq > since:
                listener(record)
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
