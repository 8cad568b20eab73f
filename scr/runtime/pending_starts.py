"""Agents that are to be started, now or as soon as their supervisor is up.

Lives in the runtime, on its loop.  An agent that asks for another while the
supervisor of that one is itself being restarted asks for something that will
be possible in a moment: the request waits, a bounded number of them for a
bounded time, and mail for the agent is taken meanwhile.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from scr.specs import AgentSpec
from scr.store.records import KeptAgent
from scr.supervise.orders import CallDone, CallRefused, Refusal
from scr.supervise.supervisor import Answered, Supervisor, ignore_outcome
from scr.supervise.tree import ChildPhase

HELD_MAX = 10_000
HELD_S = 30.0


class MailOpener(Protocol):
    """What starts want of the turns."""

    def open_agent(self, spec: AgentSpec) -> None:
        """The agent exists from now on: its mail is taken."""


class Losses(Protocol):
    """What starts want of the departures."""

    def lose(self, agent: str, detail: str) -> None:
        """It will not be started now: what it has waits."""


@dataclass(eq=False, slots=True)
class PendingStart:
    """One request, and who is told how it ended."""

    supervisor: str
    spec: AgentSpec
    answered: Answered
    timer: asyncio.TimerHandle | None = None


class Starts:
    """Requests in the order in which they came."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, supervisor: Supervisor, mail: MailOpener, losses: Losses
    ) -> None:
        self._loop, self._supervisor, self._mail, self._losses = loop, supervisor, mail, losses
        self._held: list[PendingStart] = []
        self._brought_back: dict[str, AgentSpec] = {}

    def start(self, supervisor: str, spec: AgentSpec, answered: Answered) -> None:
        """Start an agent, or hold the request while its supervisor is down."""
        children = self._supervisor.tree.children
        found = children.get(supervisor)
        if found is None or found.phase is ChildPhase.UP or spec.id in children:
            self._supervisor.start_child(supervisor, spec, answered)
            return
        self._mail.open_agent(spec)
        self._hold(supervisor, spec, answered)

    def bring_back(self, kept: KeptAgent) -> None:
        """Start an agent that an earlier runtime had; its mail is there already."""
        if kept.supervisor in self._supervisor.tree.children:
            self._brought_back[kept.spec.id] = kept.spec
            self._hold(kept.supervisor, kept.spec, ignore_outcome)
        else:
            self._losses.lose(kept.spec.id, f"there is no supervisor {kept.supervisor!r} any more")

    def take_over(self, agent: str) -> AgentSpec | None:
        """A client wants this agent: what it is, if it was brought back and nobody has wanted it yet."""
        return self._brought_back.pop(agent, None)

    def release(self) -> None:
        """Make the starts whose supervisor is up now."""
        ready = [held for held in self._held if self._is_up(held.supervisor)]
        self._held = [held for held in self._held if held not in ready]
        for held in ready:
            if held.timer:
                held.timer.cancel()
            self._supervisor.start_child(held.supervisor, held.spec, held.answered)

    def _is_up(self, supervisor: str) -> bool:
        return self._supervisor.tree.children[supervisor].phase is ChildPhase.UP

    def _hold(self, supervisor: str, spec: AgentSpec, answered: Answered) -> None:
        held = PendingStart(supervisor, spec, partial(self._finish_start, spec, answered))
        if len(self._held) >= HELD_MAX:
            why = f"{HELD_MAX} starts wait already for supervisors that are down"
            held.answered(CallRefused(Refusal.NOT_FOUND, why))
            return
        held.timer = self._loop.call_later(HELD_S, self._expire, held)
        self._held.append(held)

    def _expire(self, held: PendingStart) -> None:
        self._held.remove(held)
        why = f"the supervisor {held.supervisor!r} did not come up within {HELD_S:g} s"
        held.answered(CallRefused(Refusal.NOT_FOUND, why))

    def _finish_start(self, spec: AgentSpec, answered: Answered, outcome: CallDone | CallRefused) -> None:
        """If it is refused, its mail was taken already: answer for that, then tell who wanted it."""
        if isinstance(outcome, CallRefused):
            self._brought_back.pop(spec.id, None)
            if spec.id not in self._supervisor.tree.children:
                self._losses.lose(spec.id, outcome.detail)
        answered(outcome)
