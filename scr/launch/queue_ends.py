"""A channel over a private pair of `multiprocess` queues, laid anew for every process.

What goes through a queue's pipe is framed as `multiprocess` frames it: four bytes of length, big endian, and the body
(-1 would announce a length of eight bytes, above 2 GB, and is refused as too large).  A channel's frames are framed
likewise, so they travel as they are, and are JSON: `put` and `get`, which pickle, are called at neither end.
"""

from __future__ import annotations

import os
import select
from threading import Lock
from typing import Any

from multiprocess.connection import Pipe
from multiprocess.queues import SimpleQueue


class PrivateQueue(SimpleQueue):  # type: ignore[misc]
    """A queue with one process that reads and one that writes.

    The locks of a `SimpleQueue` are semaphores with names, for several readers and several writers: one that is killed
    with such a lock stops all others, and the names outlive a kill of everything.  These locks are for the threads of
    one process, and end with it.
    """

    def __init__(self) -> None:
        self.__setstate__(Pipe(duplex=False))

    def __getstate__(self) -> tuple[Any, Any]:
        """Travel without the locks: each process has its own."""
        return self._reader, self._writer

    def __setstate__(self, pipe: tuple[Any, Any]) -> None:
        super().__setstate__((*pipe, Lock(), Lock()))


class QueueEnd:
    """One end of a pair of queues: `receives` is read and `sends` is written, by this process alone."""

    def __init__(self, receives: PrivateQueue, sends: PrivateQueue) -> None:
        self._receives, self._sends = receives, sends
        self.reader: int = receives._reader.fileno()  # noqa: SLF001  a queue has no other way to its two ends
        self.writer: int = sends._writer.fileno()  # noqa: SLF001

    def read(self, size: int, /) -> bytes:
        """Read what is there; see `ChannelEnd`."""
        return os.read(self.reader, size)

    def read_now(self, size: int, /) -> bytes:
        """Read what is there; see `ChannelEnd`.  Of a blocking pipe only one thread may do so."""
        poller = select.poll()
        poller.register(self.reader, select.POLLIN)
        if not poller.poll(0):
            raise BlockingIOError
        return os.read(self.reader, size)

    def write(self, data: bytes | bytearray, /) -> int:
        """Write what there is room for; see `ChannelEnd`."""
        return os.write(self.writer, data)

    def write_all(self, data: bytes, /) -> None:
        """Write all of it under the queue's lock, as `put` does; see `ChannelEnd`."""
        with self._sends._wlock:  # noqa: SLF001
            left = memoryview(data)
            while left:
                left = left[os.write(self.writer, left) :]

    def hang_up(self) -> None:
        """Do nothing: a queue is hung up on by closing it."""

    def close(self) -> None:
        """Close this process's two descriptors.  Idempotent."""
        self.reader = self.writer = -1
        self._receives._reader.close()  # noqa: SLF001
        self._sends._writer.close()  # noqa: SLF001

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to a process that `multiprocess` starts."""
        return _arrived, (self._receives, self._sends)


def queue_pair() -> tuple[QueueEnd, QueueEnd]:
    """Lay a pair of queues: the runtime's end, which never blocks, and the new process's.  Raises OSError."""
    to_agent, to_runtime = PrivateQueue(), PrivateQueue()
    ours, theirs = QueueEnd(to_runtime, to_agent), QueueEnd(to_agent, to_runtime)
    for descriptor in (ours.reader, ours.writer):
        os.set_blocking(descriptor, False)
    return ours, theirs


def _arrived(receives: PrivateQueue, sends: PrivateQueue) -> QueueEnd:
    """Close, in the new process, the runtime's ends of both queues."""
    receives._writer.close()  # noqa: SLF001
    sends._reader.close()  # noqa: SLF001
    return QueueEnd(receives, sends)
