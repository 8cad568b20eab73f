"""The one place that waits on pids, so that every end is seen once and truly.

A process that dies before it is watched is not lost: its status is parked.
Orphans that the runtime adopts as child subreaper are reaped in passing, so
that no zombie stays.  Nobody else in this process may wait on a child: not
`subprocess`, not `Process.join`.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from scr.errors import LaunchFailed
from scr.launch.kernel.lineage import is_ended
from scr.launch.kernel.prctl import set_child_subreaper
from scr.launch.wait_status import Usage, WaitStatus

if TYPE_CHECKING:
    import asyncio  # for its types alone: a runtime that is only starting its zygote has no time for it

PARKED_MAX = 1024
SWEPT_MAX = 256
RETRY_S = 0.01
MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss


Done = Callable[[WaitStatus], None]
LOST = WaitStatus()


class Reaper:
    """Waits on every child of this process without ever blocking.  Made and used on the loop of the main thread.

    When a watched process ends, what it left behind in its own process group is
    killed first: that is safe only while the process is not reaped, because until
    then its number cannot belong to anybody else.  So watch a process before it
    is told who it is: it has nothing to leave behind then.
    `halted` is told of every child that was stopped (SIGSTOP, a debugger) or continued.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, halted: Callable[[int, bool], None] = lambda _pid, _is_halted: None
    ) -> None:
        self._loop, self._halted = loop, halted
        self._watched: dict[int, tuple[int, Done]] = {}
        self._parked: OrderedDict[int, WaitStatus] = OrderedDict()
        loop.add_signal_handler(signal.SIGCHLD, self._sweep)
        loop.call_soon(self._sweep)

    def watch(self, pid: int, pidfd: int, done: Done) -> None:
        """Call `done` on the loop, once, when the process has ended.  `pidfd` must stay open until then."""
        if not is_ended(pidfd):
            self._parked.pop(pid, None)  # of an earlier process that had the same number
        self._watched[pid] = (pidfd, done)
        self._loop.add_reader(pidfd, self._take, pid)

    def close(self) -> None:
        """Watch nothing any more."""
        self._loop.remove_signal_handler(signal.SIGCHLD)
        for pidfd, _ in self._watched.values():
            self._loop.remove_reader(pidfd)
        self._watched.clear()

    def _sweep(self) -> None:
        """Reap whoever has ended, watched or not, and tell of whoever was halted; a bounded number at a time."""
        for child, is_halted in _halts():
            self._halted(child, is_halted)
        for _ in range(SWEPT_MAX):
            pid = _first_ended()
            if pid is None:
                return
            self._take(pid)
        self._loop.call_soon(self._sweep)

    def _take(self, pid: int) -> None:
        watch = self._watched.get(pid)
        if watch is not None:
            kill_leftovers(pid)
        status = self._status(pid)
        if watch is None:
            self._park(pid, status)
            return
        pidfd, done = watch
        self._loop.remove_reader(pidfd)
        if status is None:  # a sentinel that is no pidfd may tell of an end a moment too early
            self._loop.call_later(RETRY_S, self._take, pid)
            return
        del self._watched[pid]
        self._loop.call_soon(done, status)  # whatever `done` raises, the sweep goes on

    def _status(self, pid: int) -> WaitStatus | None:
        try:
            waited, status, used = os.wait4(pid, os.WNOHANG)
        except ChildProcessError:
            return self._parked.pop(pid, LOST)
        return WaitStatus.of(os.waitstatus_to_exitcode(status), usage_of(used)) if waited else None

    def _park(self, pid: int, status: WaitStatus | None) -> None:
        if status is None or status.lost:
            return
        self._parked[pid] = status
        while len(self._parked) > PARKED_MAX:
            self._parked.popitem(last=False)


def usage_of(used: resource.struct_rusage) -> Usage:
    """What wait4(2) says that a process had used."""
    return Usage(memory_bytes=used.ru_maxrss * MAXRSS_BYTES, cpu_s=used.ru_utime + used.ru_stime)


def become_subreaper() -> None:
    """Have orphaned descendants become children of this process.  Raises LaunchFailed where the kernel cannot."""
    try:
        set_child_subreaper(on=True)
    except OSError as error:
        raise LaunchFailed(f"this kernel lets no process adopt orphans ({error}); use the spawn launcher") from error


def signal_group(pid: int, pidfd: int, signal_number: int) -> bool:
    """Send a signal to a launched process and to all of its group; False when it is already reaped.

    Safe against reused numbers as long as the caller runs on the Reaper's loop:
    nothing is reaped between the check and the signal.
    """
    if not _is_unreaped(pidfd):
        return False
    if _leads_own_group(pid):
        os.killpg(pid, signal_number)
    else:
        os.kill(pid, signal_number)
    return True


def kill_leftovers(pid: int) -> None:
    """SIGKILL to what is left in the group of a process that has ended and is not reaped yet."""
    if _leads_own_group(pid):
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left whom we may kill
            os.killpg(pid, signal.SIGKILL)


def reap(pid: int, pidfd: int) -> None:
    """Take an ended child out of the process table, for those who do not want its status."""
    with contextlib.suppress(OSError):  # the Reaper was first, or will be: `pidfd` is only a sentinel
        if hasattr(os, "P_PIDFD"):
            os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
        else:
            os.waitpid(pid, os.WNOHANG)


def _halts() -> Iterator[tuple[int, bool]]:
    """The children that were stopped (True) or continued (False) since this was asked last."""
    if not hasattr(os, "waitid"):
        return
    for _ in range(SWEPT_MAX):
        try:
            change = os.waitid(os.P_ALL, 0, os.WSTOPPED | os.WCONTINUED | os.WNOHANG)
        except ChildProcessError:
            return
        if change is None:
            return
        yield change.si_pid, change.si_code != os.CLD_CONTINUED


def _first_ended() -> int | None:
    if not hasattr(os, "waitid"):
        return None  # macOS before Python 3.13: nobody adopts orphans there either
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return ended.si_pid if ended else None


def _is_unreaped(pidfd: int) -> bool:
    try:
        signal.pidfd_send_signal(pidfd, 0)
    except ProcessLookupError:
        return False
    except (AttributeError, OSError):  # no such call, or only a sentinel: it may be reaped as soon as it has ended
        return not is_ended(pidfd)
    return True


def _leads_own_group(pid: int) -> bool:
    """A launched process does, once it has called setsid; never true of the group of this process itself."""
    try:
        return os.getpgid(pid) == pid and pid != os.getpgrp()
    except ProcessLookupError:
        return False
