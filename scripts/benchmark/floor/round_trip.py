"""The four hops of a round trip between two processes through a third, and the two from one to itself."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from functools import partial

from benchmark.clock import Samples, laps
from benchmark.floor.bare import PACKET_BYTES, SMALL_BYTES, Child, Journal, Way, echo, end_all, fork, route

BUDGET_S = 10.0
TOLD = b"="


def round_trip(trips: int, folder: str, **_: object) -> Samples:
    """Bare, and with one wait for the disk for each message; and one wait alone."""
    journal = Journal(folder)
    found: Samples = {
        "pair": pair(trips, None),
        "self": alone(trips, None),
        "client": direct(trips),
        "pair_durable": pair(trips // 4, journal),
        "self_durable": alone(trips // 4, journal),
        "disk": laps(lambda: journal.keep(b"x" * SMALL_BYTES), trips // 4, BUDGET_S),
    }
    journal.close()
    return found


def caller(sock: socket.socket, trips: int) -> None:
    """Send and receive, then say how long each took."""
    frame = b"x" * SMALL_BYTES
    times = laps(lambda: (sock.send(frame), sock.recv(PACKET_BYTES)), trips, BUDGET_S)
    sock.send(TOLD + json.dumps(times).encode())


def pair(trips: int, journal: Journal | None) -> list[float]:
    """There and back."""
    return routed(fork(partial(caller, trips=trips)), fork(echo), journal)


def alone(trips: int, journal: Journal | None) -> list[float]:
    """To itself."""
    child = fork(partial(caller, trips=trips))
    return routed(child, child, journal)


def routed(calling: Child, to: Child, journal: Journal | None, idle: Sequence[Child] = ()) -> list[float]:
    """Hand on until the caller tells its times; who is idle is watched, and says nothing."""
    told: list[bytes] = []

    def onward(data: bytes) -> socket.socket | None:
        if data[:1] != TOLD:
            return to.socket
        told.append(data[1:])
        return None

    ways: dict[socket.socket, Way] = {one.socket: lambda _: None for one in idle}
    ways |= {to.socket: lambda _: calling.socket, calling.socket: onward}
    route(ways, journal, is_over=lambda: bool(told))
    times: list[float] = json.loads(told[0])
    end_all({calling.pid: calling, to.pid: to}.values())
    return times


def direct(trips: int) -> list[float]:
    """A client, a router, an echo: the same four hops, seen from outside."""
    other = fork(echo)
    routing = fork(lambda sock: route({sock: lambda _: other.socket, other.socket: lambda _: sock}))
    frame = b"x" * SMALL_BYTES
    times = laps(lambda: (routing.socket.send(frame), routing.socket.recv(PACKET_BYTES)), trips, BUDGET_S)
    end_all((routing, other))
    return times
