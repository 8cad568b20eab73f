"""The zygote as the runtime sees it: a process, and a socket to ask it for others."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from scr.errors import LaunchFailed
from scr.launch.child_setup import marked_environment
from scr.launch.launcher import Wiring
from scr.launch.module_paths import command
from scr.launch.reaper import reap
from scr.launch.zygote_main import CONTROL
from scr.launch.zygote_protocol import TICKET, Reply, ZygotePlan, decode_reply, receive, send

CLOSE_S = 3.0


@dataclass(slots=True)
class ZygoteProcess:
    """One zygote, from its start to its end.  Used on the runtime's loop; no method but `ended` waits."""

    pid: int
    pidfd: int
    control: socket.socket
    is_up: bool = False
    is_unfit: bool = False

    @classmethod
    def start(cls, plan: ZygotePlan) -> Self:
        """Execute a fresh interpreter in a session of its own.  Raises LaunchFailed."""
        try:
            return cls(*_execute(plan))
        except OSError as error:
            raise LaunchFailed(f"no zygote can be started with {sys.executable}: {error}") from error

    def request(self, ticket: int, wiring: Wiring) -> None:
        """Hand over the new process's ends and close ours of them.  Raises OSError when it cannot be sent now."""
        channel, stdout, stderr = wiring.theirs
        send(self.control, TICKET.pack(ticket), [channel.reader, stdout, stderr])
        wiring.close_theirs()

    def adopt(self, pid: int, pidfd: int) -> None:
        """Have it look after the session of a process that it has not started.  Raises OSError if it cannot be told."""
        send(self.control, TICKET.pack(pid), [pidfd])

    def replies(self) -> Iterator[tuple[Reply, list[int]]]:
        """What it has answered so far, each with the descriptors that came along, which are the caller's."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while (message := receive(self.control))[0]:
                data, descriptors = message
                yield decode_reply(data), descriptors

    def kill(self) -> None:
        """SIGKILL, if it still lives."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def dismiss(self) -> None:
        """Let it end all that it has started, clean up and exit: that is what it does at the end of file."""
        self.control.close()

    async def ended(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Wait for its end, for at most `CLOSE_S`; whether it has ended.  No other reader of `loop` may watch it."""
        ended = asyncio.Event()
        loop.add_reader(self.pidfd, ended.set)
        try:
            await asyncio.wait_for(ended.wait(), CLOSE_S)
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(self.pidfd)
        return True

    def bury(self) -> None:
        """It has ended: reap it, unless the Reaper did, and close what is left."""
        reap(self.pid, self.pidfd)
        os.close(self.pidfd)
        self.control.close()


def _execute(plan: ZygotePlan) -> tuple[int, int, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, contextlib.ExitStack() as undo:
        undo.callback(ours.close)
        ours.setblocking(False)
        pid = os.posix_spawn(
            sys.executable,
            command(plan.path, "scr.launch.zygote_main", plan.encode()),
            os.environ | marked_environment(plan.runtime_id),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, 2, 1),  # what preloaded modules print is for people, not for pipes
                (os.POSIX_SPAWN_DUP2, theirs.fileno(), CONTROL),
            ],
            setsid=True,
            setsigmask=(),
        )
        pidfd = os.pidfd_open(pid)
        undo.pop_all()
    return pid, pidfd, ours
