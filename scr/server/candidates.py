"""A run that a server may work on, with all that it needs to know of it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from scr.messages import Task
from scr.protocol.status import Priority, RunState
from scr.server.application import Trade
from scr.server.schedule import WaitingRun
from scr.specs import SupervisorSpec


@dataclass(frozen=True, slots=True)
class Offer:
    """`first` is the message that began the run; `created` is wall clock."""

    run: str
    title: str
    priority: Priority
    state: RunState
    created: float
    tree: SupervisorSpec
    first: Task
    trade: Trade
    agents: int

    @property
    def given(self) -> JsonValue:
        """The input of its first task."""
        return self.first.payload.input

    @property
    def begun(self) -> bool:
        """Whether a runtime had it before."""
        return self.state is not RunState.QUEUED

    def waiting(self, submitter: str) -> WaitingRun:
        """As the schedule sees it."""
        return WaitingRun(
            run=self.run,
            priority=self.priority,
            submitter=submitter,
            agents=self.agents,
            begun=self.begun,
        )
