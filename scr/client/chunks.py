"""The chunks of a streamed answer that a program has not read yet: a bounded number of them, in order.

Lives in any program: the thread that reads the connection puts chunks in, any other takes them out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

from scr.protocol.control import Streamed

UNREAD_MAX = 1000


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer: what the handler gave to `ctx.stream`.

    `number` counts from 0 within a `delivery`.  A later delivery of the task
    has a higher one and begins anew: what it streams replaces what earlier ones
    streamed.  `missed` chunks of this delivery came between the one that was
    read before and this one, and are lost to this reader.
    """

    data: Any
    delivery: int
    number: int
    missed: int = 0


class Unread:
    """What has come under the number `ref` of one connection.  When `UNREAD_MAX` are unread, the oldest go."""

    def __init__(self, ref: int) -> None:
        self.ref = ref
        self._chunks: deque[Streamed] = deque(maxlen=UNREAD_MAX)
        self._delivery = self._next = self._ahead = 0
        self._news: list[Future[None]] = []
        self._reader: object = None
        self._lock = Lock()

    def begin(self, reader: object) -> bool:
        """Give the chunks to this reader from now on; False while another one waits for them."""
        with self._lock:
            if any(not waiting.done() for waiting in self._news):
                return False
            self._reader = reader
            return True

    def is_read_by(self, reader: object) -> bool:
        """Tell whether no other reader has begun since this one did."""
        return self._reader is reader

    def put(self, chunk: Streamed) -> None:
        """Keep a chunk, and tell those that wait for news."""
        self._chunks.append(chunk)
        if self._news:
            self.wake()

    def wake(self) -> None:
        """Tell those that wait for news to look."""
        with self._lock:
            waiting, self._news = self._news, []
        for news in waiting:
            with suppress(InvalidStateError):  # it was cancelled
                news.set_result(None)

    def news(self) -> Future[None]:
        """Return what is done when there is something to take, or at the next `wake`."""
        news: Future[None] = Future()
        with self._lock:
            self._news = [*(waiting for waiting in self._news if not waiting.done()), news]
        if self._chunks:
            self.wake()
        return news

    def taken(self) -> Iterator[Chunk]:
        """Take the chunks that are here, one at a time."""
        with suppress(IndexError):
            while True:
                yield self._placed(self._chunks.popleft())

    def _placed(self, chunk: Streamed) -> Chunk:
        """Place a chunk after the last one.

        A runtime that took the place of one that was killed may count a delivery as one before: that is a later one.
        """
        if (chunk.delivery + self._ahead, chunk.number) < (self._delivery, self._next):
            self._ahead = self._delivery + 1 - chunk.delivery
        delivery = chunk.delivery + self._ahead
        missed = chunk.number - (self._next if delivery == self._delivery else 0)
        self._delivery, self._next = delivery, chunk.number + 1
        return Chunk(chunk.data, delivery, chunk.number, missed)
