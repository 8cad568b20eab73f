"""What the floor is laid of: forks, socket pairs whose packets are whole messages, pidfds, and a journal."""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

PACKET_BYTES = 1 << 20
SMALL_BYTES, LARGE_BYTES = 300, 65_536
"""What an envelope with a small payload, and one with a large one, have."""


@dataclass(frozen=True, slots=True)
class Child:
    """A forked process and our end of its socket."""

    pid: int
    socket: socket.socket

    def end(self) -> None:
        """Kill it and wait for that."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.socket.close()


def fork(life: Callable[[socket.socket], None]) -> Child:
    """A process that lives this life with its end of the socket; ours does not block its siblings."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PACKET_BYTES)
    gc.freeze()  # or the child's collector copies every page
    pid = os.fork()
    if pid:
        theirs.close()
        return Child(pid, ours)
    ours.close()
    try:
        life(theirs)
    finally:
        os._exit(0)


def end_all(children: Iterable[Child]) -> None:
    """End them all."""
    for child in children:
        child.end()


def echo(sock: socket.socket) -> None:
    """Answer every message with itself."""
    while data := sock.recv(PACKET_BYTES):
        sock.send(data)


class Journal:
    """A file whose every record is on the disk before `keep` returns."""

    def __init__(self, folder: str) -> None:
        self._path = Path(folder, f"journal-{os.getpid()}")
        self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR)
        self._at = 0

    def keep(self, data: bytes) -> None:
        """Write and wait for the disk."""
        self._at += os.pwrite(self._descriptor, data, self._at)
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Nobody reads it."""
        os.close(self._descriptor)
        self._path.unlink()


Way: TypeAlias = Callable[[bytes], socket.socket | None]
"""Where a message goes; None keeps it here."""


def route(
    ways: dict[socket.socket, Way],
    journal: Journal | None = None,
    *,
    gathers: bool = False,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Hand messages on until it is over, or somebody hangs up.

    Where there is a journal each is kept first; who `gathers` takes all that are there, and they share one wait
    for the disk.
    """
    by_fd = {sock.fileno(): sock for sock in ways}
    poll = select.epoll()
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    with poll:
        while not is_over():
            ready = [(by_fd[fd], by_fd[fd].recv(PACKET_BYTES)) for fd, _ in poll.poll()]
            if not all(data for _, data in ready):
                return
            if gathers:
                ready += more([sock for sock, _ in ready])
            if journal:
                journal.keep(b"".join(data for _, data in ready))
            for sock, data in ready:
                if to := ways[sock](data):
                    to.sendall(data)


def more(socks: Iterable[socket.socket], each: int = 100) -> list[tuple[socket.socket, bytes]]:
    """What else has arrived by now."""
    found: list[tuple[socket.socket, bytes]] = []
    for sock in socks:
        for _ in range(each):
            try:
                data = sock.recv(PACKET_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            if not data:
                break
            found.append((sock, data))
    return found
