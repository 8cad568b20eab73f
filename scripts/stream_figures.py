"""Measure streamed answers: how soon a chunk is with its reader, and how many come through in a second.

python scripts/stream_figures.py [--chunks 20000] [--paced 1000] [--json]

Beside each figure is a floor: the same JSON over a bare socket pair between two
processes.  Latencies are of paced chunks, one every two milliseconds; rates are
of chunks that are sent as fast as they go.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

import scr
from scr.messages import Task
from scr.protocol.framing import Unpacker, pack

PACE_S = 0.002
TOKEN = "a token of text"
FRAME_BYTES = 1 << 20
PORTION_BYTES = 64 << 10


def chunk() -> dict[str, Any]:
    """Make a chunk: a token, and the time."""
    return {"token": TOKEN, "at": time.monotonic_ns()}


def paced(chunks: int, pace_s: float) -> Iterator[dict[str, Any]]:
    """Make so many chunks, one after the other."""
    for _ in range(chunks):
        if pace_s:
            time.sleep(pace_s)
        yield chunk()


def talk(ctx: scr.Context, message: Task) -> None:
    """Stream chunks."""
    given: Any = message.payload.input
    for said in paced(*given):
        ctx.stream(said)
    ctx.reply(None)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which this share of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measured(chunks: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Measure how long each takes to come here, and how many come in a second."""
    began = time.perf_counter()
    late_ms = [(time.monotonic_ns() - int(said["at"])) / 1e6 for said in chunks]
    took_s = time.perf_counter() - began
    return {
        "p50_ms": percentile(late_ms, 0.5),
        "p99_ms": percentile(late_ms, 0.99),
        "chunks": len(late_ms),
        "per_s": len(late_ms) / took_s,
    }


def streamed(runtime: scr.Runtime, chunks: int, pace_s: float) -> dict[str, float]:
    """Measure one streamed answer."""
    missed = 0

    def data() -> Iterator[dict[str, Any]]:
        nonlocal missed
        for read in runtime.submit("talker", [chunks, pace_s]).stream():
            missed += read.missed
            yield read.data

    return measured(data()) | {"missed": missed}


def floor(chunks: int, pace_s: float) -> dict[str, float]:
    """Measure the same from a fork of this process, over a socket pair."""
    ours, theirs = socket.socketpair()
    if not (child := os.fork()):
        ours.close()
        for said in paced(chunks, pace_s):
            theirs.sendall(pack(json.dumps(said).encode(), FRAME_BYTES))
        os._exit(0)
    theirs.close()

    def data() -> Iterator[dict[str, Any]]:
        unpacker = Unpacker(FRAME_BYTES)
        while portion := ours.recv(PORTION_BYTES):
            yield from map(json.loads, unpacker.feed(portion))

    found = measured(data())
    os.waitpid(child, 0)
    ours.close()
    return found


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=20_000, help="how many are sent as fast as they go")
    parser.add_argument("--paced", type=int, default=1000, help="how many are sent at a pace")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    found = {"floor, paced": floor(options.paced, PACE_S), "floor": floor(options.chunks, 0.0)}
    with scr.Runtime() as runtime:
        runtime.start_agent("talker", talk)
        found["scr, paced"] = streamed(runtime, options.paced, PACE_S)
        found["scr"] = streamed(runtime, options.chunks, 0.0)
    if options.json:
        print(json.dumps(found))
        return 0
    for name, figures in found.items():
        print(f"{name}: " + ", ".join(f"{figure} {value:.4g}" for figure, value in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
