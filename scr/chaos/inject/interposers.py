"""What stands for a while between a process of the run and the kernel, or between the runtime and its store."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Protocol

END_S = 3.0
FORKS = "clone,clone3,fork,vfork"
INJECTIONS = {
    "store_slow": ("pwrite64,fdatasync,fsync", "delay_enter=30000"),
    "store_full": ("pwrite64", "error=ENOSPC"),
    "store_read_only": ("pwrite64", "error=EROFS"),
    "store_eio": ("fdatasync,fsync", "error=EIO"),
    "fork_refused": (FORKS, "error=EAGAIN"),
}
"""Which calls, and what becomes of them: `delay_enter` is in microseconds."""


class Undoable(Protocol):
    """Something that is done until it is undone."""

    def undo(self) -> None:
        """Idempotent; whoever it was done to may be gone."""


class Trace:
    """A tracer that changes what some calls of a process and its threads come to."""

    def __init__(self, kind: str, pid: int, store: Path | None) -> None:
        calls, becomes = INJECTIONS[kind]
        paths = [word for end in ("", "-wal", "-journal", "-shm") for word in ("-P", f"{store}{end}")] if store else []
        inject = ["-e", f"trace={calls}", "-e", f"inject={calls}:{becomes}"]
        command = ["strace", "-f", "-qq", "-o", os.devnull, *paths, *inject, "-p", str(pid)]
        self._tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

    def undo(self) -> None:
        """Let go of the process."""
        self._tracer.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._tracer.wait(END_S)
        self._tracer.kill()
        self._tracer.wait()


class Lock:
    """Another program that holds the write lock of an SQLite store.  Raises sqlite3.Error while others do."""

    def __init__(self, store: Path) -> None:
        self._database = sqlite3.connect(store, timeout=0.01, isolation_level=None)
        try:
            self._database.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:
            self._database.close()
            raise

    def undo(self) -> None:
        """Give it back."""
        with suppress(sqlite3.Error):
            self._database.execute("ROLLBACK")
        self._database.close()
