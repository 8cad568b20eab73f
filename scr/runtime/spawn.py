"""The runtime's process, before anybody has told it what to be.

Imports next to nothing, so that a program may start it first of all: its
imports then overlap the program's own.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spawned:
    """An interpreter that waits for its first frame, and our end of its socket."""

    process: subprocess.Popen[bytes]
    control: socket.socket

    def discard(self) -> None:
        """End it, whatever it is by now, and wait for that.  Idempotent, and harmless after the end."""
        self.process.kill()
        self.process.wait()
        self.control.close()


def spawn() -> Spawned:
    """Execute a fresh interpreter in a session of its own.  Raises OSError."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "scr.runtime.process", str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
    return Spawned(process, ours)
