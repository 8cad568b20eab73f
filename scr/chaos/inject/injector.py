"""The hands: does what the schedule says to processes of its own campaign, in bounded time, and undoes it all.

No call blocks for longer than a tracer takes to let go.  Used from one thread.
"""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from scr.chaos.inject.fault_result import Landed, Missed
from scr.chaos.inject.interposers import Lock, Trace, Undoable
from scr.chaos.inject.process_census import Census, CensusEntry
from scr.chaos.inject.wallclock import Jump
from scr.chaos.plan.fault_orders import Order, give, hinder, relieve, taken, withdraw
from scr.chaos.plan.faults import Fault
from scr.chaos.plan.kinds import KINDS, Way

TRY_S = 1.0
OBEY_S = 10.0
LOOK_S = 0.02
DAY_S = 86_400.0


@dataclass(eq=False, slots=True)
class Signalled:
    """A process that was stopped."""

    census: Census
    seen: CensusEntry

    def undo(self) -> None:
        """Let it go on."""
        self.census.signal(self.seen, signal.SIGCONT)


@dataclass(eq=False, slots=True)
class DescriptorLimit:
    """A process that may open no further descriptor."""

    census: Census
    seen: CensusEntry
    before: tuple[int, int]

    @classmethod
    def of(cls, census: Census, seen: CensusEntry) -> DescriptorLimit | None:
        """None when it is gone."""
        with census.held(seen) as pidfd, suppress(OSError):
            if pidfd is not None:
                highest = max(int(name) for name in os.listdir(f"/proc/{seen.pid}/fd"))  # noqa: PTH208  numbers, not paths
                before = resource.prlimit(seen.pid, resource.RLIMIT_NOFILE)
                resource.prlimit(seen.pid, resource.RLIMIT_NOFILE, (highest + 1, before[1]))
                return cls(census, seen, before)
        return None

    def undo(self) -> None:
        """As it was."""
        if self.census.is_ours(self.seen.pid):
            with suppress(OSError):
                resource.prlimit(self.seen.pid, resource.RLIMIT_NOFILE, self.before)


@dataclass(slots=True)
class UnderWay:
    """A fault that waits: for a victim, for the agent that is to obey, for its time to be over."""

    fault: Fault
    since: float
    victim: CensusEntry | None = None
    undoable: Undoable | None = None
    landed: Landed | None = None
    there: frozenset[int] = frozenset()


