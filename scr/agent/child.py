"""What runs first in an agent's process: it waits, blank, to be told who it is."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

from setproctitle import setproctitle

from scr.agent.descriptions import described
from scr.agent.loop import Loop
from scr.agent.warm_up import rehearse
from scr.failpoints import arm
from scr.launch.channel_ends import ChannelEnd
from scr.launch.heartbeat import Heart
from scr.protocol.channel import BlockingChannel
from scr.protocol.frames import FROM_RUNTIME, Become, Exiting, FromRuntime, Halt, Named
from scr.protocol.framing import FRAME_MAX

STANDBY_S = 0.02


def main(channel: ChannelEnd) -> None:
    """Be the agent that the first frame names; ends the process.  Called by the launcher, in the new process."""
    os.register_at_fork(after_in_child=channel.close)  # a fork of an agent has no say in its name
    ours = BlockingChannel(channel, FROM_RUNTIME, heard_bytes=FRAME_MAX)  # the runtime bounds what it says
    first, heart = _receive_first_frame(ours)
    if not isinstance(first, Become):
        assert first is None or isinstance(first, Halt), f"expected to be told who to be, got {first!r}"
        return
    ours.limit_bytes = first.max_frame_bytes
    ours.send(Named())
    arm("agent", "table", "memory")
    setproctitle(f"scr: {first.agent} #{first.incarnation}")
    threading.excepthook = _thread_died(ours)
    code = Loop(ours, first, heart).run()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # threads that the agent's code left running must not keep it alive


def _receive_first_frame(channel: BlockingChannel[FromRuntime]) -> tuple[FromRuntime | None, Heart]:
    """The first frame.  A process that has to wait for it is a standby, and uses the time."""
    try:
        return channel.receive(STANDBY_S), Heart()
    except TimeoutError:
        heart = Heart()
        rehearse()
        return channel.receive(), heart


def _thread_died(channel: BlockingChannel[FromRuntime]) -> Callable[[threading.ExceptHookArgs], object]:
    """An exception that ends a thread ends the agent: the exit status alone would say that all was well."""

    def hook(args: threading.ExceptHookArgs) -> None:
        said = described(args.exc_value)
        try:
            channel.send(Exiting(reason="error", **said))
            sys.stderr.write(said.get("traceback", ""))
            sys.stderr.flush()
        finally:  # the runtime may be gone, and the agent may have closed its stderr
            os._exit(1)

    return hook
