"""The watch over handlers: whoever makes no progress by its deadline is found out about, and ended.

Lives in the runtime, on its loop.  A handler that says that it gets on
(`ctx.progress()`) has its whole budget again from then.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Protocol

from scr.launch.pulse import DUMP, POKE, Pulse, diagnosis
from scr.messages import derive_id

DIAGNOSIS_S = 0.03


class Patient(Protocol):
    """What the watch wants of an incarnation."""

    @property
    def pid(self) -> int:
        """Its process."""

    def signal_itself(self, number: int) -> None:
        """Signal the process alone, not its group."""


@dataclass(slots=True)
class Watched:
    """One live incarnation."""

    patient: Patient
    pulse: Pulse
    deadline_s: float = 0.0
    since: float = 0.0
    timer: asyncio.TimerHandle | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of one incarnation, in monotonic seconds; 0 for never, or for nothing in hand."""

    progress_at: float
    beat_at: float
    busy_at: float


class Watch:
    """One pulse for each live incarnation, one timer for each message in hand.

    `hung` is told of an incarnation that must end: its agent, its number, and
    the sentence that says what it did.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, scratch: Path, hung: Callable[[str, int, str], None]) -> None:
        self._loop, self._hung = loop, hung
        self._folder = scratch / "pulse"
        self._folder.mkdir(mode=0o700)
        self._watched: dict[tuple[str, int], Watched] = {}

    def admit(self, agent: str, incarnation: int, patient: Patient) -> Path | None:
        """Watch over a new process; the path of its page, or None where there can be none: then only deadlines hold."""
        path = self._folder / derive_id(agent, incarnation)
        try:
            self._watched[agent, incarnation] = Watched(patient, Pulse.create(path))
        except OSError:
            return None
        return path

    def dismiss(self, agent: str, incarnation: int) -> None:
        """The process has ended."""
        if watched := self._watched.pop((agent, incarnation), None):
            if watched.timer:
                watched.timer.cancel()
            watched.pulse.close()
            with contextlib.suppress(FileNotFoundError):  # it opened its page, and so removed the name
                (self._folder / derive_id(agent, incarnation)).unlink()

    def busy(self, agent: str, incarnation: int, deadline_s: float) -> None:
        """It has a message in hand, and so long for it."""
        if watched := self._watched.get((agent, incarnation)):
            watched.deadline_s, watched.since = deadline_s, monotonic()
            self._arm(agent, incarnation, watched, deadline_s)

    def idle(self, agent: str, incarnation: int) -> None:
        """Its turn is over."""
        watched = self._watched.get((agent, incarnation))
        if watched and watched.timer:
            watched.timer.cancel()
            watched.timer = None

    def poke(self, agent: str, incarnation: int) -> None:
        """Have its interpreter answer, if it can; only for one that is up: it would not know the signal before."""
        if watched := self._watched.get((agent, incarnation)):
            watched.patient.signal_itself(POKE)

    def read(self, agent: str, incarnation: int) -> Reading | None:
        """What is known now; None when it is not watched."""
        watched = self._watched.get((agent, incarnation))
        if watched is None:
            return None
        pulse, busy_at = watched.pulse, watched.since if watched.timer else 0.0
        return Reading(pulse.progress_at(), pulse.beat_at(), busy_at)

    def _arm(self, agent: str, incarnation: int, watched: Watched, delay_s: float) -> None:
        if watched.timer:
            watched.timer.cancel()
        watched.timer = self._loop.call_later(delay_s, self._due, agent, incarnation, watched)

    def _due(self, agent: str, incarnation: int, watched: Watched) -> None:
        last = max(watched.since, watched.pulse.progress_at())
        left_s = last + watched.deadline_s - monotonic()
        if left_s > 0:
            self._arm(agent, incarnation, watched, left_s)
            return
        poked_at = monotonic()
        watched.patient.signal_itself(DUMP)
        watched.patient.signal_itself(POKE)
        judge = partial(self._judge, agent, incarnation, watched, poked_at)
        watched.timer = self._loop.call_later(DIAGNOSIS_S, judge)

    def _judge(self, agent: str, incarnation: int, watched: Watched, poked_at: float) -> None:
        why = diagnosis(watched.pulse, watched.patient.pid, poked_at)
        self._hung(agent, incarnation, f"no progress for {watched.deadline_s:g} s: {why}")
