"""Celery: a worker of two processes, and a broker in a folder, which needs no server.

A worker that finds a message there which is still being written ends with an "unrecoverable error", sooner or later:
what was measured before that counts.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery.exceptions import TimeoutError as NotAnswered

from benchmark.clock import Samples, pss_bytes
from benchmark.peers import work

USES = ("celery",)
APP = "benchmark.peers.celery_app"
LOST_S = 2.0
ENOUGH = 20
DIED = "its worker died of a message in its folder that was still being written"
CANNOT = {
    "table": "shares nothing between its workers",
    "load": "tells the caller nothing: a task that its worker took along is run again",
}


@contextmanager
def working(folder: str, processes: int = 2) -> Iterator[Any]:
    """The application, with a worker that answers."""
    place = Path(folder).absolute()
    for name in ("queue", "control", "results"):
        (place / name).mkdir(exist_ok=True)
    os.environ["SCR_BENCH_CELERY"] = str(place)
    celery_app = importlib.import_module(APP)  # only now: it reads where its broker is
    command = [sys.executable, "-m", "celery", "-A", APP, "worker", f"--concurrency={processes}"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=ERROR"]
    with subprocess.Popen([*command, *quiet], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as worker:
        try:
            until_bound(place)
            if not any(echoed(celery_app.echo.delay(0)) for _ in range(5)):
                raise RuntimeError(DIED)
            yield celery_app
        finally:
            worker.terminate()


def until_bound(place: Path) -> None:
    """Wait for the worker's queues: two who write the first lines of an exchange at once may lose a message."""
    end = time.monotonic() + work.ANSWER_S
    while not (place / "control" / "celery.pidbox.exchange").exists() and time.monotonic() < end:
        time.sleep(0.02)


def answer(task: Any) -> Any:
    """Wait for it."""
    return task.get(timeout=work.ANSWER_S, interval=0.002)


def echoed(task: Any) -> bool:
    """Whether an answer has come."""
    try:
        task.get(timeout=LOST_S, interval=0.002)
    except NotAnswered:
        return False
    return True


def recovery(kills: int, folder: str) -> Samples:
    """The message is put back, and another process runs it."""
    with working(folder) as app:

        def held(path: str) -> Any:
            task = app.hold.delay(path)
            return lambda: answer(task)

        return {"warm": work.kills(min(kills, 2), folder, held)}


def round_trip(trips: int, folder: str) -> Samples:
    """A task and its result."""
    times: list[float] = []
    with working(folder) as app:
        while len(times) < trips // 4:
            began = time.perf_counter()
            if not echoed(app.echo.delay(work.SMALL)):
                break
            times.append(time.perf_counter() - began)
    return {"pair": times if len(times) >= ENOUGH else DIED}


def throughput(messages: int, folder: str, **_: object) -> Samples:
    """Tasks, all under way at once."""
    with working(folder) as app:

        def send_all(count: int, pad: str) -> None:
            if not all(map(echoed, [app.echo.delay(pad) for _ in range(count)])):
                raise RuntimeError(DIED)

        return {**work.rate(send_all, messages // 20)}


def start(sizes: list[int], folder: str) -> Samples:
    """A worker of as many processes, which takes tasks once it has forked them all."""
    found: Samples = {}
    for size in sizes:
        if size > 20:
            found[f"rate_{size}"] = "not tried: one worker of as many processes as processors is what it advises"
            continue
        began = time.perf_counter()
        with working(folder, size):
            found[f"rate_{size}"] = [size / (time.perf_counter() - began)]
            pids = [pid for worker in children_of(os.getpid()) for pid in children_of(worker)]
            found[f"size_{size}"] = [sum(map(pss_bytes, pids)) / len(pids)]
            stopping = time.perf_counter()
        found[f"stop_{size}"] = [time.perf_counter() - stopping]
    return found


def children_of(pid: int) -> list[int]:
    """What a process has started in its first thread."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
