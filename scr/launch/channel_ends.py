"""Both ends of one private channel, as bytes: what the launcher lays, and what a channel makes frames of.

A private socket pair is one implementation; a private pair of queues (`scr.launch.queue_ends`) is the other.  Either
belongs to exactly two processes and is laid anew for every process, so one that is killed at any instruction leaves its
peer with an end of file and nothing else (I4).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from threading import Lock
from typing import Protocol, TypeAlias


class ChannelEnd(Protocol):
    """One process's end of a channel: a stream of bytes each way."""

    @property
    def reader(self) -> int:
        """Return the descriptor that becomes readable when bytes are there, or the other process is gone."""

    @property
    def writer(self) -> int:
        """Return the descriptor that becomes writable when there is room."""

    def read(self, size: int, /) -> bytes:
        """Read what is there, at most `size` bytes; nothing once the other process is gone.

        Waits on a blocking end.  Raises OSError, on a non-blocking end BlockingIOError when nothing is there.
        """

    def read_now(self, size: int, /) -> bytes:
        """Read without waiting, on a blocking end too.  Raises as `read` of a non-blocking end."""

    def write(self, data: bytes | bytearray, /) -> int:
        """Write what there is room for, without waiting on a non-blocking end; how much that was.  Raises OSError."""

    def write_all(self, data: bytes, /) -> None:
        """Write all of it in one piece, whatever other threads write.  Raises OSError."""

    def hang_up(self) -> None:
        """Tell the peer, and a thread that waits in `read`, that this is the end of the stream, where that can be told.

        A fork of the process that has the end tells nothing.
        """

    def close(self) -> None:
        """Close this process's descriptors.  Idempotent."""


Lay: TypeAlias = Callable[[], tuple[ChannelEnd, ChannelEnd]]


class SocketEnd:
    """One end of a socket pair, or of any stream socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket, self._pid, self._lock = sock, os.getpid(), Lock()
        self.read, self.write = sock.recv, sock.send

    @property
    def reader(self) -> int:
        """Return the socket's descriptor; -1 once it is closed."""
        return self._socket.fileno()

    writer = reader

    def read_now(self, size: int, /) -> bytes:
        """Read what is there; see `ChannelEnd`."""
        return self._socket.recv(size, socket.MSG_DONTWAIT)

    def write_all(self, data: bytes, /) -> None:
        """Write all of it in one piece; see `ChannelEnd`."""
        with self._lock:
            self._socket.sendall(data)

    def hang_up(self) -> None:
        """Shut the socket down; see `ChannelEnd`."""
        if os.getpid() == self._pid:
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __reduce__(self) -> tuple[type[SocketEnd], tuple[socket.socket]]:
        """Travel to a process that `multiprocess` starts."""
        return SocketEnd, (self._socket,)


def socket_pair() -> tuple[SocketEnd, SocketEnd]:
    """Lay a socket pair: the runtime's end, which never blocks, and the new process's.  Raises OSError."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    ours.setblocking(False)
    return SocketEnd(ours), SocketEnd(theirs)


def end_of(given: ChannelEnd | socket.socket) -> ChannelEnd:
    """Take a socket as the end that it is."""
    return SocketEnd(given) if isinstance(given, socket.socket) else given
