"""What agents print, as events: so many lines a second of each, the rest counted and left out.

Lives in the runtime.
"""

from __future__ import annotations

from scr.telemetry.events import LinesDropped, Printed
from scr.telemetry.sinks import EventLog


class Output:
    """Counts lines by agent and second; `now_s` is monotonic."""

    def __init__(self, events: EventLog, lines_per_s: int) -> None:
        self._events, self._lines_per_s = events, lines_per_s
        self._printed: dict[str, tuple[int, int]] = {}

    def printed(self, agent: str, stream: str, line: str, now_s: float) -> None:
        """A line came out."""
        second = int(now_s)
        at, count = self._printed.get(agent, (second, 0))
        if at != second:
            self._dropped(agent, count)
            count = 0
        self._printed[agent] = (second, count + 1)
        if count < self._lines_per_s:
            self._events.emit(Printed(agent=agent, stream=stream, text=line))

    def ended(self, agent: str) -> None:
        """Nothing more comes from this process."""
        self._dropped(agent, self._printed.pop(agent, (0, 0))[1])

    def _dropped(self, agent: str, count: int) -> None:
        if count > self._lines_per_s:
            self._events.emit(LinesDropped(agent=agent, count=count - self._lines_per_s))
