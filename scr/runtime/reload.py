"""New code for one agent, between two of its messages, with its state, and without touching its siblings.

The next incarnation is a fresh interpreter, which imports what is on disk now
(or opens the code that came with the request), not a fork of the zygote, which
imported the old.  If the new one ends by itself within `PROBATION_S`, the old
code is put back, and that is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Protocol

from scr.launch.launcher import Launcher, LaunchRequest, Ready
from scr.specs import AgentSpec, Code
from scr.supervise.orders import CallDone, CallRefused, Refusal
from scr.supervise.supervisor import Supervisor
from scr.telemetry.events import AgentReloaded, ReloadReverted
from scr.telemetry.sinks import EventLog

PROBATION_S = 10.0


class ReloadListener(Protocol):
    """Is told once how a reload ended."""

    def __call__(self, outcome: CallDone | CallRefused) -> None:
        """With the child, or with why the old code runs again."""


@dataclass(frozen=True, slots=True)
class CodeVersion:
    """Which code an agent runs: what its specification says, or what came later; from the zygote, or fresh."""

    code: Code | None = None
    fresh: bool = False


USUAL = CodeVersion()


class Reloads:
    """Lives in the runtime, on its loop.  `fresh` makes the launcher of fresh interpreters when it is first needed."""

    def __init__(self, usual: Launcher, fresh: Callable[[], Launcher], events: EventLog) -> None:
        self._usual, self._make_fresh, self._events = usual, fresh, events
        self._fresh: Launcher | None = None
        self._held: list[tuple[LaunchRequest, Ready]] | None = None
        self._versions: dict[str, CodeVersion] = {}
        self._reverted: dict[str, str] = {}
        self._before: dict[str, tuple[CodeVersion, float]] = {}

    def launch(self, request: LaunchRequest, ready: Ready) -> None:
        """Start a blank process of the kind that the agent's code wants; later, while launches are held."""
        if self._held is not None:
            self._held.append((request, ready))
            return
        if request.spec is None or not self._versions.get(request.spec.id, USUAL).fresh:
            self._usual.launch(request, ready)
            return
        self._fresh = self._fresh or self._make_fresh()
        self._fresh.launch(request, ready)

    def hold(self) -> None:
        """Start no process until `release`."""
        self._held = self._held or []

    def release(self) -> None:
        """Start what waits for that, and from now on what is wanted."""
        held, self._held = self._held or [], None
        for request, ready in held:
            self.launch(request, ready)

    def code_of(self, spec: AgentSpec) -> Code:
        """What the next incarnation runs."""
        return self._versions.get(spec.id, USUAL).code or spec.code

    def reload(self, supervisor: Supervisor, agent: str, code: Code | None, told: ReloadListener) -> None:
        """Replace the agent's code; `told` hears when the new incarnation is up, or that the old code runs again."""
        before = self._versions.get(agent, USUAL)
        self._reverted.pop(agent, None)
        self._before[agent] = (before, monotonic() + PROBATION_S)
        self._versions[agent] = CodeVersion(code or before.code, fresh=True)

        supervisor.recycle_child(agent, partial(self._reloaded, agent, told))

    def failed(self, agent: str, why: str) -> None:
        """An incarnation ended by itself: if its code is new, the old one is put back."""
        before, until = self._before.pop(agent, (USUAL, 0.0))
        if monotonic() < until:
            self._versions[agent] = before
            self._reverted[agent] = why
            self._events.emit(ReloadReverted(agent=agent, why=why))

    def _reloaded(self, agent: str, told: ReloadListener, outcome: CallDone | CallRefused) -> None:
        """The agent is up again, or cannot be; with which code it is, its first moments have decided."""
        why = self._reverted.pop(agent, None)
        if why is not None:
            told(CallRefused(Refusal.START_FAILED, f"{why}; the old code runs again"))
            return
        if isinstance(outcome, CallDone):
            self._events.emit(AgentReloaded(agent=agent))
        told(outcome)

    def forget(self, agent: str) -> None:
        """The agent is gone for good: one of its name begins with what its specification says."""
        self._versions.pop(agent, None)
        self._before.pop(agent, None)
        self._reverted.pop(agent, None)

    async def close(self) -> None:
        """End what the fresh launcher has started."""
        if self._fresh:
            await self._fresh.close()
