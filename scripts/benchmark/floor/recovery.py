"""SIGKILL of the process that holds a message, until its replacement has answered it: pidfd, waitpid, send, receive."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from importlib import import_module

from benchmark.clock import Samples
from benchmark.floor.bare import PACKET_BYTES, Child, fork
from scr.runtime import preload

PAUSE_S = 0.02
HOLD, DO = b"hold", b"do"


def recovery(kills: int, **_: object) -> Samples:
    """The processes have imported what an agent has: the kernel takes as long to take them apart."""
    for module in preload.BASE:
        import_module(module)
    return {"warm": taken_over(kills, is_warm=True), "cold": taken_over(kills, is_warm=False)}


def taken_over(kills: int, *, is_warm: bool) -> list[float]:
    """Each kill's replacement holds the next message."""
    times: list[float] = []
    holder = fork(hold)
    for _ in range(kills + 1):
        standby = fork(hold) if is_warm else None
        holder.socket.send(HOLD)
        holder.socket.recv(PACKET_BYTES)
        time.sleep(PAUSE_S)
        watch = os.pidfd_open(holder.pid)
        poll = select.poll()
        poll.register(watch, select.POLLIN)
        began = time.perf_counter()
        os.kill(holder.pid, signal.SIGKILL)
        poll.poll()
        os.waitpid(holder.pid, 0)
        replacement = standby or fork(hold)
        replacement.socket.send(DO)
        replacement.socket.recv(PACKET_BYTES)
        times.append(time.perf_counter() - began)
        os.close(watch)
        holder.socket.close()
        holder = replacement
    Child.end(holder)
    return times[1:]


def hold(sock: socket.socket) -> None:
    """Say that a message has come; go on where it is not to be held."""
    while (data := sock.recv(PACKET_BYTES)) in {HOLD, DO}:
        sock.send(data)
        if data == HOLD:
            signal.pause()
