"""The watch over handlers: whoever makes no progress by its deadline is found out about, and ended.

Lives in the runtime, on its loop.  A handler that says that it gets on
(`ctx.progress()`) has its whole budget again from then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Protocol

from scr.launch.heartbeat import DUMP, POKE, Pulse, diagnosis

DIAGNOSIS_S = 0.03
AGAIN_S = 0.1


class Patient(Protocol):
    """What the watch wants of an incarnation."""

    @property
    def pid(self) -> int:
        """Its process."""

    def signal_itself(self, number: int) -> None:
        """Signal the process alone, not its group."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of memory that the runtime and one process share, under this name."""

    path: Path
    pulse: Pulse


@dataclass(slots=True)
class Watched:
    """One live incarnation."""

    patient: Patient
    page: Page
    deadline_s: float = 0.0
    since: float = 0.0
    busy: bool = False
    questions: int = 0
    due_at: float = 0.0
    timer: asyncio.TimerHandle | None = None


@dataclass(frozen=True, slots=True)
class IncarnationReading:
    """What is known of one incarnation, in monotonic seconds; 0 for never, or for nothing in hand."""

    progress_at: float
    beat_at: float
    busy_at: float


class Watch:
    """One pulse for each live incarnation, and a timer for each that has had a message in hand.

    Messages come and go faster than timers should be made: a timer stays where
    it is when the message is done, and sees for itself what is due.

    `hung` is told of an incarnation that must end: its agent, its number, and
    the sentence that says what it did.  `held_up` says of so many last seconds
    whether nobody could be answered in them: then one that waits for an answer
    has its whole budget again.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        scratch: Path,
        hung: Callable[[str, int, str], None],
        held_up: Callable[[float], bool],
    ) -> None:
        self._loop, self._hung, self._held_up = loop, hung, held_up
        self._folder = scratch / "pulse"
        self._folder.mkdir(mode=0o700)
        self._numbers = count()
        self._spare: list[Page] = []
        self._watched: dict[tuple[str, int], Watched] = {}

    def admit(self, agent: str, incarnation: int, patient: Patient) -> Path | None:
        """Watch over a new process; the path of its page, or None where there can be none: then only deadlines hold."""
        try:
            page = self._spare.pop() if self._spare else self._fresh()
        except OSError:
            return None
        self._watched[agent, incarnation] = Watched(patient, page)
        return page.path

    def dismiss(self, agent: str, incarnation: int) -> None:
        """The process has ended: its page is for the next one."""
        if watched := self._watched.pop((agent, incarnation), None):
            if watched.timer:
                watched.timer.cancel()
            watched.page.pulse.clear()
            self._spare.append(watched.page)

    def _fresh(self) -> Page:
        path = self._folder / str(next(self._numbers))
        return Page(path, Pulse.create(path))

    def busy(self, agent: str, incarnation: int, deadline_s: float) -> None:
        """It has a message in hand, and so long for it."""
        if watched := self._watched.get((agent, incarnation)):
            watched.deadline_s, watched.since, watched.busy = deadline_s, monotonic(), True
            self._expect(agent, incarnation, watched, watched.since + deadline_s)

    def idle(self, agent: str, incarnation: int) -> None:
        """Its turn is over."""
        if watched := self._watched.get((agent, incarnation)):
            watched.busy = False

    def go_on(self, agent: str, incarnation: int) -> None:
        """What it waited for has come: it has its whole budget again."""
        if watched := self._watched.get((agent, incarnation)):
            watched.since, watched.busy = monotonic(), True
            self._expect(agent, incarnation, watched, watched.since + watched.deadline_s)

    def begin_wait(self, agent: str, incarnation: int) -> None:
        """It waits for one more answer."""
        if watched := self._watched.get((agent, incarnation)):
            watched.questions += 1

    def end_wait(self, agent: str, incarnation: int) -> None:
        """It has one of them."""
        if watched := self._watched.get((agent, incarnation)):
            watched.questions -= 1

    def poke(self, agent: str, incarnation: int) -> None:
        """Have its interpreter answer, if it can; only for one that is up: it would not know the signal before."""
        if watched := self._watched.get((agent, incarnation)):
            watched.patient.signal_itself(POKE)

    def read(self, agent: str, incarnation: int) -> IncarnationReading | None:
        """What is known now; None when it is not watched."""
        watched = self._watched.get((agent, incarnation))
        if watched is None:
            return None
        pulse, busy_at = watched.page.pulse, watched.since if watched.busy else 0.0
        return IncarnationReading(pulse.progress_at(), pulse.beat_at(), busy_at)

    def _expect(self, agent: str, incarnation: int, watched: Watched, due_at: float) -> None:
        """Have a timer that goes off by then."""
        if watched.timer and watched.due_at <= due_at:
            return
        if watched.timer:
            watched.timer.cancel()
        watched.due_at = due_at
        watched.timer = self._loop.call_later(due_at - monotonic(), self._due, agent, incarnation, watched)

    def _due(self, agent: str, incarnation: int, watched: Watched) -> None:
        watched.timer = None
        if not watched.busy:
            return
        due_at = max(watched.since, watched.page.pulse.progress_at()) + watched.deadline_s
        if due_at <= monotonic() and watched.questions and self._held_up(watched.deadline_s):
            watched.since = monotonic()
            due_at = watched.since + max(watched.deadline_s, AGAIN_S)
        if due_at > monotonic():
            self._expect(agent, incarnation, watched, due_at)
            return
        poked_at = monotonic()
        watched.patient.signal_itself(DUMP)
        watched.patient.signal_itself(POKE)
        judge = partial(self._judge, agent, incarnation, watched, watched.since, poked_at)
        watched.timer = self._loop.call_later(DIAGNOSIS_S, judge)

    def _judge(self, agent: str, incarnation: int, watched: Watched, since: float, poked_at: float) -> None:
        watched.timer = None
        if watched.busy and watched.since == since:
            why = diagnosis(watched.page.pulse, watched.patient.pid, poked_at)
            self._hung(agent, incarnation, f"no progress for {watched.deadline_s:g} s: {why}")
        elif watched.busy:  # it was done in the last moment, and has another message by now
            self._expect(agent, incarnation, watched, watched.since + watched.deadline_s)
