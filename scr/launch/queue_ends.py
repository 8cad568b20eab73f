"""A channel over a private pair of `multiprocess` queues, laid anew for every process, so that no lock outlives one.

What goes through a queue's pipe is framed as `multiprocess` frames it: four bytes of length, big endian, and the body
(-1 would announce a length of eight bytes, above 2 GB, and is refused as too large).  A channel's frames are framed
likewise, so they travel as they are, and are JSON: `put` and `get`, which pickle, are called at neither end.  The
runtime takes no lock: it alone reads the one queue and writes the other, and does neither with waiting.  The threads of
an agent take the lock of the queue that they write to.
"""

from __future__ import annotations

import os
import select
from threading import Lock
from typing import Any


class QueueEnd:
    """One end of a pair of queues: `source` is the reading end of the one, `sink` the writing end of the other.

    `lock` is that of the queue to the runtime, at both ends: the runtime keeps it for its name alone, by which the
    process that starts opens it.
    """

    def __init__(self, source: Any, sink: Any, lock: Any) -> None:
        self._source, self._sink, self._lock = source, sink, lock
        self.reader: int = source.fileno()
        self.writer: int = sink.fileno()

    def read(self, size: int, /) -> bytes:
        """Read what is there; see `End`."""
        return os.read(self.reader, size)

    def read_now(self, size: int, /) -> bytes:
        """Read what is there; see `End`.  Of a blocking pipe only one thread may do so."""
        poller = select.poll()
        poller.register(self.reader, select.POLLIN)
        if not poller.poll(0):
            raise BlockingIOError
        return os.read(self.reader, size)

    def write(self, data: bytes | bytearray, /) -> int:
        """Write what there is room for; see `End`."""
        return os.write(self.writer, data)

    def write_all(self, data: bytes, /) -> None:
        """Write all of it under the queue's lock, as `put` does."""
        if self.writer < 0:
            raise BrokenPipeError("the queues are closed")
        with self._lock:
            left = memoryview(data)
            while left:
                left = left[os.write(self.writer, left) :]

    def hang_up(self) -> None:
        """Do nothing: a queue is hung up on by closing it."""

    def close(self) -> None:
        """Close this process's two descriptors, and let go of the lock."""
        self.reader = self.writer = -1
        self._source.close()
        self._sink.close()
        self._lock = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to a process that `multiprocess` starts."""
        return _arrived, (self._source, self._sink, type(self._lock), self._lock.__getstate__())


def queue_pair(context: Any) -> tuple[QueueEnd, QueueEnd]:
    """Lay a pair of queues: the runtime's end, which never blocks, and the new process's.  Raises OSError."""
    to_agent, to_runtime = context.SimpleQueue(), context.SimpleQueue()
    lock = to_runtime._wlock  # noqa: SLF001  a SimpleQueue has no other way to its two ends and its locks
    ours = QueueEnd(to_runtime._reader, to_agent._writer, lock)  # noqa: SLF001
    theirs = QueueEnd(to_agent._reader, to_runtime._writer, lock)  # noqa: SLF001
    for descriptor in (ours.reader, ours.writer):
        os.set_blocking(descriptor, False)
    return ours, theirs


def _arrived(source: Any, sink: Any, kind: Any, state: tuple[Any, ...]) -> QueueEnd:
    """Open the end in the new process.

    Without its name the lock cannot be opened: the runtime has closed its end since, which is all that will be heard.
    """
    lock = kind.__new__(kind)
    try:
        lock.__setstate__(state)
    except FileNotFoundError:
        lock = Lock()
    return QueueEnd(source, sink, lock)
