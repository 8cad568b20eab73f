"""The same with one epoll: pidfds beside the sockets of a flow; many kills, and as many forks."""

from __future__ import annotations

import os
import select
import signal
import time
from functools import partial
from importlib import import_module

from benchmark.clock import Samples
from benchmark.floor.bare import PACKET_BYTES, SMALL_BYTES, Child, end_all, fork
from benchmark.floor.start import report
from benchmark.floor.throughput import give, take
from scr.runtime import preload

FLOW = 1_000_000
PER_PAUSE = 1000


def load(kills: int, exits: int, **_: object) -> Samples:
    """The processes have imported what an agent has."""
    for module in preload.BASE:
        import_module(module)
    return {"noticed": noticed(exits), "kills": [all_again(kills)]}


def noticed(exits: int) -> list[float]:
    """Seconds from each kill to its waitpid, by a router that hands on all that comes."""
    victims = [fork(report) for _ in range(exits)]
    sink = fork(partial(take, count=FLOW))
    source = fork(partial(give, count=FLOW, size=SMALL_BYTES, pause_s=0.01))
    source.socket.send(b"go")
    watched = {os.pidfd_open(victim.pid): victim for victim in victims}
    left = list(watched)
    poll = select.epoll()
    for fd in (source.socket.fileno(), *watched):
        poll.register(fd, select.EPOLLIN)
    times: list[float] = []
    handed_on, killed = 0, 0.0
    while len(times) < exits:
        for fd, _ in poll.poll():
            if fd not in watched:
                sink.socket.sendall(source.socket.recv(PACKET_BYTES))
                handed_on += 1
                continue
            os.waitpid(watched[fd].pid, 0)
            times.append(time.perf_counter() - killed)
            poll.unregister(fd)
            os.close(fd)
        if handed_on >= PER_PAUSE and len(left) + len(times) == exits:
            handed_on, killed = 0, time.perf_counter()
            os.kill(watched[left.pop()].pid, signal.SIGKILL)
    poll.close()
    end_all((sink, source))
    return times


def all_again(kills: int) -> float:
    """Seconds from so many kills at once until as many others have said that they are up."""
    children = [ready(fork(report)) for _ in range(kills)]
    watched = {os.pidfd_open(child.pid): child for child in children}
    poll = select.epoll()
    for fd in watched:
        poll.register(fd, select.EPOLLIN)
    killed = time.perf_counter()
    for child in children:
        os.kill(child.pid, signal.SIGKILL)
    again: list[Child] = []
    while len(again) < kills:
        for fd, _ in poll.poll():
            os.waitpid(watched[fd].pid, 0)
            poll.unregister(fd)
            again.append(fork(report))
    for child in again:
        ready(child)
    took = time.perf_counter() - killed
    end_all(again)
    return took


def ready(child: Child) -> Child:
    """Once it has said so."""
    child.socket.recv(PACKET_BYTES)
    return child
