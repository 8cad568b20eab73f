"""What every launcher promises: blank processes, started without blocking, answered for within a deadline.

A blank process runs the launcher's entry with its end of a private channel and
has not been told yet which agent it is.  The entry must return when the channel
says end of file: that is how a process that nobody wants any more ends itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, Self, TypeAlias

from scr.errors import LaunchFailed
from scr.launch.channel_ends import ChannelEnd, Lay, socket_pair
from scr.specs import AgentSpec


@dataclass(eq=False, slots=True)
class Process:
    """A live, blank process, its own session and group, and the runtime's ends of all that leads to it.

    `channel` is a non-blocking end, of a socket or of a pair of queues; `stdout`
    and `stderr` are non-blocking read ends.  `pidfd` becomes readable when the
    process has ended.
    """

    pid: int
    pidfd: int
    channel: ChannelEnd
    stdout: int
    stderr: int
    is_open: bool = field(default=True, init=False)

    def close(self) -> None:
        """Close every descriptor above; a second call does nothing.  The process itself is not ended by this.

        Whoever was given the channel may have closed that alone already.
        """
        if not self.is_open:
            return
        self.is_open = False
        self.channel.close()
        for descriptor in (self.pidfd, self.stdout, self.stderr):
            os.close(descriptor)


Ready: TypeAlias = Callable[[Process | LaunchFailed], None]


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """Whom a process is for: an agent by its specification, or none for one that stands by for any."""

    spec: AgentSpec | None = None


BLANK = LaunchRequest()


class Launcher(Protocol):
    """Starts blank processes.  Everything here is called in the runtime process, on its loop."""

    def launch(self, request: LaunchRequest, ready: Ready) -> None:
        """Ask for the process that a request describes and return at once.

        `ready` is called later on the loop, exactly once and within the
        launcher's deadline: with a process that is the caller's from then on, or
        with the reason why there is none.
        """

    async def close(self) -> None:
        """End everything that this launcher started and still lives; requests that wait are refused.  Bounded."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """Both ends of the channel, stdout and stderr of a process that does not exist yet."""

    channel: ChannelEnd
    stdout: int
    stderr: int
    theirs: tuple[ChannelEnd, int, int]

    @classmethod
    def lay(cls, lay_channel: Lay = socket_pair) -> Self:
        """Open all six ends.  Raises LaunchFailed when the system has no more descriptors."""
        opened: list[int] = []
        try:
            opened += os.pipe()
            opened += os.pipe()
            ours, theirs = lay_channel()
        except OSError as error:
            for descriptor in opened:
                os.close(descriptor)
            raise LaunchFailed(f"no descriptors for a new process: {error}; raise `ulimit -n`") from error
        stdout, their_stdout, stderr, their_stderr = opened
        os.set_blocking(stdout, False)
        os.set_blocking(stderr, False)
        return cls(ours, stdout, stderr, (theirs, their_stdout, their_stderr))

    def process(self, pid: int, pidfd: int) -> Process:
        """Our ends, as the process that now holds the others."""
        return Process(pid, pidfd, self.channel, self.stdout, self.stderr)

    def close_theirs(self) -> None:
        """The new process has its ends: close our copies, or its end would never show on ours."""
        channel, stdout, stderr = self.theirs
        channel.close()
        os.close(stdout)
        os.close(stderr)

    def close_ours(self) -> None:
        """No process will come of this, or it is not wanted any more: it will read the end of its channel."""
        self.channel.close()
        os.close(self.stdout)
        os.close(self.stderr)
