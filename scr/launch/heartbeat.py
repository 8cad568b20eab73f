"""The pulse of one process: a page of memory that it writes and the runtime reads, without a message.

Two numbers, each a monotonic time in nanoseconds, each with one writer:

- `progress`: the agent's loop took a message, finished one, or its handler said that it gets on;
- `beat`: its interpreter runs.  A thread that waits for SIGUSR2, outside the
  interpreter, stamps it: whoever wants to know sends the signal, and an idle
  agent costs nothing.

From both and the kernel's own word, three kinds of standing still are told
apart: the process is stopped; a C call holds the interpreter; a handler blocks.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import threading
from enum import StrEnum
from pathlib import Path
from time import monotonic_ns
from typing import Self

PAGE_BYTES = 4096
STAMP = struct.Struct("=Q")
PROGRESS_AT, BEAT_AT = 0, 8
POKE = signal.SIGUSR2
DUMP = signal.SIGUSR1


class Stillness(StrEnum):
    """Why a process makes no progress."""

    STOPPED = "the process is stopped"
    HELD = "a C call holds its interpreter"
    BLOCKED = "its handler blocks"


class Pulse:
    """One page.  Made by the runtime, opened by the agent, gone with both."""

    def __init__(self, page: mmap.mmap) -> None:
        self._page = page

    @classmethod
    def create(cls, path: Path) -> Self:
        """The runtime's end: a fresh page in a file of mode 0600.  Raises OSError."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.ftruncate(fd, PAGE_BYTES)
            return cls(mmap.mmap(fd, PAGE_BYTES))
        finally:
            os.close(fd)

    @classmethod
    def open(cls, path: Path) -> Self:
        """The agent's end.  Raises OSError."""
        fd = os.open(path, os.O_RDWR)
        try:
            return cls(mmap.mmap(fd, PAGE_BYTES))
        finally:
            os.close(fd)

    def progressed(self) -> None:
        """The agent's loop gets on."""
        STAMP.pack_into(self._page, PROGRESS_AT, monotonic_ns())

    def progress_at(self) -> float:
        """When it last did, in monotonic seconds; 0 for never."""
        return float(STAMP.unpack_from(self._page, PROGRESS_AT)[0]) / 1e9

    def beat_at(self) -> float:
        """When the interpreter last answered a poke; 0 for never."""
        return float(STAMP.unpack_from(self._page, BEAT_AT)[0]) / 1e9

    def beat(self) -> None:
        """The interpreter runs."""
        STAMP.pack_into(self._page, BEAT_AT, monotonic_ns())

    def clear(self) -> None:
        """Nobody writes to the page any more: make it as new."""
        self._page[: BEAT_AT + STAMP.size] = bytes(BEAT_AT + STAMP.size)

    def close(self) -> None:
        """Let go of the page."""
        self._page.close()


class Heart:
    """The thread that answers pokes.  Started in the agent's process before any other thread, a standby's ahead."""

    def __init__(self) -> None:
        self._pulse: Pulse | None = None
        signal.pthread_sigmask(signal.SIG_BLOCK, {POKE})
        threading.Thread(target=self._answer, name="scr-heart", daemon=True).start()

    def beat(self, pulse: Pulse) -> None:
        """Answer on this page from now on."""
        self._pulse = pulse

    def _answer(self) -> None:
        while True:
            signal.sigwait({POKE})
            if self._pulse:
                self._pulse.beat()


def is_stopped(pid: int) -> bool:
    """Whether the kernel says that the process is stopped (SIGSTOP, a debugger); False where it cannot be asked."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat.rpartition(b")")[2].split()[0] in {b"T", b"t"}


def diagnosis(pulse: Pulse, pid: int, poked_at: float) -> Stillness:
    """Why the process stands still; called a moment after it was poked, which was at `poked_at`."""
    if is_stopped(pid):
        return Stillness.STOPPED
    return Stillness.BLOCKED if pulse.beat_at() >= poked_at else Stillness.HELD
