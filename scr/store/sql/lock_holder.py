"""Who holds a file of SQLite locked, for the person who must do something about it.

Linux alone tells (`/proc/locks`, proc_locks(5)), and only of processes that can be seen from here.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
STOPPED = frozenset("Tt")
LOCKED = "another program holds the store {path} locked; end it, or wait"
BUSY = "process {pid} ({name}) holds the store {path} locked; end it, or wait"
HALTED = (
    "process {pid} ({name}) is stopped and holds the store {path} locked:"
    " `kill -CONT {pid}` has it go on, `kill -KILL {pid}` ends it"
)


def sentence(path: Path) -> str:
    """Who holds the store at `path` locked now, and what to do.  Never fails: nobody may be named."""
    with suppress(OSError):
        for pid in writers((PROC / "locks").read_text(), tuple(_files(path))):
            name, state = _who(pid)
            return (HALTED if state in STOPPED else BUSY).format(pid=pid, name=name, path=path)
    return LOCKED.format(path=path)


def writers(locks: str, files: Collection[str]) -> Iterator[int]:
    """The processes that hold a lock for writing on one of these files, each as major:minor:inode.  Pure."""
    for line in locks.splitlines():
        match line.split():
            case [_, _, _, "WRITE", pid, file, *_] if file in files and pid != "-1":  # not "->": that one waits
                yield int(pid)


def _files(path: Path) -> Iterator[str]:
    """The file, and that in whose place the write-ahead log is locked."""
    for file in (path.with_name(f"{path.name}-shm"), path):
        with suppress(FileNotFoundError):
            found = file.stat()
            yield f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"


def _who(pid: int) -> tuple[str, str]:
    """Its name and its state.  Raises OSError when it has ended."""
    head, _, tail = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(") ")
    return head.partition(" (")[2], tail[:1]
