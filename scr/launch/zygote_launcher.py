"""The launcher that forks: about 5 ms a process, because all imports are done already, in the zygote.

The zygote may die at any moment.  That harms no process that it has started; a
new one is started in its place and gets the requests that were not answered.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

from scr.errors import LaunchFailed
from scr.launch.launcher import LaunchRequest, Process, Ready, Wiring
from scr.launch.reaper import become_subreaper, signal_group
from scr.launch.zygote_process import ZygoteProcess
from scr.launch.zygote_protocol import WARDEN, Born, ForkRefused, Reply, Unfit, Up, ZygotePlan

WINDOW = 16
QUEUE_MAX = 10_000
LAUNCH_DEADLINE_S = 30.0
IMPORT_S = 30.0
ANSWER_S = 5.0
RESTARTS_MAX = 5
RESTARTS_WITHIN_S = 10.0


@dataclass(eq=False, slots=True)
class PendingLaunch:
    """One process that somebody waits for."""

    ready: Ready
    deadline: asyncio.TimerHandle | None = None
    wiring: Wiring | None = None


class ZygoteLauncher:
    """Launches by asking a zygote.  Lives in the runtime process, on its loop; makes that process a child subreaper.

    The first zygote starts in the constructor, so that its imports overlap the
    runtime's own.  `entry` and `preload` are names to import there, with this
    process's `sys.path`.  `scratch` is a directory that the zygote removes when
    the runtime is gone.  Raises LaunchFailed where the kernel lacks what it takes.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        entry: str,
        runtime_id: str,
        scratch: Path,
        preload: tuple[str, ...] = (),
        deadline_s: float = LAUNCH_DEADLINE_S,
        zygote: ZygoteProcess | None = None,
    ) -> None:
        become_subreaper()
        self._loop = loop
        self._plan = ZygotePlan(entry, preload, runtime_id, os.getpid(), str(scratch), tuple(sys.path))
        self._deadline_s = deadline_s
        self._waiting: deque[PendingLaunch] = deque()
        self._sent: dict[int, PendingLaunch] = {}
        self._tickets = 0
        self._starts: deque[float] = deque()
        self._zygote: ZygoteProcess | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._calm: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._revive(zygote)

    @property
    def zygote_pid(self) -> int | None:
        """The zygote's pid, for those who show it or who inject faults; None while there is none."""
        return self._zygote.pid if self._zygote else None

    def launch(self, _request: LaunchRequest, ready: Ready) -> None:
        """Ask the zygote for one process; see `Launcher`."""
        if self._is_closed or len(self._waiting) >= QUEUE_MAX:
            why = "the launcher is closed" if self._is_closed else f"{QUEUE_MAX} processes are asked for already"
            self._loop.call_soon(ready, LaunchFailed(why))
            return
        request = PendingLaunch(ready)
        request.deadline = self._loop.call_later(self._deadline_s, self._expire, request)
        self._waiting.append(request)
        if self._zygote is None and self._calm is None:
            self._revive()
        self._pump()

    async def close(self) -> None:
        """Have the zygote end everything of this runtime, by mark and by session, and remove the scratch directory.

        When it is not there or does not do so in time, another one is started for
        that.  This process itself is spared.  Raises LaunchFailed when there is none
        and none can be started.
        """
        if self._is_closed:
            return
        self._is_closed = True
        if self._calm:
            self._calm.cancel()
        self._refuse_all("the launcher is closed")
        if self._zygote is None or not await self._dismiss(self._zygote):
            await self._dismiss(ZygoteProcess.start(replace(self._plan, entry=WARDEN, preload=())))

    async def _dismiss(self, zygote: ZygoteProcess) -> bool:
        """Let it clean up and end; False when it had to be killed instead."""
        self._desert(zygote)
        zygote.dismiss()
        if not (has_ended := await zygote.ended(self._loop)):
            zygote.kill()
            await zygote.ended(self._loop)
        zygote.bury()
        return has_ended

    # The requests.

    def _pump(self) -> None:
        """Send what the zygote may have in hand at once; the rest waits here, without descriptors."""
        zygote = self._zygote
        while zygote and zygote.is_up and self._waiting and len(self._sent) < WINDOW:
            request = self._waiting[0]
            try:
                wiring = Wiring.lay()
            except LaunchFailed as error:
                self._answer(self._waiting.popleft(), error)
                continue
            try:
                zygote.request(self._tickets, wiring)
            except OSError:  # its buffer is full, or it has just ended: there will be a word of it, and then again
                wiring.close_theirs()
                wiring.close_ours()
                break
            request.wiring = wiring
            self._sent[self._tickets] = self._waiting.popleft()
            self._tickets += 1
        if self._patience is None:
            self._expect_word()

    def _hear(self, zygote: ZygoteProcess) -> None:
        for reply, descriptors in zygote.replies():
            self._obey(zygote, reply, descriptors)
        self._expect_word()
        self._pump()

    def _obey(self, zygote: ZygoteProcess, reply: Reply, descriptors: list[int]) -> None:
        match reply:
            case Up():
                zygote.is_up = True
            case Unfit(why):
                zygote.is_unfit = True
                self._refuse_all(why)
            case ForkRefused(ticket, why):
                if request := self._sent.pop(ticket, None):
                    self._unwire(request)
                    self._answer(request, LaunchFailed(why))
            case Born(ticket, pid):
                (pidfd,) = descriptors
                request = self._sent.pop(ticket, None)
                if request and request.wiring:
                    self._answer(request, request.wiring.process(pid, pidfd))
                else:  # it came too late: nobody wants it any more
                    signal_group(pid, pidfd, signal.SIGKILL)
                    os.close(pidfd)

    def _answer(self, request: PendingLaunch, outcome: Process | LaunchFailed) -> None:
        if request.deadline:
            request.deadline.cancel()
        self._loop.call_soon(request.ready, outcome)

    def _unwire(self, request: PendingLaunch) -> None:
        if request.wiring:
            request.wiring.close_ours()
            request.wiring = None

    def _expire(self, request: PendingLaunch) -> None:
        if request in self._waiting:
            self._waiting.remove(request)
        self._sent = {ticket: one for ticket, one in self._sent.items() if one is not request}
        self._unwire(request)
        self._answer(request, LaunchFailed(f"no process within {self._deadline_s:g} s: the zygote {self._state()}"))

    def _state(self) -> str:
        if self._zygote is None:
            return f"has ended {len(self._starts)} times within {RESTARTS_WITHIN_S:g} s; see what it wrote to stderr"
        return "gave no answer" if self._zygote.is_up else "is not up yet"

    def _refuse_all(self, why: str) -> None:
        for request in (*self._sent.values(), *self._waiting):
            self._unwire(request)
            self._answer(request, LaunchFailed(why))
        self._sent.clear()
        self._waiting.clear()

    # The zygote's life.

    def _revive(self, started: ZygoteProcess | None = None) -> None:
        """Start a zygote, or take the one that was `started` ahead.

        Too many that have ended lately are enough for now: whoever waits goes on
        waiting, as long as it may.  A refusal would be a failed start of every
        agent, and eat the restart limits of supervisors who can do nothing about it.
        """
        now, self._calm = self._loop.time(), None
        while self._starts and self._starts[0] <= now - RESTARTS_WITHIN_S:
            self._starts.popleft()
        if len(self._starts) > RESTARTS_MAX:
            self._calm = self._loop.call_at(self._starts[0] + RESTARTS_WITHIN_S, self._revive)
            return
        self._starts.append(now)
        try:
            self._zygote = zygote = started or ZygoteProcess.start(self._plan)
        except LaunchFailed as error:
            self._refuse_all(str(error))
            return
        self._loop.add_reader(zygote.control, self._hear, zygote)
        self._loop.add_reader(zygote.pidfd, self._mourn, zygote)
        self._expect_word()

    def _mourn(self, zygote: ZygoteProcess) -> None:
        """The zygote has ended: its last words still count, then another one takes over."""
        self._hear(zygote)
        self._desert(zygote)
        zygote.bury()
        for request in reversed(self._sent.values()):
            self._unwire(request)
            self._waiting.appendleft(request)
        self._sent.clear()
        if not zygote.is_unfit or self._waiting:
            self._revive()

    def _desert(self, zygote: ZygoteProcess) -> None:
        """Listen to this zygote no longer."""
        self._loop.remove_reader(zygote.control)
        self._loop.remove_reader(zygote.pidfd)
        self._zygote = None
        self._expect_word()

    def _expect_word(self) -> None:
        """From now on the zygote has to say something in time, if something is due, or it is killed as stuck."""
        if self._patience:
            self._patience.cancel()
        self._patience = None
        if self._zygote and not self._zygote.is_up:
            self._patience = self._loop.call_later(IMPORT_S, self._zygote.kill)
        elif self._zygote and self._sent:
            self._patience = self._loop.call_later(ANSWER_S, self._zygote.kill)
