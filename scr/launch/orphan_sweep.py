"""Ends every process that a runtime has left behind.

Two marks tell that a process is the runtime's: its environment names the
runtime, or its session is one that the runtime's launcher made.  The first
finds those who left the session, the second those whose environment was
cleared.  Who did both is out of reach.

`doomed` and the parsers are pure; the rest reads /proc and kills.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from scr.launch.child_setup import MARK

SWEEP_S = 2.5  # killed at once; on a busy machine it takes them a while to be gone
PAUSE_S = 0.005
CLEAN_PASSES = 2
PROC = Path("/proc")
DEAD_STATES = frozenset("ZX")


@dataclass(frozen=True, slots=True)
class LiveProcess:
    """One live process, as /proc shows it.  The pid and `started`, in clock ticks since boot, are its identity."""

    pid: int
    session: int
    started: int
    is_marked: bool


def doomed(seen: Iterable[LiveProcess], sessions: AbstractSet[int], spared: AbstractSet[int]) -> list[LiveProcess]:
    """Who is the runtime's: marked, or in one of its sessions, and not spared."""
    return [one for one in seen if one.pid not in spared and (one.is_marked or one.session in sessions)]


def parse_stat(pid: int, stat: str, environ: bytes, mark: bytes) -> LiveProcess | None:
    """A process from its `stat` and `environ` files; None when it is dead and only not reaped."""
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything, blanks and brackets too
    if fields[0] in DEAD_STATES:
        return None
    return LiveProcess(pid, session=int(fields[3]), started=int(fields[19]), is_marked=mark in environ.split(b"\0"))


def look(pid: int, runtime_id: str) -> LiveProcess | None:
    """One process now; None when it is gone, dead or not ours to read."""
    try:
        environ = (PROC / str(pid) / "environ").read_bytes()
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    return parse_stat(pid, stat, environ, f"{MARK}={runtime_id}".encode())


def look_around(runtime_id: str) -> Iterator[LiveProcess]:
    """Every live process that may be read."""
    for entry in PROC.iterdir():
        if entry.name.isdecimal() and (one := look(int(entry.name), runtime_id)):
            yield one


def strike(one: LiveProcess, runtime_id: str) -> None:
    """SIGKILL to this very process and to no other that has got its number since."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        pidfd = os.pidfd_open(one.pid)
        try:
            again = look(one.pid, runtime_id)
            if again and again.started == one.started:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        finally:
            os.close(pidfd)


def end_all(runtime_id: str, sessions: AbstractSet[int], spared: AbstractSet[int]) -> bool:
    """Kill all that is the runtime's until there is none; False when there still is after `SWEEP_S`.

    One clean pass is not enough: a process in the middle of a fork or an exec
    may show itself only in the next.
    """
    clean = 0
    until = time.monotonic() + SWEEP_S
    while time.monotonic() < until:
        found = doomed(look_around(runtime_id), sessions, spared)
        for one in found:
            strike(one, runtime_id)
        clean = 0 if found else clean + 1
        if clean == CLEAN_PASSES:
            return True
        time.sleep(PAUSE_S)
    return False


class Sessions:
    """The sessions that a zygote has made and that may still have members: the numbers that are certainly ours.

    A number is free for strangers once its session is empty, so a session whose
    leader has ended is looked after (`settle`) until it is empty and forgotten.
    """

    def __init__(self) -> None:
        self.leaders: dict[int, int] = {}
        self.leaderless: set[int] = set()

    def adopt(self, pid: int, pidfd: int) -> None:
        """A new session and the pidfd of its leader, which is ours now; `bereave` when it becomes readable."""
        self.leaders[pidfd] = pid

    def bereave(self, pidfd: int) -> None:
        """The leader behind this pidfd has ended."""
        self.leaderless.add(self.leaders.pop(pidfd))
        os.close(pidfd)

    def settle(self) -> None:
        """Forget the leaderless sessions that are empty."""
        self.leaderless &= {one.session for one in look_around("")}

    def all(self) -> AbstractSet[int]:
        """Every session that may have members."""
        return self.leaderless | set(self.leaders.values())
