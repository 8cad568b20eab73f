"""The fence around a runtime that is cut off from its store: its agents end before another machine's begin.

Lives in the runtime, on its loop.  Where other machines reach the store, a run may be taken over when its lease has
ended.  An owner that could not renew it for most of that time hands out nothing more; at its end it ends its agents,
and starts none.  When the lease is renewed after all, no other had taken the run, and the agents go on.  While the
server itself is away, no machine can take a run: that time does not count.
"""

from __future__ import annotations

import asyncio
import signal
from enum import StrEnum

from scr.messages import ExitReason
from scr.runtime.dispatch.turns import Turns
from scr.runtime.reload import Reloads
from scr.store.store import Store
from scr.supervise.exits import Exit
from scr.supervise.supervisor import Supervisor, ignore_outcome
from scr.supervise.tree import ChildPhase, Goal

CLOSED_AT = 0.8  # of the lease
ENDED = Exit(ExitReason.KILLED, "by its runtime, which could not renew the lease of the run")
LOOKS = 50  # in the time of a lease, while it is not renewed


class Tenancy(StrEnum):
    """What an owner may still do."""

    HELD = "held"
    ENDING = "ending"
    OVER = "over"


def tenancy(unrenewed_s: float, lease_s: float) -> Tenancy:
    """What an owner may do that has not renewed its lease for so long.  Pure."""
    if unrenewed_s >= lease_s:
        return Tenancy.OVER
    return Tenancy.ENDING if unrenewed_s >= CLOSED_AT * lease_s else Tenancy.HELD


def look_in_s(unrenewed_s: float, lease_s: float) -> float:
    """When to look again: when the fence may close, or soon where it has.  Pure."""
    return max(lease_s / LOOKS, CLOSED_AT * lease_s - unrenewed_s)


class Fence:
    """Watches the lease of one runtime."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store,
        lease_s: float,
        turns: Turns,
        reloads: Reloads,
        supervisor: Supervisor,
    ) -> None:
        self._loop, self._store, self._lease_s = loop, store, lease_s
        self._turns, self._reloads, self._supervisor = turns, reloads, supervisor
        self._tenancy = Tenancy.HELD

    def watch(self) -> None:
        """Look at the lease, now and from now on, until the runtime ends: then what waits for a process hears of it."""
        if self._turns.has_ended:
            self._reloads.release()
            return
        unrenewed_s = self._store.unrenewed_s()
        self._stand(tenancy(unrenewed_s, self._lease_s))
        self._loop.call_later(look_in_s(unrenewed_s, self._lease_s), self.watch)

    def _stand(self, now: Tenancy) -> None:
        before, self._tenancy = self._tenancy, now
        if now is Tenancy.HELD and before is not now:
            self._reloads.release()
            self._turns.reopen()
        if before is Tenancy.HELD and now is not before:
            self._turns.shut()
        if now is Tenancy.OVER:
            self._reloads.hold()
            self._end_agents()

    def _end_agents(self) -> None:
        """Kill every process that is up, uncounted; another comes when the lease is renewed.

        One that is just starting has nothing in hand: it ends when it is up.
        """
        for agent, child in tuple(self._supervisor.tree.children.items()):
            live = self._supervisor.live(agent)
            if live is not None and child.phase is ChildPhase.UP and child.goal is Goal.RUN:
                self._supervisor.recycle_child(agent, ignore_outcome)
                live.condemned = live.condemned or ENDED
                live.signal(signal.SIGKILL)
