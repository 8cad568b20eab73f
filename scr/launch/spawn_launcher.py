"""The portable launcher: a fresh interpreter for each process, by `multiprocess`'s spawn.

About 100 ms a process instead of 5.  Without pidfds (macOS) an end is seen on
the sentinel of `multiprocess`, which a grandchild that inherited it can hold
back, the child notices the runtime's end on a pipe, in a thread, and there is
no warden: a process that an agent has started may outlive a runtime that is
killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from multiprocess import get_context, parent_process, resource_tracker
from multiprocess import process as multiprocess_process
from multiprocess.connection import wait
from multiprocess.reduction import DupFd

from scr.config import Channel
from scr.errors import LaunchFailed
from scr.launch.channel_ends import ChannelEnd, Lay, socket_pair
from scr.launch.child_setup import die_with, find_entry, marked_environment, settle
from scr.launch.launcher import LaunchRequest, Process, Ready, Wiring
from scr.launch.module_paths import module_path
from scr.launch.orphan_sweep import end_all
from scr.launch.queue_ends import queue_pair
from scr.launch.reaper import signal_group
from scr.launch.warden import WardenProcess
from scr.launch.zygote_protocol import WARDEN, ZygotePlan

CLOSE_S = 3.0
PATH, SAFE = "PYTHONPATH", "PYTHONSAFEPATH"
OURS = (PATH, SAFE)
HAS_PIDFDS = hasattr(os, "pidfd_open")


class Pipes:
    """The child's stdout and stderr; pickled while `multiprocess` starts a process, they are passed on to it."""

    def __init__(self, *descriptors: int) -> None:
        self.descriptors = descriptors

    def __reduce__(self) -> tuple[Callable[..., Pipes], tuple[Any, ...]]:
        return _taken, tuple(DupFd(descriptor) for descriptor in self.descriptors)


