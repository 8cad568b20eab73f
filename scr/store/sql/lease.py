"""Who works on a run, and who may take it over.

An owner renews its lease while it lives, and every write of its carries the
epoch under which it owns the run.  Whoever takes the run over raises the
epoch, so that an owner that wakes up later writes nothing.

An owner string names a process so that others on the same machine can tell
whether it lives: boot, namespace of process ids, process id, start time.
Leases in a file are told by the clock that counts from the boot of the machine
(and goes on while it sleeps); those in a server by the server's.  So the wall
clock may jump as it likes.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Lease:
    """What a run says of its owner.  `until` is on the same clock as the `now` that it is judged by."""

    owner: str | None
    until: float


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, told apart from every other of this machine; `boot` is empty where the machine does not say."""

    boot: str
    namespace: str
    pid: int
    started: int

    def __str__(self) -> str:
        return f"{self.boot}/{self.namespace}/{self.pid}/{self.started}"


def parse(text: str) -> Owner | None:
    """The owner of that name; None for a name that is not of a process."""
    try:
        boot, namespace, pid, started = text.split("/")
        return Owner(boot, namespace, int(pid), int(started))
    except ValueError:
        return None


def is_claimable(lease: Lease, me: Owner, *, is_alive: bool | None, is_shared: bool, now: float) -> bool:
    """Whether this process may take the run.  Pure.

    `is_alive`: whether the owner's process lives, None where that cannot be
    seen from here.  `is_shared`: other machines reach the store too, and
    leases are on its clock; else they are on this machine's, and end with its boot.
    """
    owner = parse(lease.owner) if lease.owner else None
    match lease.owner, is_alive:
        case (None, _) | (_, False):
            return True
        case _ if owner == me:
            return True
        case _ if owner and owner.boot != me.boot and not is_shared:
            return True
        case _:
            return lease.until <= now


def boot_time() -> float:
    """Seconds since the machine started, the time that it slept included."""
    return time.clock_gettime(BOOT_CLOCK)


def this_process() -> Owner:
    """The process that asks."""
    return Owner(_boot(), _namespace(), os.getpid(), _started(os.getpid()) or 0)


def is_alive(owner: str) -> bool | None:
    """Whether the process of that name lives; None where it cannot be seen from here."""
    found = parse(owner)
    if found is None or not found.boot or (found.boot, found.namespace) != (_boot(), _namespace()):
        return None
    return _started(found.pid) == found.started


@cache
def _boot() -> str:
    return _read(PROC / "sys/kernel/random/boot_id")


@cache
def _namespace() -> str:
    try:
        return str((PROC / "self/ns/pid").readlink()).partition("[")[2].rstrip("]")
    except OSError:
        return ""


def _started(pid: int) -> int | None:
    """When the process began, in ticks since the boot; None when there is none, or only its remains."""
    state, *fields = _read(PROC / str(pid) / "stat").rpartition(") ")[2].split() or ["X"]
    return None if state in "ZX" else int(fields[18])


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
