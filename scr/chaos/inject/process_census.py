"""The processes of one campaign, found by their mark, whatever they have become: nothing else is ever touched.

Every process that the driver starts, and all that grow out of it, have
`SCR_CHAOS=<token>` in their environment.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from scr.chaos.plan.kinds import type_of

PROC = Path("/proc")
VARIABLE = "SCR_CHAOS"
AGENT = re.compile(r"scr: (?P<agent>\S+) #(?P<incarnation>\d+)")
HELPER = re.compile(r"scr: (?P<helper>runtime|zygote|standby|keeper)\b")


@dataclass(frozen=True, slots=True)
class CensusEntry:
    """One process as it is now.  `type` is empty for what is none of those that faults can hit."""

    pid: int
    type: str
    agent: str = ""
    incarnation: int = 0


def recognised(pid: int, title: str) -> CensusEntry:
    """Who a process is, by its title."""
    if found := AGENT.match(title):
        agent = found["agent"]
        return CensusEntry(pid, type_of(agent), agent, int(found["incarnation"]))
    helper = HELPER.match(title)
    return CensusEntry(pid, helper["helper"] if helper else "")


def who(pid: int, title: str) -> CensusEntry:
    """Who a process is; what an agent has forked has its title too, and is not the agent."""
    seen = recognised(pid, title)
    with suppress(OSError):
        return seen if not seen.agent or os.getsid(pid) == pid else CensusEntry(pid, "")
    return CensusEntry(pid, "")


class Census:
    """Who belongs to this campaign.  Not for several threads at once.

    A process that has not had the mark when it was first seen never gets it:
    it was given at birth.
    """

    def __init__(self, token: str) -> None:
        self._mark = f"{VARIABLE}={token}".encode()
        self._strangers: set[int] = {os.getpid()}

    def now(self) -> list[CensusEntry]:
        """All that live, in order of pid."""
        pids = sorted(int(name) for name in os.listdir(PROC) if name.isdigit())  # noqa: PTH208  numbers, not paths
        self._strangers &= set(pids)
        candidates = [pid for pid in pids if pid not in self._strangers]
        return [who(pid, title) for pid in candidates if (title := self._title(pid)) is not None]

    def _title(self, pid: int) -> str | None:
        """The title of one of ours; None for strangers and for the dead."""
        try:
            marked = self._mark in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
            title = (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return None
        if not marked and title:
            self._strangers.add(pid)
        return title if marked else None

    def is_ours(self, pid: int) -> bool:
        """Whether that process has the mark, read afresh."""
        with suppress(OSError):
            return self._mark in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
        return False

    @contextmanager
    def held(self, seen: CensusEntry) -> Iterator[int | None]:
        """A pidfd of that very process, while it is ours and still who it was; None when it is not any more."""
        try:
            pidfd = os.pidfd_open(seen.pid)
        except OSError:
            yield None
            return
        try:
            is_same = self.is_ours(seen.pid) and who(seen.pid, self._title(seen.pid) or "") == seen
            yield pidfd if is_same else None
        finally:
            os.close(pidfd)

    def signal(self, seen: CensusEntry, number: int) -> bool:
        """Signal that very process; whether it was still there."""
        with self.held(seen) as pidfd:
            if pidfd is None:
                return False
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, number)
                return True
        return False


def dead_children(pid: int) -> list[int]:
    """The children of a process that have ended and that it has not reaped."""
    found = []
    for name in os.listdir(PROC):  # noqa: PTH208  numbers, not paths
        with suppress(OSError):
            fields = (PROC / name / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if name.isdigit() and fields[0] == "Z" and int(fields[1]) == pid:
                found.append(int(name))
    return found
