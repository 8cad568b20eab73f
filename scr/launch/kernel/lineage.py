"""From which runtimes a process descends, as /proc tells.

A runtime carries its id in its first environment, and all that it starts
inherits it.  Its orphans come back to it, their subreaper.  So the ancestors
of a process name every runtime that it descends from, whatever the process
has done to its own environment.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

WITHIN = "SCR_WITHIN"
PROC = Path("/proc")
CAN_TELL = (PROC / "self" / "environ").exists()
CREDENTIALS = struct.Struct("3i")
PEER_PIDFD = 77  # SO_PEERPIDFD: Linux 6.5 and later
CLIMBS = 20
RULE = "nothing that a runtime has started may operate a runtime that it did not start itself"


@dataclass(frozen=True, slots=True)
class Lineage:
    """A process with its ancestors, itself first, and the ids of the runtimes that they belong to."""

    pids: tuple[int, ...] = ()
    runtimes: frozenset[str] = frozenset()

    @classmethod
    def of(cls, pid: int) -> Self:
        """The process now; empty when it has ended, and when its ancestors end faster than they can be read."""
        for _ in range(CLIMBS):
            pids = tuple(_climb(pid))
            if pids and _is_whole(pids):
                return cls(pids, frozenset(name for one in pids if (name := _runtime_of(one))))
        return cls()


@dataclass(frozen=True, slots=True)
class Guard:
    """Who may come in: by the runtimes `within` which this process runs itself, and not what `runtime`, a pid, started.

    Where there is no /proc (macOS) processes cannot be told apart, and all of the user's may.
    """

    within: frozenset[str]
    runtime: int | None = None

    def refusal(self, sock: socket.socket) -> str:
        """Why the process at the other end may not come in; empty when it may."""
        if not CAN_TELL:
            return ""
        pid, *_ = CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
        return refused(pid, _lineage_at(sock, pid), self)


def refused(pid: int, seen: Lineage, guard: Guard) -> str:
    """Why a process may not come in; empty when it may.  Pure."""
    if not seen.pids:
        return f"process {pid} has ended, or cannot be seen from here"
    if guard.runtime in seen.pids:
        return f"process {pid} was started by this runtime; {RULE}"
    if strange := seen.runtimes - guard.within:
        return f"process {pid} was started by runtime {', '.join(sorted(strange))}; {RULE}"
    return ""


def _lineage_at(sock: socket.socket, pid: int) -> Lineage:
    """The lineage of the very process that has connected, and of none that has got its number since."""
    try:
        pidfd = _pidfd_of(sock, pid)
    except OSError:
        return Lineage()
    try:
        seen = Lineage.of(pid)
        return Lineage() if is_ended(pidfd) else seen
    finally:
        os.close(pidfd)


def _pidfd_of(sock: socket.socket, pid: int) -> int:
    """Of the process that has connected; by its number where the kernel cannot say.  Raises OSError when it ended."""
    try:
        (pidfd,) = struct.unpack("i", sock.getsockopt(socket.SOL_SOCKET, PEER_PIDFD, struct.calcsize("i")))
    except OSError as error:
        if error.errno != errno.ENOPROTOOPT:
            raise
        return os.pidfd_open(pid)
    return int(pidfd)


def is_ended(pidfd: int) -> bool:
    """Whether the process behind a pidfd (or a sentinel) has ended, reaped or not."""
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    return bool(poller.poll(0))


def _climb(pid: int) -> Iterator[int]:
    """A process and its ancestors, as far as they can be seen."""
    while pid > 0 and (parent := _parent_of(pid)) is not None:
        yield pid
        pid = parent


def _is_whole(pids: tuple[int, ...]) -> bool:
    """Whether each is still the parent of the one before it: one that ended meanwhile has left a gap."""
    *_, last = pids
    above = _parent_of(last)
    return above == 0 or (above is not None and _parent_of(above) is None and _parent_of(last) == above)


def _parent_of(pid: int) -> int | None:
    """None for a process that has ended, or that this user may not see."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[1])  # the name before it may hold anything


def _runtime_of(pid: int) -> str:
    """The runtime that a process belongs to by the environment that it began with, or empty."""
    try:
        environ = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return ""
    wanted = f"{WITHIN}=".encode()
    found = next((one for one in environ.split(b"\0") if one.startswith(wanted)), wanted)
    return found.removeprefix(wanted).decode(errors="replace")
