"""The limits that the runtime keeps: memory, number of messages, age.

Lives in the runtime, on its loop.  Memory is private memory (PSS): what an
agent shares with the zygote is nobody's fault.  The cheap number (RSS, never
below PSS) is read first, the dear one only where that is above a limit.  What
grows too fast to be looked at is the kernel's to end, in a memory group of the
agent's own, where the kernel lets us have one.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scr.launch.kernel.memory_group import MemoryGroup, MemoryGroups
from scr.launch.kernel.proc_stats import vitals_of
from scr.messages import ExitReason
from scr.specs import AgentLimits
from scr.supervise.exits import Exit

LOOK_S = 0.5
GROUP_MARGIN = 0.25  # a group counts more than private memory: the kernel's own for it, files in memory, its tools
PAGE_BYTES = resource.getpagesize()


@dataclass(slots=True)
class LimitedIncarnation:
    """One live incarnation that has limits."""

    pid: int
    limits: AgentLimits
    group: MemoryGroup | None = None
    messages: int = 0
    retiring: bool = False
    timer: asyncio.TimerHandle | None = None


class LimitsKeeper:
    """Looks at the memory of those that have a limit; counts messages; knows ages.

    `condemn` ends an incarnation at once, with a verdict; `recycle` has it
    replaced between two messages.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        condemn: Callable[[str, int, Exit], None],
        recycle: Callable[[str], None],
    ) -> None:
        self._loop, self._condemn, self._recycle = loop, condemn, recycle
        self._limited: dict[tuple[str, int], LimitedIncarnation] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._groups = MemoryGroups()

    def admit(self, agent: str, incarnation: int, pid: int, limits: AgentLimits) -> MemoryGroup | None:
        """Keep this incarnation to its limits, if it has any that are kept here; its memory group, if it needs one.

        The group is the caller's to close when the process has ended.
        """
        if not (limits.memory_bytes or limits.soft_memory_bytes or limits.max_messages or limits.max_age_s):
            return None
        limited = self._limited[agent, incarnation] = LimitedIncarnation(pid, limits, self._group_of(pid, limits))
        if self._timer is None:
            self._timer = self._loop.call_later(LOOK_S, self._look)
        return limited.group

    def came_up(self, agent: str, incarnation: int) -> None:
        """Count the age of an incarnation from here on: while it starts, it counts as the replacement that it is."""
        limited = self._limited.get((agent, incarnation))
        if limited and limited.limits.max_age_s:
            limited.timer = self._loop.call_later(limited.limits.max_age_s, self._retire, agent, incarnation)

    def dismiss(self, agent: str, incarnation: int) -> None:
        """It has ended."""
        limited = self._limited.pop((agent, incarnation), None)
        if limited and limited.timer:
            limited.timer.cancel()

    def committed(self, agent: str, incarnation: int) -> None:
        """It has handled one more message."""
        limited = self._limited.get((agent, incarnation))
        if limited is None or limited.limits.max_messages is None:
            return
        limited.messages += 1
        if limited.messages >= limited.limits.max_messages:
            self._retire(agent, incarnation)

    def _group_of(self, pid: int, limits: AgentLimits) -> MemoryGroup | None:
        if limits.memory_bytes is None:
            return None
        return self._groups.make(pid, limits.memory_bytes + int(limits.memory_bytes * GROUP_MARGIN))

    def _look(self) -> None:
        self._timer = self._loop.call_later(LOOK_S, self._look) if self._limited else None
        for (agent, incarnation), limited in tuple(self._limited.items()):
            self._weigh(agent, incarnation, limited)

    def _weigh(self, agent: str, incarnation: int, limited: LimitedIncarnation) -> None:
        if limited.group and limited.group.oom_kills():
            why = "the kernel killed a process of its: together they used more memory than it may"
            self._condemn(agent, incarnation, Exit(ExitReason.OUT_OF_MEMORY, why))
            return
        soft, hard = limited.limits.soft_memory_bytes, limited.limits.memory_bytes
        least = min(limit for limit in (soft, hard, float("inf")) if limit)
        if rss_bytes(limited.pid) <= least:
            return
        vitals = vitals_of(limited.pid)
        used = vitals.pss_bytes if vitals else 0
        if hard and used > hard:
            why = f"it used {used} bytes of private memory, above its limit of {hard}"
            self._condemn(agent, incarnation, Exit(ExitReason.OUT_OF_MEMORY, why))
        elif soft and used > soft:
            self._retire(agent, incarnation)

    def _retire(self, agent: str, incarnation: int) -> None:
        limited = self._limited.get((agent, incarnation))
        if limited and not limited.retiring:
            limited.retiring = True
            self._recycle(agent)


def rss_bytes(pid: int) -> int:
    """The resident set of a process; 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):
        return 0
