"""Starts that wait for their supervisor.

An agent that asks for another while the supervisor of that one is itself being
restarted asks for something that will be possible in a moment: the request
waits, a bounded number of them for a bounded time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from scr.specs import AgentSpec

HELD_MAX = 10_000
HELD_S = 30.0
Refused: TypeAlias = Callable[[str, str], None]


@dataclass(eq=False, slots=True)
class HeldStart:
    """One request, and what to do when it is refused."""

    supervisor: str
    spec: AgentSpec
    refused: Refused
    timer: asyncio.TimerHandle | None = None


class HeldStarts:
    """Requests in the order in which they came.  Lives in the runtime, on its loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._held: list[HeldStart] = []

    def hold(self, supervisor: str, spec: AgentSpec, refused: Refused) -> None:
        """Keep the request; refuse it when there are too many, or after `HELD_S`."""
        if len(self._held) >= HELD_MAX:
            refused("not_found", f"{HELD_MAX} starts wait already for supervisors that are down")
            return
        held = HeldStart(supervisor, spec, refused)
        held.timer = self._loop.call_later(HELD_S, self._expire, held)
        self._held.append(held)

    def release(self, is_up: Callable[[str], bool]) -> list[HeldStart]:
        """The requests whose supervisor is up now; they are held no longer."""
        if not self._held:
            return []
        released = [held for held in self._held if is_up(held.supervisor)]
        self._held = [held for held in self._held if held not in released]
        for held in released:
            if held.timer:
                held.timer.cancel()
        return released

    def _expire(self, held: HeldStart) -> None:
        self._held.remove(held)
        held.refused("not_found", f"the supervisor {held.supervisor!r} did not come up within {HELD_S:g} s")
