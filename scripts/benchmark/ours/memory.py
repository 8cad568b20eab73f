"""Whether the runtime's memory grows with the messages that it has handed on."""

from __future__ import annotations

import os
import time
from pathlib import Path

from benchmark.clock import Samples
from benchmark.ours.system import ask, quiet, store_of
from benchmark.ours.throughput import BATCH, SMALL, start_pairs
from benchmark.spread import rise
from scr.client.runtime import Runtime

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
CHUNK = 20 * BATCH
FILLED = 25_000
"""Messages until all that keeps the last so many, ten thousand events for one, is full."""
PER = 100_000


def memory(seconds: float, folder: str, **_: object) -> Samples:
    """Messages from one agent to another, as many as that long allows once all is full; in memory, and in a file.

    In a file without waiting for the disk: that is the same work in less time.
    """
    found: Samples = {}
    for suffix in ("", "_process"):
        with store_of(suffix, folder) as store, quiet(store=store) as runtime:
            start_pairs(runtime, 1)
            hand_on(runtime, FILLED)
            points = resident(runtime, seconds / 2)
        found["rise" + suffix] = [rise(points) * PER]
        found["handled" + suffix] = [points[-1][0]]
    return found


def resident(runtime: Runtime, seconds: float) -> list[tuple[float, float]]:
    """How many messages had been handled, and the bytes that the runtime's process held then."""
    points: list[tuple[float, float]] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until or len(points) < 3:
        hand_on(runtime, CHUNK)
        points.append((float(CHUNK * (len(points) + 1)), float(rss_bytes(runtime.pid))))
    return points


def hand_on(runtime: Runtime, count: int) -> None:
    """Have so many messages handled."""
    ask(runtime, "source-0", {"to": "sink-0", "count": count, "batch": BATCH, "pad": SMALL})


def rss_bytes(pid: int) -> int:
    """The resident set of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES
