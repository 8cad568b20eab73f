"""One private channel: frames over a socket pair, or over a pair of queues, that exactly two processes hold.

What carries the bytes is a `ChannelEnd` (`scr.launch.channel_ends`), and both kinds keep to that protocol; what is here
is the same over either: LoopChannel for a process that must never block, BlockingChannel for one that waits.  A
frame is four bytes of length, big endian, and that many bytes of JSON.
"""

from __future__ import annotations

import contextlib
import select
import socket
from collections import deque
from collections.abc import Callable
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from scr.bounds import FRAME_BYTES
from scr.errors import BrokenFrame, ChannelError, InvalidMessage, PeerGone
from scr.launch.channel_ends import ChannelEnd, end_of
from scr.protocol.framing import Unpacker, packed
from scr.values import Frozen, complaint

if TYPE_CHECKING:
    import asyncio  # for its types alone: agents use this module too, and do without

In = TypeVar("In")
READ_BYTES = 64 << 10  # below what malloc maps and unmaps each time
BACKLOG_FRAMES = 4
COMPLAINT_CHARACTERS = 2000
SOON_S = 0.002  # long enough that a burst of events wakes its reader once, and too short to see


class LoopChannel(Generic[In]):
    """The end of a process that has an event loop: the runtime's.  Never blocks.

    `hear` gets every frame in order; `broken` is called once, with the reason,
    when what the peer says is no frame, or when it does not read: it must end.
    `unread`, where it is given, is called in place of `broken` for what the peer says: for a BrokenFrame with its
    bytes, and the stream goes on; for FrameTooLarge without, and nothing after it is taken.
    `ended` is called once at the end of the stream.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        end: ChannelEnd | socket.socket,
        *,
        incoming: TypeAdapter[In],
        hear: Callable[[In], None],
        broken: Callable[[ChannelError], None],
        ended: Callable[[], object] = lambda: None,
        unread: Callable[[ChannelError, bytes], None] | None = None,
        limit_bytes: int,
    ) -> None:
        self._loop, self._end, self._unread, self._deaf = loop, end_of(end), unread, False
        self._incoming, self._hear, self._broken, self._ended = incoming, hear, broken, ended
        self._limit_bytes = limit_bytes
        self._unpacker = Unpacker(limit_bytes)
        self._unsent, self._gathered = bytearray(), bytearray()
        self._soon: asyncio.Handle | None = None
        self._open = True
        loop.add_reader(self._end.reader, self._readable)

    def send(self, frame: Frozen) -> None:
        """Write now what there is room for, the rest when it can.

        Raises FrameTooLarge, BrokenFrame for what JSON cannot say.
        A dead peer is no error here: its exit is seen elsewhere.
        """
        if not self._open:
            return
        self._write(self._taken() + packed(frame, self._limit_bytes))

    def send_soon(self, frame: Frozen) -> None:
        """As `send`, within `SOON_S`, together with what else comes until then, and before any later `send`."""
        if not self._open:
            return
        self._gathered += packed(frame, self._limit_bytes)
        if self._soon is None:
            self._soon = self._loop.call_later(SOON_S, self._flush)

    def send_next(self, frame: Frozen) -> None:
        """As `send_soon`, when the loop is done with what it does now."""
        if not self._open:
            return
        self._gathered += packed(frame, self._limit_bytes)
        if self._soon is None:
            self._soon = self._loop.call_soon(self._flush)

    @property
    def is_read(self) -> bool:
        """Whether the peer takes what it is sent: only then is it sent anything early."""
        return not self._unsent and len(self._gathered) < READ_BYTES

    @property
    def waiting_bytes(self) -> int:
        """Count the bytes that the peer was sent and has not taken yet."""
        return len(self._unsent) + len(self._gathered)

    def _flush(self) -> None:
        if gathered := self._taken():
            self._write(gathered)

    def _taken(self) -> bytes:
        gathered = bytes(self._gathered)
        self._gathered.clear()
        if self._soon:
            self._soon.cancel()
            self._soon = None
        return gathered

    def _write(self, data: bytes) -> None:
        if not self._open:
            return
        if self._unsent:
            self._enqueue(data)
            return
        try:
            sent = self._end.write(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return
        if sent < len(data):
            self._enqueue(data[sent:])

    def drain(self) -> None:
        """Take everything that a dead process had said before it died."""
        while self._open and (data := self._receive()):
            self._unpack(data)

    def close(self) -> None:
        """Stop hearing and close the end.  Idempotent."""
        if self._open:
            self._flush()
        if self._open:
            self._open = False
            self._loop.remove_reader(self._end.reader)
            self._loop.remove_writer(self._end.writer)
            self._end.close()

    def _enqueue(self, data: bytes) -> None:
        if len(self._unsent) + len(data) > BACKLOG_FRAMES * self._limit_bytes:
            self._fail(ChannelError(f"the peer does not read: {len(self._unsent)} bytes are waiting for it"))
            return
        self._unsent += data
        self._loop.add_writer(self._end.writer, self._writable)

    def _writable(self) -> None:
        try:
            sent = self._end.write(self._unsent)
        except BlockingIOError:
            return
        except OSError:
            sent = len(self._unsent)
        del self._unsent[:sent]
        if not self._unsent:
            self._loop.remove_writer(self._end.writer)

    def _readable(self) -> None:
        data = self._receive()
        if data:
            self._unpack(data)
        elif data is not None:
            self._loop.remove_reader(self._end.reader)
            self._ended()

    def _receive(self) -> bytes | None:
        """One portion; empty at the end of the stream, None when there is nothing now."""
        try:
            return self._end.read(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def _unpack(self, data: bytes) -> None:
        if self._deaf:
            return
        try:
            for body in self._unpacker.feed(data):
                self._take(body)
        except ChannelError as error:
            if self._unread is None:
                self._fail(error)
            else:
                self._deaf = True
                self._unread(error, b"")

    def _take(self, body: bytes) -> None:
        try:
            frame = self._incoming.validate_json(body)
        except ValidationError as error:
            refusal = BrokenFrame(complaint("frame", error)[:COMPLAINT_CHARACTERS])
            if self._unread is None:
                raise refusal from error
            self._unread(refusal, body)
            return
        if self._open:
            self._hear(frame)

    def _fail(self, error: ChannelError) -> None:
        if self._open:
            self.close()
            self._broken(error)


class BlockingChannel(Generic[In]):
    """The end of a process that waits: an agent's, or a user's program.  `send` may be called from any thread.

    `limit_bytes` bounds what is sent, and may be set once it is known; `heard_bytes` bounds what comes.
    """

    def __init__(
        self,
        end: ChannelEnd | socket.socket,
        incoming: TypeAdapter[In],
        limit_bytes: int = FRAME_BYTES,
        heard_bytes: int | None = None,
    ) -> None:
        self._end, self._incoming = end_of(end), incoming
        self.limit_bytes = limit_bytes
        self._unpacker = Unpacker(heard_bytes or limit_bytes)
        self._ready: deque[bytes] = deque()

    def fileno(self) -> int:
        """For an event loop that waits for frames."""
        return self._end.reader

    def send(self, frame: Frozen) -> None:
        """Write the frame whole.

        Raises FrameTooLarge, InvalidMessage for what JSON cannot say, PeerGone for a dead peer.
        """
        try:
            data = packed(frame, self.limit_bytes)
        except BrokenFrame as error:
            raise InvalidMessage(str(error)) from error
        try:
            self._end.write_all(data)
        except OSError as error:
            raise PeerGone(f"the other end is gone: {error}") from error

    def receive(self, timeout_s: float | None = None) -> In | None:
        """The next frame; None at the end of the stream.  Raises TimeoutError after `timeout_s`.

        Without a timeout it waits as long as the peer lives: its death is the end of the stream.
        """
        until = None if timeout_s is None else monotonic() + timeout_s
        while not self._ready:
            if until is not None:
                self._wait(until)
            data = self._end.read(READ_BYTES)
            if not data:
                return None
            self._ready.extend(self._unpacker.feed(data))
        return self._incoming.validate_json(self._ready.popleft())

    @property
    def has_news(self) -> bool:
        """Whether there is something to read now."""
        return bool(self._polled(0))

    @property
    def has_read_ahead(self) -> bool:
        """Whether frames are here that the descriptor will not tell an event loop of: they came with an earlier one."""
        return bool(self._ready)

    def read_ahead(self) -> None:
        """Read what is there now, without waiting; that the peer is gone is found by `receive`."""
        with contextlib.suppress(OSError):
            self._ready.extend(self._unpacker.feed(self._end.read_now(READ_BYTES)))

    def _wait(self, until: float) -> None:
        """Wait for something to read.  The end itself stays blocking: a thread that writes to it has no deadline."""
        left_s = max(0.0, until - monotonic())
        if not self._polled(ceil(left_s * 1000)):
            raise TimeoutError(f"nothing came within {left_s:.3f} s")

    def _polled(self, limit_ms: int) -> list[tuple[int, int]]:
        poller = select.poll()
        poller.register(self._end.reader, select.POLLIN)
        return poller.poll(limit_ms)

    def close(self) -> None:
        """Close the end; over a socket, a thread that waits in `receive` sees the end of the stream.

        A fork of the process that made the channel closes its descriptors alone: the stream goes on.
        """
        with contextlib.suppress(OSError):  # the peer may have closed it already
            self._end.hang_up()
        self._end.close()
