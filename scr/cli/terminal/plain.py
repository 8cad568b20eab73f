"""Showing a run without a terminal: one plain line on stderr for each noteworthy event, or nothing at all."""

from __future__ import annotations

import time

from scr.cli.streams import say_status
from scr.telemetry.events import Record
from scr.views.event_lines import lines_of_event
from scr.views.run import RunView

EVERY_S = 2.0


class Lines:
    """Prints lines as they come, each with the seconds since `since` (monotonic).

    How far something is, of which there is much to tell, is told every `EVERY_S`.
    """

    def __init__(self, since: float) -> None:
        self._since = self._told_at = since

    def show(self, before: RunView, view: RunView, record: Record) -> None:
        """Print what is to be said of the event."""
        lines = lines_of_event(before, record)
        if view.reading is not before.reading and view.reading and record.at - self._told_at >= EVERY_S:
            lines = (view.reading.text,)
        for line in lines:
            self._told_at = record.at
            say_status(f"{record.at - self._since:6.2f} s  {line}")

    def tick(self) -> None:
        """Nothing changes with time alone."""


class Count:
    """Prints how many of how many are done, every `EVERY_S`."""

    def __init__(self) -> None:
        self._told_at = time.monotonic()

    def tell(self, done: int, total: int, what: str) -> None:
        """Print it, if it is time."""
        now = time.monotonic()
        if now - self._told_at >= EVERY_S:
            self._told_at = now
            say_status(f"{what} {done:,} of {total:,}")


class Silence:
    """Shows nothing: for `--json`, whose output is one object."""

    def show(self, _before: RunView, _view: RunView, _record: Record) -> None:
        """Nothing."""

    def tick(self) -> None:
        """Nothing."""
