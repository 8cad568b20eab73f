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
    """The runtime's one order of events.  Keeps the last `kept`; tells listeners of each, in the runtime's process.

    A listener must not raise and must not block: it is called from the loop that watches exits.
    """

    def __init__(self, clock: Clock, kept: int) -> None:
        self._clock = clock
        self._records: deque[Record] = deque(maxlen=kept)
        self._listeners: list[Callable[[Record], None]] = []
        self._seq = 0

    def emit(self, event: Event) -> None:
        """Put an event in its place and tell every listener."""
        self._seq += 1
        at, time = self._clock()
        record = Record(seq=self._seq, at=at, time=time, event=event)
        self._records.append(record)
        for listener in tuple(self._listeners):
            listener(record)

    def listen(self, listener: Callable[[Record], None], *, since: int = 0) -> Callable[[], None]:
        """Hear what is kept from above `since`, then everything; returns how to stop listening."""
        for record in tuple(self._records):
            if record.seq > since:
                listener(record)
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