class SpawnLauncher:
    """Launches by `multiprocess`.  Lives in the runtime process, on the loop of its main thread.

    `pidfds` says whether to use pidfds and the death signal; the default is what
    the system has.  With pidfds and a `scratch` directory a warden ends what a
    killed runtime leaves, and removes that directory.  `channel` says what a process and the runtime talk over: a
    private socket pair, or a private pair of queues.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        entry: str,
        runtime_id: str,
        pidfds: bool = HAS_PIDFDS,
        channel: Channel = "socket",
        scratch: Path | None = None,
    ) -> None:
        self._loop = loop
        self._entry = entry
        self._runtime_id = runtime_id
        self._pidfds = pidfds
        self._context = get_context("spawn")
        self._lay: Lay = socket_pair if channel == "socket" else queue_pair
        self._alive: dict[int, Any] = {}
        self._is_closed = False
        self._none_alive = asyncio.Event()
        self._none_alive.set()
        with _fresh({}):
            resource_tracker.ensure_running()  # it outlives us by a moment and must not bear our mark
        self._warden: WardenProcess | None = None
        if pidfds and scratch:
            plan = ZygotePlan(WARDEN, (), runtime_id, os.getpid(), str(scratch), tuple(sys.path))
            self._warden = WardenProcess(loop, plan, self._living)

    @property
    def warden_pid(self) -> int | None:
        """The warden's pid, for those who show it; None while there is none."""
        return self._warden.pid if self._warden else None

    def launch(self, _request: LaunchRequest, ready: Ready) -> None:
        """Start a fresh interpreter; see `Launcher`.  Its imports happen later, in the process itself."""
        self._loop.call_soon(self._start, ready)

    async def close(self) -> None:
        """Kill what is left, by group and, where there is a /proc, by mark."""
        self._is_closed = True
        for watched, child in self._alive.items():
            signal_group(child.pid, watched, signal.SIGKILL)
        if HAS_PIDFDS:
            sessions = {child.pid for child in self._alive.values()}
            await asyncio.to_thread(end_all, self._runtime_id, sessions, {os.getpid(), self.warden_pid or 0})
        if self._warden:
            await self._warden.close()
        with contextlib.suppress(TimeoutError):  # whoever cannot be killed is not waited for
            await asyncio.wait_for(self._none_alive.wait(), CLOSE_S)
        for watched in tuple(self._alive):
            self._forget(watched)

    def _start(self, ready: Ready) -> None:
        if self._is_closed:
            ready(LaunchFailed("the launcher is closed"))
            return
        try:
            outcome: Process | LaunchFailed = self._spawn()
        except LaunchFailed as error:
            outcome = error
        ready(outcome)

    def _spawn(self) -> Process:
        wiring = Wiring.lay(self._lay)
        try:
            channel, stdout, stderr = wiring.theirs
            theirs = {name: os.environ.get(name) for name in OURS}
            child = self._context.Process(
                target=begin, args=(self._entry, channel, Pipes(stdout, stderr), os.getpid(), self._pidfds, theirs)
            )
            with _fresh(marked_environment(self._runtime_id)):
                child.start()
            multiprocess_process._children.discard(child)  # noqa: SLF001  or it would wait on our pids
            watched = self._watch(child)
        except OSError as error:
            wiring.close_ours()
            raise LaunchFailed(f"no process can be started: {error}") from error
        finally:
            wiring.close_theirs()
        return wiring.process(child.pid, watched)

    def _watch(self, child: Any) -> int:
        """A descriptor that tells of the child's end, for the caller, and another one for us.

        The child's object is kept until then: it owns the pipe on which the child would see our end.
        """
        kept = os.pidfd_open(child.pid) if self._pidfds else os.dup(child.sentinel)
        self._alive[kept] = child
        self._none_alive.clear()
        self._loop.add_reader(kept, self._forget, kept)
        if self._warden:
            self._warden.adopt(child.pid, kept)
        return os.dup(kept)

    def _living(self) -> Iterator[tuple[int, int]]:
        """Yield the pid and the pidfd of each live process."""
        for kept, child in self._alive.items():
            yield child.pid, kept

    def _forget(self, watched: int) -> None:
        self._loop.remove_reader(watched)
        os.close(watched)
        del self._alive[watched]
        if not self._alive:
            self._none_alive.set()


def begin(
    entry: str, channel: ChannelEnd, pipes: tuple[int, int], runtime: int, pidfds: bool, theirs: dict[str, str | None]
) -> None:
    """In the new process: settle and run the entry.  Without pidfds the sentinel must stay open.

    `theirs` are the variables `OURS` as the runtime has them: what found the modules until here is not for programs
    that an agent starts.
    """
    for name, value in theirs.items():
        _set(name, value)
    settle({channel.reader, channel.writer}, *pipes, alone=pidfds)
    if pidfds:
        resource_tracker._resource_tracker._fd = None  # noqa: SLF001  closed with all others: it must not be written to
        die_with(runtime)
    else:
        threading.Thread(target=_leave_with_parent, daemon=True).start()
    find_entry(entry)(channel)


def _leave_with_parent() -> None:
    wait([parent_process().sentinel])
    os.killpg(0, signal.SIGKILL)


def _taken(*descriptors: Any) -> Any:
    return tuple(descriptor.detach() for descriptor in descriptors)


@contextlib.contextmanager
def _fresh(extra: dict[str, str]) -> Iterator[None]:
    """Have a child that is executed within import as `module_path` says, from its first import on.

    `multiprocess` gives it this process's environment, here with `extra`, and `sys.path`.
    """
    path, ordered = list(sys.path), module_path()
    extra = extra | {PATH: os.pathsep.join(ordered), SAFE: "1"}
    before = {name: os.environ.get(name) for name in extra}
    os.environ.update(extra)
    sys.path[:] = ordered
    try:
        yield
    finally:
        sys.path[:] = path
        for name, value in before.items():
            _set(name, value)


def _set(name: str, value: str | None) -> None:
    """Set a variable of this process's environment as it was; None removes it."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
