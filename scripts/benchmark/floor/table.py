"""A process that holds a dict, and answers who asks: a key, or a key and its new value."""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Callable
from functools import partial

from benchmark.clock import Samples, laps
from benchmark.floor.bare import PACKET_BYTES, Child, end_all, fork

BUDGET_S = 10.0


def table(sizes: list[int], readers: list[int], reads: int, **_: object) -> Samples:
    """Each reader in a process of its own, with a socket of its own to the one that serves."""
    found: Samples = {}
    for size in sizes:
        found[f"put_{size}"] = served(1, partial(write, count=max(10, reads // 4), size=size))
        for number in readers:
            times = served(number, partial(read, count=max(10, reads // number), size=size))
            found |= {
                f"{name}_{size}_{number}": times for name in ("get", "first")
            }  # nothing is kept: all reads travel
    return found


def served(number: int, life: Callable[[socket.socket], None]) -> list[float]:
    """Serve them until all have told their times."""
    children = {child.socket.fileno(): child for child in (fork(life) for _ in range(number))}
    held: dict[bytes, bytes] = {}
    times: list[float] = []
    poll = select.epoll()
    for fd in children:
        poll.register(fd, select.EPOLLIN)
    told = 0
    while told < number:
        for fd, _ in poll.poll():
            answer = answered(held, children[fd])
            told += answer is not None
            times += answer or []
    poll.close()
    end_all(children.values())
    return times


def answered(held: dict[bytes, bytes], child: Child) -> list[float] | None:
    """Do what a child asks; its times, when it tells them."""
    verb, _, rest = child.socket.recv(PACKET_BYTES).partition(b" ")
    if verb == b"told":
        times: list[float] = json.loads(rest)
        return times
    key, _, value = rest.partition(b" ")
    if verb == b"put":
        held[key] = value
    child.socket.send(held[key])
    return None


def write(sock: socket.socket, count: int, size: int) -> None:
    """Write, and read back."""
    value = b"x" * size

    def once() -> None:
        sock.send(b"put k " + value)
        sock.recv(PACKET_BYTES)
        sock.send(b"get k")
        assert sock.recv(PACKET_BYTES) == value

    sock.send(b"told " + json.dumps(laps(once, count, BUDGET_S)).encode())
    sock.recv(1)


def read(sock: socket.socket, count: int, size: int) -> None:
    """Write once, and read often."""
    value = b"x" * size
    sock.send(b"put k " + value)
    sock.recv(PACKET_BYTES)

    def once() -> None:
        sock.send(b"get k")
        assert sock.recv(PACKET_BYTES) == value

    sock.send(b"told " + json.dumps(laps(once, count, BUDGET_S)).encode())
    sock.recv(1)