@dataclass
class Injector:
    """`command` tells the driver what a client is to do; `store` is the file of the store, where it is one."""

    census: Census
    folder: Path
    command: Callable[[dict[str, object]], None]
    store: Path | None
    landed: list[Landed] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)
    _under_way: list[UnderWay] = field(default_factory=list)
    _looked_at: float = 0.0

    @property
    def is_idle(self) -> bool:
        """Nothing is under way."""
        return not self._under_way

    def begin(self, fault: Fault) -> None:
        """It is time for this fault."""
        self._under_way.append(UnderWay(fault, time.monotonic()))

    def tick(self) -> None:
        """Go on with what is under way.  Called every few milliseconds."""
        if not self._under_way:
            return
        now = time.monotonic()
        fresh = any(one.landed is None and one.victim is None for one in self._under_way)
        if not fresh and now - self._looked_at < LOOK_S:
            return
        self._looked_at = now
        seen, obeyed = self.census.now(), taken(self.folder)
        self._under_way = [one for one in self._under_way if not self._is_over(one, seen, obeyed)]

    def heal(self) -> None:
        """Undo everything, now: nothing is stopped, limited, locked or traced any more."""
        for one in self._under_way:
            if one.undoable:
                one.undoable.undo()
            if one.victim and one.landed is None:
                withdraw(self.folder, one.victim.agent)
            self._close(one, "the campaign was over")
        self._under_way = []
        relieve(self.folder)
        for seen in self.census.now():
            self.census.signal(seen, signal.SIGCONT)

    def _is_over(self, one: UnderWay, seen: Sequence[CensusEntry], obeyed: dict[int, tuple[float, int]]) -> bool:
        if one.landed is None:
            self._try(one, seen, obeyed)
        if one.landed is None:
            waits_s = OBEY_S if one.victim else TRY_S
            if time.monotonic() - one.since < waits_s:
                return False
            if one.victim and KINDS[one.fault.kind].way is Way.ORDER:
                withdraw(self.folder, one.victim.agent)
            self._close(one, "nobody was there" if one.victim is None else "nobody came to that point of a handler")
            return True
        return self._is_past(one, one.landed, seen)

    def _is_past(self, one: UnderWay, landed: Landed, seen: Sequence[CensusEntry]) -> bool:
        """Whether a fault that was done is undone, and a helper process is there again that it took away."""
        now = time.monotonic()
        if one.undoable and one.fault.kind != "stop":
            if now - landed.at < one.fault.hold_s:
                return False
            one.undoable.undo()
            one.undoable, landed = None, replace(landed, until=time.monotonic())
            one.landed = landed
        if landed.target in {"zygote", "standby"} and KINDS[one.fault.kind].ends:
            if not any(other.type == landed.target and other.pid not in one.there for other in seen):
                return False if now - landed.at < OBEY_S else self._close(one)
            one.landed = replace(landed, seen_at=now)
        return self._close(one)

    def _close(self, one: UnderWay, why: str = "") -> bool:
        if one.landed:
            self.landed.append(one.landed)
        else:
            self.missed.append(Missed(one.fault.n, one.fault.kind, one.fault.target, why))
        return True

    def _try(self, one: UnderWay, seen: Sequence[CensusEntry], obeyed: dict[int, tuple[float, int]]) -> None:
        """Do it, if it can be done now."""
        one.there = frozenset(other.pid for other in seen)
        match KINDS[one.fault.kind].way:
            case Way.CLIENT:
                self._by_client(one, seen, obeyed)
            case Way.ORDER:
                self._by_order(one, seen, obeyed)
            case Way.SIGNAL if one.fault.target == "tree":
                self._kill(one, CensusEntry(0, "tree"), *(other for other in seen if other.type != "keeper"))
            case _:
                if victim := self._chosen(one, seen):
                    self._by_hand(one, victim)

    def _by_hand(self, one: UnderWay, victim: CensusEntry) -> None:
        match one.fault.kind:
            case "kill":
                self._kill(one, victim, victim)
            case "start_fails" | "never_starts":
                hinder(self.folder, victim.agent, one.fault.times)
                self._kill(one, victim, victim)
            case "stop" | "stop_cont":
                if self.census.signal(victim, signal.SIGSTOP):
                    one.undoable = Signalled(self.census, victim)
            case "fds":
                one.undoable = DescriptorLimit.of(self.census, victim)
            case "store_locked":
                with suppress(sqlite3.Error):
                    one.undoable = Lock(self.store) if self.store else None
            case "clock_jump":
                one.undoable = jump = Jump(self.folder, DAY_S if one.fault.pick < 0.5 else -DAY_S)
                jump.do()
            case kind:
                with self.census.held(victim) as pidfd:
                    if pidfd is not None:
                        one.undoable = Trace(kind, victim.pid, self.store if kind.startswith("store_") else None)
        if one.undoable:
            one.landed = self._landed(one, victim)

    def _kill(self, one: UnderWay, victim: CensusEntry, *processes: CensusEntry) -> None:
        """The time is taken before: who is killed may be up again before this process has the next word."""
        at = time.monotonic()
        hit = sum(self.census.signal(process, signal.SIGKILL) for process in processes)
        if hit:
            one.landed = self._landed(one, victim, at)

    def _by_client(self, one: UnderWay, seen: Sequence[CensusEntry], obeyed: dict[int, tuple[float, int]]) -> None:
        fault = one.fault
        if one.victim is None:
            one.victim = self._chosen(one, seen) if fault.kind == "misfit" else CensusEntry(0, fault.target)
            if one.victim is None:
                return
            self.command({"do": fault.kind, "n": fault.n, "hold_s": fault.hold_s, "agent": one.victim.agent})
        if fault.n in obeyed:
            one.landed = self._landed(one, one.victim, obeyed[fault.n][0])

    def _by_order(self, one: UnderWay, seen: Sequence[CensusEntry], obeyed: dict[int, tuple[float, int]]) -> None:
        fault = one.fault
        if one.victim is None and (victim := self._chosen(one, seen)):
            give(self.folder, victim.agent, Order(fault.n, fault.kind, fault.point, fault.hold_s, fault.times))
            one.victim = victim
        if one.victim and fault.n in obeyed:
            at, pid = obeyed[fault.n]
            one.landed = self._landed(one, replace(one.victim, pid=pid), at)

    def _chosen(self, one: UnderWay, seen: Sequence[CensusEntry]) -> CensusEntry | None:
        """Whom to hit, among those who are not hit by another fault at this moment."""
        busy = {other.victim.agent for other in self._under_way if other.victim}
        held = {other.landed.pid for other in self._under_way if other.landed}
        able = [
            other
            for other in seen
            if other.type == one.fault.target and other.pid not in held and not (other.agent and other.agent in busy)
        ]
        return able[int(one.fault.pick * len(able))] if able else None

    def _landed(self, one: UnderWay, victim: CensusEntry, at: float | None = None) -> Landed:
        now = at or time.monotonic()
        one.victim = victim
        return Landed(
            one.fault.n, one.fault.kind, one.fault.target, victim.agent or one.fault.target, victim.pid, now, now
        )
