"""How the failures of each agent are treated, and how many of its messages in a row became dead letters.

Lives in the runtime, on its loop.  `scr.turns.failing` decides by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from scr.charging import left_s
from scr.mail.pending import Pending
from scr.mail.router import Absence, Router
from scr.messages import Task
from scr.protocol.frames import Answer
from scr.retry import ErrorInfo
from scr.specs import AgentSpec, OnError
from scr.turns.events import Policy, Standing

USUAL = Policy()


class Upkeep(Protocol):
    """What the turns want of the supervisor."""

    def tell(self, agent: str, incarnation: int, frame: Answer) -> None:
        """Send a frame to this incarnation, if it still lives."""

    def recycle(self, agent: str) -> None:
        """Replace the agent by a fresh process, uncounted."""

    def raised(self, agent: str, incarnation: int, error: ErrorInfo, pending: Pending) -> None:
        """Keep what a handler raised; code that is new is put back for it."""

    def park(self, agent: str, why: str) -> None:
        """Keep the agent down."""

    def distrust(self, agent: str, incarnation: int, why: str) -> None:
        """End an incarnation that broke the protocol."""


@dataclass(frozen=True, slots=True)
class IncarnationFailure:
    """Which incarnation failed, by what, and the event that told of it."""

    agent: str
    incarnation: int
    error: ErrorInfo
    cause: int = 0


class Failures:
    """The policies of all agents, and their rows of dead letters."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._specs: dict[str, AgentSpec] = {}
        self._policies: dict[str, Policy] = {}
        self._rows: dict[str, int] = {}

    def know(self, spec: AgentSpec) -> None:
        """Treat the agent's failures as this says, from now on, with a clean record."""
        if self._specs.get(spec.id) is not spec:
            self._specs[spec.id], self._policies[spec.id] = spec, policy_of(spec)
            self._rows.pop(spec.id, None)

    def forget(self, agent: str) -> None:
        """The agent has ended."""
        for known in (self._specs, self._policies, self._rows):
            known.pop(agent, None)

    def standing(self, agent: str, at: float) -> Standing:
        """Return what a failure of the agent at that time (wall clock) is judged by."""
        mailbox = self._router.mailbox(agent)
        may_wait = mailbox is None or mailbox.may_retry
        return Standing(at, self._policies.get(agent, USUAL), self.row(agent), may_wait)

    def row(self, agent: str) -> int:
        """How many messages of the agent in a row became dead letters."""
        return self._rows.get(agent, 0) if self._rows else 0

    def count(self, agent: str, row: int) -> None:
        """Note that number; 0: a turn has committed, or the agent is kept down."""
        if row:
            self._rows[agent] = row
        else:
            self._rows.pop(agent, None)

    def left_s(self, pending: Pending, at: float) -> float | None:
        """How long a retry that an earlier runtime has left still waits; None for what is no retry."""
        message, due = pending.message, pending.turn.due
        if due is None:
            return None
        own = message.payload.retry if isinstance(message, Task) else None
        return left_s(due, own or self._policies.get(message.to, USUAL).retry, at=at)


def policy_of(spec: AgentSpec) -> Policy:
    """Return how an agent's failures are treated."""
    return Policy(
        retry=spec.retry,
        max_deliveries=spec.max_deliveries,
        fresh_process=spec.fresh_process,
        retries=spec.on_error is OnError.RETRY,
        parks=spec.park,
        retries_max=spec.retries_max,
    )


def parked(agent: str, why: str) -> Absence:
    """An agent that is kept down."""
    remedy = f"its mail waits; `scr restart {agent}`, Runtime.restart_agent or new code takes it up"
    return Absence("AgentParked", f"{agent} is parked ({why}); {remedy}", "parked")


def forgotten(agent: str, why: str) -> Absence:
    """An agent that is down with no supervisor that would start it."""
    remedy = f"its mail waits for start_agent({agent!r}) or restart_agent"
    return Absence("AgentParked", f"{agent} is down ({why}); {remedy}", "unknown_agent")
