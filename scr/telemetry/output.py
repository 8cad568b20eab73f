"""What agents say for people, as events: lines that they log and print, and how far they are.

Pure.  Known to all by `scr.telemetry.events`.
"""

from __future__ import annotations

from typing import Literal

from scr.telemetry.plain import Plain, event

SUBTASKS = "subtasks"
"""The note of a progress that counts the tasks which agents give to each other."""


@event
class Logged(Plain):
    """A line that an agent logged.  One with a `total` is what an earlier SCR wrote of progress: `done` of that."""

    kind: Literal["logged"] = "logged"
    agent: str
    text: str
    done: int = 0
    total: int = 0


@event
class Progressed(Plain):
    """An agent said how far something is: `done` of `total`.  `message_id` was in hand, where a handler said it."""

    kind: Literal["progressed"] = "progressed"
    agent: str
    message_id: str | None = None
    done: int
    total: int
    note: str = ""

    @property
    def text(self) -> str:
        """The same in words."""
        return f"{self.note} {self.done:,} of {self.total:,}"


@event
class Printed(Plain):
    """A line that a process wrote to its standard output or standard error: `stream` is stdout or stderr."""

    kind: Literal["printed"] = "printed"
    agent: str
    stream: str
    text: str


@event
class LinesDropped(Plain):
    """This many lines were left out: a process wrote more than it may in a second, or a program did not read them."""

    kind: Literal["lines_dropped"] = "lines_dropped"
    agent: str
    count: int
