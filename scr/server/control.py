"""The server's socket: clients ask, each in its own time, and are answered when there is an answer.

Lives in the server, on its loop.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from pydantic import JsonValue

from scr.errors import ChannelError, ScrError
from scr.launch.kernel.lineage import Guard, Lineage
from scr.protocol.channel import LoopChannel
from scr.protocol.control import Answered
from scr.protocol.listener import Door, last_word
from scr.protocol.server import FRAME_BYTES, REQUEST, AnyRequest

CLOSED = "the server closed this connection"
CLIENTS_MAX = 256
UNDER_WAY_MAX = 8
Answer = Callable[[AnyRequest], Awaitable[JsonValue]]


class Guest:
    """One connection.  `answer` makes the answer to a request, or raises a ScrError."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        answer: Answer,
        gone: Callable[[Guest], None],
    ) -> None:
        self._loop, self._answer, self._gone = loop, answer, gone
        self._under_way: set[asyncio.Task[None]] = set()
        self._channel: LoopChannel[AnyRequest] = LoopChannel(
            loop,
            sock,
            incoming=REQUEST,
            hear=self._hear,
            broken=lambda _: self.close(),
            ended=self.close,
            unread=lambda error, _: self._hang_up(error),
            limit_bytes=FRAME_BYTES,
        )

    def close(self) -> None:
        """The client is gone, and with it what it waits for; what it has submitted stays.  Idempotent."""
        for task in self._under_way:
            task.cancel()
        self._channel.close()
        self._gone(self)

    def _hang_up(self, error: ScrError) -> None:
        """Tell why, then close."""
        self._send(last_word(type(error)(f"{CLOSED}: {error}")))
        self.close()

    def _hear(self, request: AnyRequest) -> None:
        if len(self._under_way) >= UNDER_WAY_MAX:
            self._hang_up(ScrError(f"{UNDER_WAY_MAX} requests of it are being served, and it sends one more"))
            return
        task = self._loop.create_task(self._serve(request))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _serve(self, request: AnyRequest) -> None:
        try:
            self._send(Answered(ref=request.ref, value=await self._answer(request)))
        except ScrError as error:
            self._send(Answered(ref=request.ref, error=type(error).__name__, detail=str(error)))
        except Exception as error:  # noqa: BLE001  one request must not leave its client without an answer
            doing = f"{request.verb!r} could not be served"
            self._loop.call_exception_handler({"message": doing, "exception": error})
            why = f"{doing}: {type(error).__name__} in the server; its log has the traceback"
            self._send(Answered(ref=request.ref, error="ScrError", detail=why))

    def _send(self, frame: Answered) -> None:
        try:
            self._channel.send(frame)
        except ChannelError as error:
            self._channel.send(Answered(ref=frame.ref, error=type(error).__name__, detail=str(error)))


def listen(loop: asyncio.AbstractEventLoop, path: Path, answer: Answer) -> Door[Guest]:
    """The listening socket, open.  What a runtime has started may not come in.  Raises OSError."""
    guard = Guard(within=Lineage.of(os.getpid()).runtimes)
    return Door(loop, path, lambda sock, gone: Guest(loop, sock, answer, gone), CLIENTS_MAX, guard)
