"""The warden of a runtime that has no zygote: a process that ends what the runtime leaves behind when it is killed.

It is a zygote that is never asked for a process.  The kernel ends the agents
themselves; the warden finds what they have started, by mark and by session.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable

from scr.errors import LaunchFailed
from scr.launch.zygote_process import ZygoteProcess
from scr.launch.zygote_protocol import WARDEN, ZygotePlan

AGAIN_S = 0.2


class WardenProcess:
    """A warden that is kept alive.  Lives in the runtime process, on its loop.

    `processes` yields the pid and the pidfd of every process that the launcher
    has alive, for a warden that takes the place of another.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, plan: ZygotePlan, processes: Callable[[], Iterable[tuple[int, int]]]
    ) -> None:
        assert plan.entry == WARDEN, plan.entry
        self._loop, self._plan, self._processes = loop, plan, processes
        self._warden: ZygoteProcess | None = None
        self._again: asyncio.TimerHandle | None = None
        self._start()

    @property
    def pid(self) -> int | None:
        """The warden's pid; None while there is none."""
        return self._warden.pid if self._warden else None

    def adopt(self, pid: int, pidfd: int) -> None:
        """Have the session of this process, which it leads, ended with the runtime; the caller keeps the pidfd."""
        if self._warden:
            with contextlib.suppress(OSError):  # it is full or has ended: then what is marked is found all the same
                self._warden.adopt(pid, pidfd)

    async def close(self) -> None:
        """End the warden: nothing is left for it to do."""
        if self._again:
            self._again.cancel()
        if warden := self._warden:
            self._forget(warden)
            warden.kill()
            await warden.ended(self._loop)
            warden.bury()

    def _start(self) -> None:
        self._again = None
        try:
            self._warden = warden = ZygoteProcess.start(self._plan)
        except LaunchFailed:
            self._again = self._loop.call_later(AGAIN_S, self._start)
            return
        self._loop.add_reader(warden.pidfd, self._mourn, warden)
        for pid, pidfd in self._processes():
            self.adopt(pid, pidfd)

    def _mourn(self, warden: ZygoteProcess) -> None:
        """The warden has ended: another one takes its place."""
        self._forget(warden)
        warden.bury()
        self._again = self._loop.call_later(AGAIN_S, self._start)

    def _forget(self, warden: ZygoteProcess) -> None:
        self._loop.remove_reader(warden.pidfd)
        self._warden = None
