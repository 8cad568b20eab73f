"""Events on their way from the reader's thread to the main thread: bounded, and the reader waits for room."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Empty, Full, Queue
from typing import Self

from scr.telemetry.events import Record
from scr.views.agent_log import line_of

INBOX_MAX = 10_000
TICK_S = 0.1


class Inbox:
    """What belongs in a log, in order.  Use it as a context manager: after it nobody waits any more."""

    def __init__(self) -> None:
        self._queue: Queue[Record | None] = Queue(INBOX_MAX)
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closed = True

    def hear(self, record: Record) -> None:
        """The listener, in the reader's thread."""
        if line_of(record) is not None:
            self._put(record)

    def mark(self) -> None:
        """Everything that was told before this is past.  In any thread."""
        self._put(None)

    def past(self) -> Iterator[Record]:
        """All up to the mark."""
        while record := self._queue.get():
            yield record

    def next(self) -> Record | None:
        """What comes next; None when nothing came for a moment."""
        try:
            return self._queue.get(timeout=TICK_S)
        except Empty:
            return None

    def _put(self, record: Record | None) -> None:
        while not self._is_closed:
            try:
                self._queue.put(record, timeout=TICK_S)
            except Full:
                continue
            return
