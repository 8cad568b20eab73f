"""Forks of a process that has imported what an agent has, each of which says that it is there."""

from __future__ import annotations

import select
import socket
import statistics
import time
from importlib import import_module

from benchmark.clock import Samples, pss_bytes
from benchmark.floor.bare import PACKET_BYTES, end_all, fork
from scr.runtime import preload


def start(sizes: list[int], **_: object) -> Samples:
    """As many as can be, one after the other, as one process forks."""
    for module in preload.BASE:
        import_module(module)
    found: Samples = {}
    for size in sizes:
        began = time.perf_counter()
        children = [fork(report) for _ in range(size)]
        poll = select.epoll()
        for child in children:
            poll.register(child.socket, select.EPOLLIN | select.EPOLLONESHOT)
        there = 0
        while there < size:
            there += len(poll.poll())
        found[f"rate_{size}"] = [size / (time.perf_counter() - began)]
        poll.close()
        found[f"size_{size}"] = [statistics.fmean(pss_bytes(child.pid) for child in children)]
        stopping = time.perf_counter()
        end_all(children)
        found[f"stop_{size}"] = [time.perf_counter() - stopping]
    return found


def report(sock: socket.socket) -> None:
    """Say that it is there, and wait."""
    sock.send(b"up")
    sock.recv(PACKET_BYTES)
