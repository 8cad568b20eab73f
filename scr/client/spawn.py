"""The runtime's process, before anybody has told it what to be.

Imports next to nothing, so that a program may start it first of all: its
imports then overlap the program's own.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from scr.launch.kernel.lineage import WITHIN
from scr.launch.module_paths import command, module_path

HAS_PIDFDS = hasattr(os, "pidfd_open")


@dataclass(frozen=True, slots=True)
class Spawned:
    """An interpreter that waits for its first frame, and our end of its socket."""

    runtime: str
    process: subprocess.Popen[bytes]
    control: socket.socket

    def discard(self) -> None:
        """End it, whatever it is by now, and wait for that.  Idempotent, and harmless after the end."""
        self.process.kill()
        self.process.wait()
        self.control.close()


def wait_for(process: subprocess.Popen[bytes], timeout_s: float) -> int:
    """The status that it ends with.  Raises subprocess.TimeoutExpired.

    The kernel tells at once (pidfd_open(2)); `Popen.wait` with a timeout polls, and is up to 50 ms late.
    """
    if not HAS_PIDFDS:
        return process.wait(timeout_s)
    with suppress(ProcessLookupError):  # it has been waited for already
        pidfd = os.pidfd_open(process.pid)
        try:
            end = select.poll()
            end.register(pidfd, select.POLLIN)
            if not end.poll(timeout_s * 1000):
                raise subprocess.TimeoutExpired(process.args, timeout_s)
        finally:
            os.close(pidfd)
    return process.wait()  # it has ended; `wait(0)` gives up where another thread is just being told


def environment(runtime: str) -> dict[str, str]:
    """What the runtime's process has in its environment besides ours.

    Its id is for `lineage`.  setproctitle would write the title over it, were it not told to leave that alone.
    """
    return {WITHIN: runtime, "SPT_NOENV": "1"}


def launcher_in(environment: Mapping[str, str]) -> str:
    """Tell the launcher that the settings of this environment will name, without what reads them."""
    implied = "spawn" if environment.get("SCR_CHANNEL") == "queue" else "zygote"
    return environment.get("SCR_LAUNCHER", implied)


def spawn(preload: Sequence[str], launcher: str | None = None) -> Spawned:
    """Execute a fresh interpreter in a session of its own; `preload` is for its zygote.  Raises OSError."""
    launcher = launcher or launcher_in(os.environ)
    runtime = f"r-{os.urandom(4).hex()}"
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            command(module_path(), "scr.runtime.boot", str(theirs.fileno()), runtime, launcher, *preload),
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=os.environ | environment(runtime),
        )
    return Spawned(runtime, process, ours)
