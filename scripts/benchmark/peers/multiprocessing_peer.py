"""`multiprocessing` of the standard library: its Pool, its Queue, its Manager."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmark.clock import Samples, laps
from benchmark.peers import work

CONTEXT = multiprocessing.get_context("fork")  # the default of Linux up to Python 3.13, and its fastest
WEDGED_S = 10.0
CANNOT = {"load": "tells nobody that a worker has died"}


def recovery(kills: int, folder: str) -> Samples:
    """What a killed worker of a Pool had in hand is never answered."""

    def held(path: str) -> Callable[[], object]:
        task = pool.apply_async(work.hold, (path,))
        return lambda: task.get(WEDGED_S)

    with CONTEXT.Pool(2) as pool:
        try:
            return {"warm": work.kills(kills, folder, held)}
        except multiprocessing.TimeoutError:
            return {"warm": f"wedged: a Pool had not answered after {WEDGED_S:g} s, and never does"}


def echoing(given: Any, answers: Any) -> None:
    """Answer all until None comes."""
    while (value := given.get()) is not None:
        answers.put(value)


def counting(given: Any, done: Any) -> None:
    """Take messages; say so when as many have come as the first one says."""
    while (count := given.get()) is not None:
        for _ in range(count):
            given.get()
        done.put(count)


def round_trip(trips: int, **_: object) -> Samples:
    """Two Queues between two processes, and nobody between them."""
    there, back = CONTEXT.Queue(), CONTEXT.Queue()
    other = CONTEXT.Process(target=echoing, args=(there, back))
    other.start()

    def once() -> None:
        there.put(work.SMALL)
        back.get()

    times = laps(once, trips, work.BUDGET_S)
    there.put(None)
    other.join()
    return {"pair": times}


def throughput(messages: int, **_: object) -> Samples:
    """One Queue between two processes, and nobody between them; each to its own, and one to many."""
    there, done = CONTEXT.Queue(), CONTEXT.Queue()
    other = CONTEXT.Process(target=counting, args=(there, done))
    other.start()

    def send_all(count: int, pad: str) -> None:
        there.put(count)
        for _ in range(count):
            there.put(pad)
        done.get()

    found = work.rate(send_all, messages)
    there.put(None)
    other.join()
    return {**found}


def start(sizes: list[int], folder: str) -> Samples:
    """A Pool of as many workers, each of which has answered."""

    def begin(size: int, path: str) -> tuple[set[int], Callable[[], object]]:
        pool = CONTEXT.Pool(size)
        return set(pool.map(work.report, [path] * size, chunksize=1)), partial(ended, pool)

    return work.starts(sizes, folder, 200, "not tried: its documents mean as many workers as processors", begin)


def ended(pool: Any) -> None:
    """Close it, and wait until its workers are gone."""
    pool.close()
    pool.join()


def table(sizes: list[int], readers: list[int], reads: int, **_: object) -> Samples:
    """A Manager's dict, read by processes that each have a connection of their own."""
    found: Samples = {}
    with CONTEXT.Manager() as manager:
        shared = manager.dict()
        for size in sizes:
            value = "x" * size

            def put(value: str = value, size: int = size) -> None:
                shared[f"k{size}"] = value
                assert len(shared[f"k{size}"]) == size

            found[f"put_{size}"] = laps(put, max(10, reads // 4), work.BUDGET_S)
            for number in readers:
                times = read_by(number, shared, f"k{size}", max(10, reads // number))
                found |= {f"{name}_{size}_{number}": times for name in ("get", "first")}  # a proxy keeps nothing
    return found


def read_by(number: int, shared: Any, key: str, count: int) -> list[float]:
    """All at the same time; all of their times."""
    told = CONTEXT.SimpleQueue()
    begin = time.monotonic() + 0.5
    children = [CONTEXT.Process(target=reading, args=(shared, key, count, begin, told)) for _ in range(number)]
    for child in children:
        child.start()
    times = [t for _ in children for t in told.get()]
    for child in children:
        child.join()
    return times


def reading(shared: Any, key: str, count: int, begin: float, told: Any) -> None:
    """Wait for the others, and read."""
    time.sleep(max(0.0, begin - time.monotonic()))
    told.put(laps(partial(shared.get, key), count, work.BUDGET_S))
