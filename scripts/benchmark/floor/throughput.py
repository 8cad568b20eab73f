"""Messages handed on from process to process by a third."""

from __future__ import annotations

import socket
import time
from functools import partial

from benchmark.clock import Samples
from benchmark.floor.bare import LARGE_BYTES, PACKET_BYTES, SMALL_BYTES, Journal, Way, echo, end_all, fork, route

DONE = b"done"


def throughput(messages: int, pairs: int, folder: str, **_: object) -> Samples:
    """Bare, and with all that have come sharing a wait for the disk."""
    journal = Journal(folder)
    found: Samples = {}
    for suffix, kept in (("", None), ("_durable", journal)):
        found["one_small" + suffix] = [flow(1, messages, SMALL_BYTES, kept)]
        found["one_large" + suffix] = [flow(1, messages // 10, LARGE_BYTES, kept)]
        found["many_small" + suffix] = [flow(pairs, messages // pairs, SMALL_BYTES, kept)]
        found["fan" + suffix] = [fanned(pairs, max(2, messages // (2 * pairs)), kept)]
    journal.close()
    return found


def flow(pairs: int, each: int, size: int, journal: Journal | None) -> float:
    """Every source to its sink; each sink says when it has all."""
    sinks = [fork(partial(take, count=each)) for _ in range(pairs)]
    sources = [fork(partial(give, count=each, size=size)) for _ in range(pairs)]
    ways: dict[socket.socket, Way] = {
        source.socket: partial(onward, sink.socket) for source, sink in zip(sources, sinks, strict=True)
    }
    done: list[bytes] = []
    ways |= dict.fromkeys((sink.socket for sink in sinks), done.append)
    for source in sources:
        source.socket.send(b"go")
    began = time.perf_counter()
    route(ways, journal, gathers=True, is_over=lambda: len(done) == pairs)
    took = time.perf_counter() - began
    end_all((*sinks, *sources))
    return pairs * each / took


def fanned(leaves: int, rounds: int, journal: Journal | None) -> float:
    """One to all and back, with the hub in a process of its own."""
    others = [fork(echo) for _ in range(leaves)]
    hub = fork(partial(spread, leaves=leaves, rounds=rounds))
    done: list[bytes] = []

    def from_hub(data: bytes) -> socket.socket | None:
        if data != DONE:
            return others[int(data[:4])].socket
        done.append(data)
        return None

    ways: dict[socket.socket, Way] = {other.socket: partial(onward, hub.socket) for other in others}
    ways[hub.socket] = from_hub
    hub.socket.send(b"go")
    began = time.perf_counter()
    route(ways, journal, gathers=True, is_over=lambda: bool(done))
    took = time.perf_counter() - began
    end_all((hub, *others))
    return 2 * leaves * rounds / took


def onward(to: socket.socket, _: bytes) -> socket.socket:
    """Where all goes."""
    return to


def give(sock: socket.socket, count: int, size: int, pause_s: float = 0.0) -> None:
    """When told, send so many, with a pause after each hundred."""
    sock.recv(PACKET_BYTES)
    frame = b"x" * size
    for n in range(count):
        sock.send(frame)
        if pause_s and n % 100 == 99:
            time.sleep(pause_s)
    sock.recv(PACKET_BYTES)


def take(sock: socket.socket, count: int) -> None:
    """Receive so many and say so."""
    for _ in range(count):
        sock.recv(PACKET_BYTES)
    sock.send(DONE)
    sock.recv(PACKET_BYTES)


def spread(sock: socket.socket, leaves: int, rounds: int) -> None:
    """To each, then from all, again and again."""
    sock.recv(PACKET_BYTES)
    for _ in range(rounds):
        for n in range(leaves):
            sock.send(f"{n:04}".encode().ljust(SMALL_BYTES, b"x"))
        for _ in range(leaves):
            sock.recv(PACKET_BYTES)
    sock.send(DONE)
    sock.recv(PACKET_BYTES)
