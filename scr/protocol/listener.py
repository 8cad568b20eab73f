"""A listening Unix socket, and who came in by it: at most so many at once.

Lives in the runtime and in the server, on their loops.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from scr.errors import NotPermitted, ScrError
from scr.launch.kernel.lineage import Guard
from scr.messages import to_json
from scr.protocol.control import Answered
from scr.protocol.framing import pack

WORD_BYTES = 1 << 20
CLOSED = "the runtime closed this connection"


class Visitor(Protocol):
    """Whoever is served over one connection."""

    def close(self) -> None:
        """Hang up, then tell that it is gone."""


V = TypeVar("V", bound=Visitor)


class Door(Generic[V]):
    """Open as soon as it is made.  `admit` makes a visitor of a socket and of what to call when the visitor is gone.

    A visitor that comes while `most` are inside, or that `guard` refuses, is told why and hung up on.
    Raises OSError when the path cannot be bound.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        path: Path,
        admit: Callable[[socket.socket, Callable[[V], None]], V],
        most: int,
        guard: Guard,
    ) -> None:
        self._loop, self._admit, self._most, self._guard = loop, admit, most, guard
        self._inside: set[V] = set()
        self._listener = listening(path, most)
        loop.add_reader(self._listener, self._accept)

    def welcome(self, sock: socket.socket, left: Callable[[], object] = lambda: None) -> V:
        """Serve whoever is at the other end of this socket, too; `left` is called when that one is gone."""
        sock.setblocking(False)
        visitor = self._admit(sock, partial(self._gone, left))
        self._inside.add(visitor)
        return visitor

    def close(self) -> None:
        """Listen no more, and hang up on all."""
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for visitor in tuple(self._inside):
            visitor.close()

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            sock, _ = self._listener.accept()
            if why := self._guard.refusal(sock):
                turn_away(sock, NotPermitted(why))
            elif len(self._inside) >= self._most:
                turn_away(
                    sock, ScrError(f"{self._most} clients are connected already, and no more may be; try again later")
                )
            else:
                self.welcome(sock)

    def _gone(self, left: Callable[[], object], visitor: V) -> None:
        if visitor in self._inside:
            self._inside.discard(visitor)
            left()


def turn_away(sock: socket.socket, error: ScrError) -> None:
    """Tell why this connection is not served, and close it."""
    sock.setblocking(False)
    with contextlib.suppress(OSError):  # it has hung up
        sock.send(pack(to_json(last_word(error)), WORD_BYTES))
    sock.close()


def last_word(error: ScrError) -> Answered:
    """What is said to no request in particular."""
    return Answered(ref=0, error=type(error).__name__, detail=str(error))


def listening(path: Path, backlog: int) -> socket.socket:
    """A Unix socket of mode 0600 that never blocks.  Raises OSError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(backlog)
    listener.setblocking(False)
    return listener
