"""Processes that are already there: takeover costs one message instead of a fork."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass

from scr.errors import LaunchFailed
from scr.launch.kernel.lineage import is_ended
from scr.launch.kernel.proc_stats import is_stopped
from scr.launch.launcher import BLANK, Launcher, LaunchRequest, Process, Ready
from scr.launch.reaper import reap, signal_group

FAILURES_MAX = 5
RETRY_S = 0.05
CALM_S = 0.01  # whoever takes a standby over is to have the processors for itself, not share them with a fork
HEALTHY_S = 5.0


@dataclass(frozen=True, slots=True)
class IdleProcess:
    """A blank process that waits to become somebody.  `since` is loop time in seconds."""

    process: Process
    since: float


class StandbyPool:
    """A launcher around a launcher that keeps `size` blank processes idle.  Lives on the runtime's loop.

    A standby that dies is replaced; when replacements fail again and again, the
    pool waits longer each time, and after `FAILURES_MAX` for the next request.
    Size 0 passes every request through.
    """

    def __init__(self, launcher: Launcher, size: int) -> None:
        self._launcher = launcher
        self._size = size
        self._idle: dict[int, IdleProcess] = {}
        self._starting = 0
        self._failures = 0
        self._retry: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._refill_in(CALM_S)

    @property
    def idle(self) -> int:
        """How many processes stand by at this moment."""
        return len(self._idle)

    def launch(self, request: LaunchRequest, ready: Ready) -> None:
        """Hand out the oldest live standby, or pass the request on when there is none."""
        process = self._take()
        if process:
            asyncio.get_running_loop().call_soon(ready, process)
        else:
            self._launcher.launch(request, ready)
        self._failures = 0
        self._refill_in(CALM_S)

    async def close(self) -> None:
        """End the idle processes and close the launcher."""
        self._is_closed = True
        if self._retry:
            self._retry.cancel()
        idle = [self._forget(pid) for pid in tuple(self._idle)]
        for process in idle:
            signal_group(process.pid, process.pidfd, signal.SIGKILL)
        await self._launcher.close()
        for process in idle:
            _bury(process)

    def _take(self) -> Process | None:
        for pid in tuple(self._idle):
            process = self._forget(pid)
            if is_ended(process.pidfd):
                _bury(process)
            elif is_stopped(pid):  # it would be waited for as long as a start may take, and so would all behind it
                signal_group(pid, process.pidfd, signal.SIGKILL)
                process.close()
            else:
                return process
        return None

    def _refill(self) -> None:
        self._retry = None
        for _ in range(self._size - len(self._idle) - self._starting):
            self._starting += 1
            self._launcher.launch(BLANK, self._arrive)

    def _arrive(self, outcome: Process | LaunchFailed) -> None:
        self._starting -= 1
        if isinstance(outcome, LaunchFailed):
            self._refill_later()
        elif self._is_closed:
            signal_group(outcome.pid, outcome.pidfd, signal.SIGKILL)
            outcome.close()
        else:
            loop = asyncio.get_running_loop()
            self._idle[outcome.pid] = IdleProcess(outcome, loop.time())
            loop.add_reader(outcome.pidfd, self._lose, outcome.pid)

    def _lose(self, pid: int) -> None:
        """A standby has died before anybody needed it."""
        if asyncio.get_running_loop().time() - self._idle[pid].since > HEALTHY_S:
            self._failures = 0
        _bury(self._forget(pid))
        self._refill_later()

    def _forget(self, pid: int) -> Process:
        process = self._idle.pop(pid).process
        asyncio.get_running_loop().remove_reader(process.pidfd)
        return process

    def _refill_later(self) -> None:
        self._failures += 1
        if self._failures <= FAILURES_MAX:
            self._refill_in(RETRY_S * 2 ** (self._failures - 1))

    def _refill_in(self, delay_s: float) -> None:
        if self._retry is None and not self._is_closed:
            self._retry = asyncio.get_running_loop().call_later(delay_s, self._refill)


def _bury(process: Process) -> None:
    reap(process.pid, process.pidfd)
    process.close()
