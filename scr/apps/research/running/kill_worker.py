"""The blow of the crash test: kill a worker in the middle of its task, once, for certain, and time what follows.

The aim is pure: which event says that now is the moment, and what later events
say about the hit.  A thin shell beside it sends the signal.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from scr.telemetry.events import (
    AgentExited,
    AgentUp,
    MessageDelivered,
    Record,
    StepRecorded,
    TurnCommitted,
)
from scr.views.run import AgentView, RunView

SHOTS_MAX = 5
TARGETS = "research: "


@dataclass(frozen=True, slots=True)
class Shot:
    """One SIGKILL: at whom, with what in hand, and what became of it.  Times are monotonic; 0 is "not yet"."""

    agent: str
    pid: int
    message_id: str
    work: str
    step: str
    killed_at: float = 0.0
    exited_at: float = 0.0
    hit: bool = False
    reason: str = ""
    replacement_pid: int = 0
    resumed_at: float = 0.0
    recovered_at: float = 0.0
    deliveries: int = 1
    steps_reused: int = 0

    def since_kill_ms(self, at: float) -> float:
        """From the kill to then, in milliseconds."""
        return (at - self.killed_at) * 1000

    def after(self, record: Record) -> Shot:
        """What the shot is known to have done, once this has happened."""
        match record.event:
            case AgentExited(agent=self.agent, pid=self.pid):
                hit = record.event.in_hand == self.message_id
                return replace(self, exited_at=record.at, hit=hit, reason=record.event.reason)
            case AgentUp(agent=self.agent, pid=pid) if self.hit and not self.replacement_pid:
                return replace(self, replacement_pid=pid)
            case MessageDelivered(message_id=self.message_id, deliveries=deliveries, steps_reused=reused) if self.hit:
                return replace(self, resumed_at=record.at, deliveries=deliveries, steps_reused=reused)
            case TurnCommitted(message_id=self.message_id) if self.hit:
                return replace(self, recovered_at=record.at)
            case _:
                return self


@dataclass(frozen=True, slots=True)
class Strike:
    """Where the crash test stands: the shot under way or done, and how many went before."""

    view: RunView = field(default_factory=RunView)
    shot: Shot | None = None
    shots: int = 0

    def after(self, record: Record) -> Strike:
        """The strike once this has happened.  A shot that came too late is forgotten, and the next may be taken."""
        shot = self.shot.after(record) if self.shot else self._aimed(record)
        missed = shot is not None and shot.exited_at and not shot.hit
        return replace(self, view=self.view.after(record), shot=None if missed else shot)

    def fired(self, at: float) -> Strike:
        """The signal was sent."""
        assert self.shot is not None
        return replace(self, shot=replace(self.shot, killed_at=at), shots=self.shots + 1)

    @property
    def is_due(self) -> bool:
        """Whether the signal is to be sent now."""
        return self.shot is not None and not self.shot.killed_at

    def _aimed(self, record: Record) -> Shot | None:
        """The first step of a research subtask is recorded: its worker is in the middle of it."""
        event = record.event
        if not isinstance(event, StepRecorded) or self.shots >= SHOTS_MAX:
            return None
        agent = self.view.agents.get(event.agent, AgentView(event.agent))
        subtask = self.view.subtasks.get(event.message_id)
        if subtask is None or not subtask.title.startswith(TARGETS) or agent.step or agent.pid is None:
            return None
        return Shot(agent.agent, agent.pid, event.message_id, subtask.title, event.step)


class WorkerKiller:
    """Carries the strike out.  `see` is called in the reader's thread with each event, at once."""

    def __init__(self, kill: Callable[[int, int], None] = os.kill) -> None:
        self.strike = Strike()
        self._kill = kill

    def see(self, record: Record) -> None:
        """Follow the run, and kill when it is time."""
        self.strike = self.strike.after(record)
        if self.strike.is_due and self.strike.shot:
            at = time.monotonic()
            with contextlib.suppress(ProcessLookupError):  # it has just ended by itself, which is a miss
                self._kill(self.strike.shot.pid, signal.SIGKILL)
            self.strike = self.strike.fired(at)
