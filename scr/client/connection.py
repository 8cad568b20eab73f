"""One connection to a runtime: requests go out, each gets its one answer, events come unasked.

Lives in any program.  One thread reads what the runtime says; nothing else of
the program's process is touched.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet, WeakValueDictionary

from scr.bounds import FRAME_BYTES
from scr.client.chunks import Unread
from scr.errors import ChannelError, PeerGone, RuntimeGone, ScrError
from scr.failpoints import reach
from scr.protocol.channel import BlockingChannel
from scr.protocol.control import (
    FROM_CONTROL,
    Answered,
    AwaitAnswer,
    AwaitReady,
    FromControl,
    Happened,
    ReadCrashes,
    ReadStatus,
    Request,
    Shutdown,
    StartAgent,
    StopAgent,
    Streamed,
    Submission,
    Subscribe,
)
from scr.protocol.framing import FRAME_MAX
from scr.retry import error_of
from scr.telemetry.events import Record
from scr.values import Frozen

END_S = 10.0
UNREAD, DEAF = "BrokenFrame", "FrameTooLarge"  # said unasked: one frame was not read, or none will be from here on
REPEATABLE = (AwaitAnswer, AwaitReady, ReadStatus, ReadCrashes, Subscribe, StartAgent, StopAgent, Shutdown)
LOST = "the runtime ended before it answered, and another one goes on: look what has happened, and ask again"
Listener = Callable[[Record], None]


class Connection:
    """Every method may be called from any thread.

    `listener` hears events in the reader's thread, once somebody subscribes.
    As a context manager it closes the connection, and the runtime goes on.
    """

    def __init__(self, listener: Listener | None = None, *, frame_bytes: int = FRAME_BYTES) -> None:
        self._listener, self._frame_bytes = listener, frame_bytes
        self._refs = count(1)
        self._waiting: dict[int, tuple[Request, Future[Answered]]] = {}
        self._unread: WeakValueDictionary[int, Unread] = WeakValueDictionary()
        self._fatal: Answered | None = None
        self._pid = 0
        self._lock = threading.Lock()
        self._channel: BlockingChannel[FromControl] | None = None
        self._ended = threading.Event()
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self, sock: socket.socket, first: Frozen | None = None) -> None:
        """Talk over this socket from now on; `first` is sent before all else."""
        self._pid = os.getpid()
        self._channel = BlockingChannel(sock, FROM_CONTROL, self._frame_bytes, FRAME_MAX)
        OPEN.add(self)
        if first is not None:
            self._channel.send(first)
        self._reader = threading.Thread(target=self._read, name="scr-reader", daemon=True)
        self._reader.start()

    def close(self) -> None:
        """Hang up.  Idempotent.  In a fork of the process that opened it, the connection itself stays as it is."""
        if self._channel:
            self._channel.close()
        if self._reader and not self._is_forked and self._reader is not threading.current_thread():
            self._reader.join(END_S)

    def wait_end(self, timeout_s: float | None = None) -> bool:
        """Wait until the runtime hangs up, which is when it has ended; False if it does not in time."""
        self._check_process()
        return self._ended.wait(timeout_s)

    def put(self, request: Request) -> Future[Answered]:
        """Send a request; the future gets its answer, or RuntimeGone.  `forget` it when it is not waited for any more.

        Raises RuntimeGone, FrameTooLarge.
        """
        self._check_process()
        future: Future[Answered] = Future()
        with self._lock:
            if self._channel is None:
                raise RuntimeGone("the runtime is not running; start it, or use it in a `with` block")
            if self._ended.is_set():
                raise self._why()
            self._waiting[request.ref] = request, future
            channel = self._channel
        with suppress(PeerGone):  # the reader finds out, and either asks again or gives up
            channel.send(request)
        return future

    def forget(self, request: Request) -> None:
        """Nobody waits for this answer any more."""
        self._waiting.pop(request.ref, None)

    def request(self, request: Request, timeout_s: float) -> Any:
        """Send a request and wait for its answer.  Raises what the answer says went wrong, RuntimeGone."""
        try:
            return opened(self.put(request).result(timeout_s))
        except TimeoutError as error:
            raise RuntimeGone(f"the runtime did not answer within {timeout_s:g} s") from error
        finally:
            self.forget(request)

    def ref(self) -> int:
        """A number for a request."""
        return next(self._refs)

    def gather(self, ref: int) -> Unread:
        """Keep the chunks that come under this number, as long as the result is referenced."""
        self._unread[ref] = unread = Unread(ref)
        return unread

    def news(self, unread: Unread) -> Future[None]:
        """Return what is done when a chunk is here, or `unread` is told to look.  Raises RuntimeGone in a fork."""
        self._check_process()
        return unread.news()

    @property
    def _state(self) -> str:
        """The state of this handle, in one word or two."""
        if self._channel is None:
            return "not started"
        return "ended" if self._ended.is_set() else "running"

    @property
    def _is_forked(self) -> bool:
        """Whether this is the copy of a connection in a fork of the process that opened it."""
        return self._pid not in {0, os.getpid()}

    def _check_process(self) -> None:
        """Raises RuntimeGone in a fork: two processes on one connection would take each other's answers."""
        if self._is_forked:
            raise RuntimeGone(
                f"this {type(self).__name__} belongs to process {self._pid}, and this is process {os.getpid()}, a fork"
                f" of it; connect anew, or make a Runtime of your own here"
            )

    def _read(self) -> None:
        """The reader thread: until either end is closed, for good."""
        channel = self._channel
        while channel:
            with suppress(OSError, ChannelError):
                while (frame := channel.receive()) and self._sort(frame):
                    pass
            channel = self._resume()
        self._end()

    def _resume(self) -> BlockingChannel[FromControl] | None:
        """A new channel to a runtime that has taken the place of the one that has ended; None when there is none."""
        return None

    def _ask_again(self, channel: BlockingChannel[FromControl]) -> None:
        """Talk to another runtime, and ask what the last has not answered; what it may have done is not done twice."""
        with self._lock:
            self._channel = channel
            waiting = tuple(self._waiting.values())
        for request, future in waiting:
            if isinstance(request, Submission):
                channel.send(request.model_copy(update={"again": True}))
            elif isinstance(request, REPEATABLE):
                channel.send(request)
            elif not future.done():
                future.set_exception(RuntimeGone(LOST))

    def _sort(self, frame: FromControl) -> bool:
        """Take one frame; False when it says that nothing on this connection is heard any more."""
        match frame:
            case Answered(ref=0) if frame.error != UNREAD:
                self._fatal = frame
                return frame.error != DEAF
            case Answered(ref=ref):
                _, future = self._waiting.get(ref, (None, None))
                if future and not future.done():
                    reach("keeper.answered")
                    future.set_result(frame)
            case Streamed(ref=ref):
                if unread := self._unread.get(ref):
                    unread.put(frame)
            case Happened(record=record):
                if self._listener:
                    self._listener(record)
        return True

    def _end(self) -> None:
        with self._lock:
            self._ended.set()
            for _, future in self._waiting.values():
                if not future.done():
                    future.set_exception(self._why())

    def _why(self) -> ScrError:
        """Why nothing is answered any more."""
        if self._fatal is None:
            return RuntimeGone("the runtime's process has ended; start another one")
        return error_of(self._fatal.error, self._fatal.detail, self._fatal.info)


def leave() -> None:
    """Close the descriptors in a fork: the connections are its parent's, and end when that does."""
    for connection in tuple(OPEN):
        connection.close()


OPEN: WeakSet[Connection] = WeakSet()
os.register_at_fork(after_in_child=leave)


def opened(answer: Answered) -> Any:
    """The value of an answer.  Raises the error that it carries, by its name in `scr.errors`."""
    if answer.error is None:
        return answer.value
    raise error_of(answer.error, answer.detail, answer.info)
