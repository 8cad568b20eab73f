"""The control socket: clients ask, the runtime answers and tells what happens.

Lives in the runtime, on its loop.  The owner's connection is a socket pair
that it was born with; others come through a Unix socket of mode 0600.  What a
request asks for is in the table of `request_table`.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from pydantic import JsonValue

from scr.config import Limits
from scr.errors import BrokenFrame, ChannelError, ScrError
from scr.launch.kernel.lineage import Guard, Lineage
from scr.protocol.channel import LoopChannel
from scr.protocol.control import REQUEST, Answered, AnyRequest, Happened, Subscribe
from scr.protocol.listener import CLOSED, Door, last_word
from scr.runtime.dispatch.streams import Outlet
from scr.runtime.operations import Operations
from scr.runtime.request_table import TABLE
from scr.store.sql.rows import printable
from scr.telemetry.events import LinesDropped, Record
from scr.telemetry.shortening import shortened
from scr.turns.answer import Outcome

CLIENTS_MAX = 64
LOG_BYTES = 1 << 20  # for a program that does not read what it is told of its agents
DEAFENED = "the runtime hears nothing more on this connection, and ends with it"
REF = re.compile(rb'\s*\{\s*"ref"\s*:\s*([1-9][0-9]{0,17})\s*[,}]')


class ClientSession:
    """One connection."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        operations: Operations,
        limits: Limits,
        gone: Callable[[ClientSession], None],
    ) -> None:
        self._loop, self._operations, self._gone, self.limits = loop, operations, gone, limits
        self.is_owner = False
        self._deaf: Callable[[], None] | None = None
        self._left_out = 0
        self._channel: LoopChannel[AnyRequest] = LoopChannel(
            loop,
            sock,
            incoming=REQUEST,
            hear=self._hear,
            broken=lambda _: self.close(),
            ended=self.close,
            unread=self._unread,
            limit_bytes=limits.frame_bytes,
        )
        self.outlet = Outlet(loop, self._channel)

    def close(self) -> None:
        """Tell a client that is gone nothing more.  Idempotent."""
        self._operations.leave_streams(self.outlet)
        if self._deaf:
            self._deaf()
            self._deaf = None
        self._channel.close()
        self._gone(self)

    def say(self, error: ScrError) -> None:
        """Tell what nothing has asked for: the runtime ends, and why."""
        self._send(last_word(error))

    def answer(self, request: AnyRequest, value: JsonValue) -> None:
        """Answer a request with a value."""
        self._send(Answered(ref=request.ref, value=value))

    def tell(self, request: AnyRequest, outcome: Outcome) -> None:
        """Answer a request with how it ended."""
        answered = {"value": outcome.output, "error": outcome.error, "detail": outcome.detail, "info": outcome.info}
        self._send(Answered(ref=request.ref, **answered))

    def fail(self, request: AnyRequest, error: Exception) -> None:
        """Answer a request with what went wrong; what SCR has no error for is in the log of the runtime."""
        if not isinstance(error, ScrError):
            doing = f"{request.verb!r} could not be served"
            self._loop.call_exception_handler({"message": doing, "exception": error})
            error = ScrError(f"{doing}: {type(error).__name__} in the runtime; its log has the traceback")
        self._send(Answered(ref=request.ref, error=type(error).__name__, detail=str(error)))

    def listen(self, request: Subscribe) -> None:
        """Tell events from now on, as the first subscription of this client wants them."""
        if self._deaf is None:
            happened = partial(self._happened, can_lose=bool(request.kinds))
            self._deaf = self._operations.subscribe(
                happened, since=request.since, agent=request.agent, kinds=request.kinds
            )

    def _unread(self, error: ChannelError, body: bytes) -> None:
        """Answer this client that what it said is no request; no other client notices.

        After too large a frame it is not known where the next begins.  The owner's connection stays open even then:
        its end would be the owner's.
        """
        if isinstance(error, BrokenFrame):
            why = f"the runtime cannot read this request: {error}; it knows no other verbs and fields than its own SCR"
            self._send(Answered(ref=ref_in(body), error=type(error).__name__, detail=why))
            return
        self.say(type(error)(f"{DEAFENED if self.is_owner else CLOSED}: {error}"))
        if not self.is_owner:
            self.close()

    def _hear(self, request: AnyRequest) -> None:
        try:
            TABLE[type(request)](self._operations, self, request)
        except Exception as error:  # noqa: BLE001  one request must not end a runtime
            self.fail(request, error)

    def _happened(self, record: Record, *, can_lose: bool) -> None:
        if can_lose and self._channel.waiting_bytes > LOG_BYTES:
            self._left_out += 1
            return
        try:
            if self._left_out:
                left_out, self._left_out = LinesDropped(agent="", count=self._left_out), 0
                self._channel.send_soon(Happened(record=replace(record, event=left_out)))
            self._channel.send_soon(Happened(record=record))
        except (ChannelError, ValueError):
            with suppress(ChannelError, ValueError):
                self._channel.send_soon(Happened(record=shortened(record)))

    def _send(self, frame: Answered) -> None:
        try:
            self._channel.send(frame)
        except ChannelError as error:
            self._channel.send(Answered(ref=frame.ref, error=type(error).__name__, detail=str(error)))
        except ValueError as error:
            why = f"the answer cannot be written as JSON: {printable(str(error))}; {printable(frame.detail)}"
            self._channel.send(Answered(ref=frame.ref, error=frame.error or "ScrError", detail=why))


class Control:
    """The owner's connection and the listening socket."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        operations: Operations,
        limits: Limits,
        path: Path,
    ) -> None:
        def admit(sock: socket.socket, gone: Callable[[ClientSession], None]) -> ClientSession:
            return ClientSession(loop, sock, operations, limits, gone)

        guard = Guard(within=Lineage.of(os.getppid()).runtimes, runtime=os.getpid())
        self._door = Door(loop, path, admit, CLIENTS_MAX, guard)
        self._owner: ClientSession | None = None

    def own(self, sock: socket.socket, ended: Callable[[], None]) -> None:
        """Serve the owner; when its end closes, `ended` is called."""
        self._owner = self._door.welcome(sock, ended)
        self._owner.is_owner = True

    def tell_owner(self, error: ScrError) -> None:
        """Tell the owner, unasked, why the runtime ends."""
        if self._owner:
            self._owner.say(error)

    def close(self) -> None:
        """Stop listening and close all connections."""
        self._door.close()


def ref_in(body: bytes) -> int:
    """The number of a request that cannot be read; 0 when that cannot be found either."""
    found = REF.match(body)
    return int(found[1]) if found else 0
