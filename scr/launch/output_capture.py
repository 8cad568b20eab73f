"""What a process prints, line by line, without ever waiting for it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

CHUNK_BYTES = 8192
DRAINED_BYTES_MAX = 1 << 20
CUT = " … [line cut]"


class Capture:
    """Reads one pipe on the loop and gives its lines to `on_line`.

    One small read per wake-up: a process that floods its pipe waits for its turn
    like everybody else, and the full pipe slows it down.  A line longer than
    `line_bytes` is cut and marked.  Bytes that are no UTF-8 are replaced.  `fd`
    is non-blocking and stays the caller's.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        fd: int,
        on_line: Callable[[str], None],
        *,
        tail_bytes: int = 8192,
        line_bytes: int = 8192,
    ) -> None:
        self._loop = loop
        self._fd = fd
        self._on_line = on_line
        self._tail_bytes = tail_bytes
        self._line_bytes = line_bytes
        self._tail = bytearray()
        self._partial = bytearray()
        self._is_cutting = False
        self._is_open = True
        self.read_bytes = 0  # of all that it has written so far
        loop.add_reader(fd, self._read)

    @property
    def tail(self) -> str:
        """The last `tail_bytes` that were read."""
        return self._tail.decode(errors="replace")

    def drain(self) -> None:
        """Read what is there after the process has ended, without waiting; an unfinished line counts as one.

        End of file is not waited for: a grandchild may hold the pipe for ever.
        """
        drained = 0
        while drained < DRAINED_BYTES_MAX and (count := self._read()):
            drained += count
        if self._partial:
            self._end_line()

    def close(self) -> None:
        """Read no more; call this before the descriptor is closed.  A second call does nothing."""
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._fd)

    def _read(self) -> int:
        """Take one chunk; the number of bytes, 0 when there are none now or ever again."""
        if not self._is_open:
            return 0
        try:
            chunk = os.read(self._fd, CHUNK_BYTES)
        except BlockingIOError:
            return 0
        if not chunk:
            self.close()
        self.read_bytes += len(chunk)
        self._tail += chunk
        del self._tail[: -self._tail_bytes]
        self._split(chunk)
        return len(chunk)

    def _split(self, chunk: bytes) -> None:
        *whole, rest = chunk.split(b"\n")
        for piece in whole:
            self._extend(piece)
            self._end_line()
        self._extend(rest)

    def _extend(self, piece: bytes) -> None:
        room = self._line_bytes - len(self._partial)
        self._partial += piece[:room]
        self._is_cutting = self._is_cutting or len(piece) > room

    def _end_line(self) -> None:
        line = self._partial.decode(errors="replace") + (CUT if self._is_cutting else "")
        self._partial.clear()
        self._is_cutting = False
        self._on_line(line)
