"""Chunks of answers on their way to the clients that read them: sent at once, in order, and never stored.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from scr.errors import ChannelError
from scr.messages import to_json
from scr.protocol.channel import LoopChannel
from scr.protocol.control import AnyRequest, Streamed
from scr.protocol.frames import Stream

HELD_MAX, HELD_BYTES = 1000, 1 << 20
AGAIN_S = 0.005


class Outlet:
    """The way of chunks to one client.

    While the client does not read, the newest chunks are held, at most `HELD_MAX` and `HELD_BYTES`; by the numbers of
    the others it knows how many are missing.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, channel: LoopChannel[AnyRequest]) -> None:
        self._loop, self._channel = loop, channel
        self.reads: set[tuple[str, int]] = set()
        self._held: deque[tuple[int, Streamed]] = deque()
        self._held_bytes = 0
        self._again: asyncio.TimerHandle | None = None
        self.is_open = True

    def tell(self, chunk: Streamed) -> None:
        """Send a chunk, or hold it while the client does not read."""
        if not self._held and self._channel.is_read:
            self._send(chunk)
            return
        size_bytes = len(to_json(chunk))
        self._held.append((size_bytes, chunk))
        self._held_bytes += size_bytes
        while len(self._held) > HELD_MAX or (len(self._held) > 1 and self._held_bytes > HELD_BYTES):
            self._held_bytes -= self._held.popleft()[0]
        if self._again is None:
            self._again = self._loop.call_later(AGAIN_S, self._try_again)

    def flush(self) -> None:
        """Send all that is held: what is sent next comes after it."""
        while self._held:
            self._send(self._held.popleft()[1])
        self._forget()

    def close(self) -> None:
        """The client is gone: hold nothing for it, now and later."""
        self.is_open = False
        self._forget()

    def _forget(self) -> None:
        self._held.clear()
        self._held_bytes = 0
        if self._again:
            self._again.cancel()
            self._again = None

    def _try_again(self) -> None:
        self._again = None
        if self._channel.is_read:
            self.flush()
        else:
            self._again = self._loop.call_later(AGAIN_S, self._try_again)

    def _send(self, chunk: Streamed) -> None:
        with suppress(ChannelError):  # it is too large beside its number: that it is missing tells the next
            self._channel.send_next(chunk)


class ChunkStreams:
    """Which client reads the chunks of which message, and under which number."""

    def __init__(self) -> None:
        self._readers: dict[str, dict[tuple[Outlet, int], None]] = {}

    def join(self, message_id: str, outlet: Outlet, ref: int) -> None:
        """Tell the chunks of this message to that client, if it is still there, from now on.  Idempotent."""
        if not outlet.is_open:
            return
        self._readers.setdefault(message_id, {})[outlet, ref] = None
        outlet.reads.add((message_id, ref))

    def leave(self, message_id: str, outlet: Outlet, ref: int) -> None:
        """Tell it no more of them under this number.  Idempotent."""
        outlet.reads.discard((message_id, ref))
        readers = self._readers.get(message_id, {})
        readers.pop((outlet, ref), None)
        if not readers:
            self._readers.pop(message_id, None)

    def leave_all(self, outlet: Outlet) -> None:
        """The client is gone."""
        outlet.close()
        for message_id, ref in tuple(outlet.reads):
            self.leave(message_id, outlet, ref)

    def end(self, message_id: str) -> None:
        """The message has its answer: nothing is streamed after it."""
        for outlet, ref in self._readers.pop(message_id, {}):
            outlet.reads.discard((message_id, ref))

    def tell(self, chunk: Stream) -> None:
        """Send a chunk to all that read it; one that is read by none is dropped."""
        for outlet, ref in self._readers.get(chunk.message_id, ()):
            outlet.tell(Streamed.trusted(ref=ref, delivery=chunk.delivery, number=chunk.number, data=chunk.data))
