"""One process of one agent, from the order to start it until it is reaped.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from scr.errors import ChannelError
from scr.launch.kernel.memory_group import MemoryGroup
from scr.launch.launcher import Process
from scr.launch.output_capture import Capture
from scr.launch.reaper import signal_group
from scr.launch.wait_status import WaitStatus
from scr.messages import ExitReason
from scr.protocol.channel import LoopChannel
from scr.protocol.frames import FROM_AGENT, Exiting, FromAgent
from scr.specs import AgentSpec
from scr.supervise.exits import EndRequest, Exit, classify


@dataclass(slots=True)
class Incarnation:
    """One process of one agent, from the order to start it until it is reaped."""

    spec: AgentSpec
    number: int
    since: float
    process: Process | None = None
    channel: LoopChannel[FromAgent] | None = None
    captures: dict[str, Capture] = field(default_factory=dict)
    asked: EndRequest = EndRequest.NOTHING
    named: bool = False
    blanks: int = 0
    ready: bool = False
    ignored: bool = False
    record: Exiting | None = None
    sent: int = 0  # the last signal that a person has sent it
    status: WaitStatus = field(default_factory=WaitStatus)  # once it has ended
    condemned: Exit | None = None
    memory_group: MemoryGroup | None = None

    @property
    def pid(self) -> int:
        """The process id; 0 while there is no process."""
        return self.process.pid if self.process else 0

    @property
    def tail(self) -> str:
        """The last that it printed, standard output first."""
        return "\n".join(text for capture in self.captures.values() if (text := capture.tail.rstrip("\n")))

    def wrote(self, stream: str) -> str:
        """The last that it wrote to "stdout" or "stderr"."""
        capture = self.captures.get(stream)
        return capture.tail if capture else ""

    def attach(
        self,
        loop: asyncio.AbstractEventLoop,
        process: Process,
        *,
        hear: Callable[[FromAgent], None],
        broken: Callable[[ChannelError], None],
        ended: Callable[[], object],
        printed: Callable[[str, str, str], None],
        frame_bytes: int,
        tail_bytes: int,
    ) -> LoopChannel[FromAgent]:
        """Its process is there: hear its channel and capture what it prints."""
        self.process = process
        for stream, fd in (("stdout", process.stdout), ("stderr", process.stderr)):
            on_line = partial(printed, self.spec.id, stream)
            self.captures[stream] = Capture(loop, fd, on_line, tail_bytes=tail_bytes)
        self.channel = LoopChannel(
            loop, process.channel, incoming=FROM_AGENT, hear=hear, broken=broken, ended=ended, limit_bytes=frame_bytes
        )
        return self.channel

    def signal(self, number: signal.Signals) -> None:
        """Signal its process group, if there is a process; after `close` its numbers are somebody else's."""
        if self.process and self.process.is_open:
            signal_group(self.process.pid, self.process.pidfd, number)

    def withdraw(self) -> None:
        """End a process that came up after its agent had been asked to stop: it has done nothing, and knows nothing."""
        if self.asked is EndRequest.STOP:
            self.condemned = Exit(ExitReason.SHUTDOWN, "it was asked to stop before it had started")
        self.signal(signal.SIGKILL)

    def signal_itself(self, number: int) -> None:
        """Signal its process alone, if there is one and it has not ended."""
        if self.process and self.process.is_open:
            with contextlib.suppress(ProcessLookupError):  # it has ended, and that is being heard
                signal.pidfd_send_signal(self.process.pidfd, number)

    def signal_for_operator(self, number: int) -> None:
        """Signal its process alone; if it ends by that, its end was a person's doing."""
        self.sent = number
        self.signal_itself(number)

    def drain(self) -> None:
        """It is dead: hear everything that it had said before."""
        if self.channel:
            self.channel.drain()
        for capture in self.captures.values():
            capture.drain()

    def close(self) -> None:
        """Let go of everything that led to it."""
        for capture in self.captures.values():
            capture.close()
        if self.channel:
            self.channel.close()
        if self.process:
            self.process.close()
        if self.memory_group:
            self.memory_group.close()
            self.memory_group = None

    def verdict(self, status: WaitStatus) -> Exit:
        """Why it ended; one that was condemned ended by that, whatever the kernel says."""
        self.status = status
        if self.asked is EndRequest.NOTHING and self.sent and self.sent == status.signal:
            self.asked = EndRequest.OPERATOR
        if self.condemned:
            return self.condemned
        oom_kill = self.memory_group is not None and self.memory_group.oom_kills() > 0
        return classify(self.record, status, self.asked, oom_kill=oom_kill)
