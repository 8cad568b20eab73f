"""`concurrent.futures.ProcessPoolExecutor` of the standard library.

A death breaks the pool: whoever wants an answer makes another pool and asks again.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from benchmark.clock import Samples, laps
from benchmark.peers import work

CANNOT = {"table": "shares nothing between its workers"}
CONTEXT = multiprocessing.get_context("forkserver")  # what the documents advise for programs with threads


def pool(workers: int = 2) -> ProcessPoolExecutor:
    """A fresh one."""
    return ProcessPoolExecutor(workers, mp_context=CONTEXT)


class Renewed:
    """A pool that is made again by whoever finds it broken."""

    def __init__(self) -> None:
        self.pool = pool()

    def held(self, path: str) -> Callable[[], object]:
        """Begin to hold; what waits asks again, of another pool."""
        task = self.pool.submit(work.hold, path)

        def answer() -> object:
            try:
                return task.result(work.ANSWER_S)
            except BrokenProcessPool:
                self.pool = pool()
                return self.pool.submit(work.hold, path).result(work.ANSWER_S)

        return answer

    def told(self, path: str) -> Callable[[], object]:
        """Begin to hold; what waits is told that it will not be answered."""
        task = self.pool.submit(work.hold, path)

        def end() -> None:
            try:
                task.result(work.ANSWER_S)
            except BrokenProcessPool:
                self.pool = pool()

        return end

    def one(self) -> object:
        """One message."""
        return self.pool.submit(work.echo, work.SMALL).result(work.ANSWER_S)


def recovery(kills: int, folder: str) -> Samples:
    """By hand: the pool is broken."""
    renewed = Renewed()
    return {
        "by_hand": work.kills(min(kills, 8), folder, renewed.held),
        "warm": "the pool is broken: its caller makes another and asks again",
    }


def round_trip(trips: int, **_: object) -> Samples:
    """A call and its answer."""
    with pool() as executor:
        return {"pair": laps(lambda: executor.submit(work.echo, work.SMALL).result(), trips, work.BUDGET_S)}


def throughput(messages: int, **_: object) -> Samples:
    """Calls, all under way at once."""
    with pool() as executor:
        return work.calls(executor.submit, messages)


def start(sizes: list[int], folder: str) -> Samples:
    """As many workers as that, each of which has answered."""

    def begin(size: int, path: str) -> tuple[set[int], Callable[[], object]]:
        executor = pool(size)
        tasks = [executor.submit(work.report, path) for _ in range(size)]
        return {task.result() for task in tasks}, executor.shutdown

    return work.starts(sizes, folder, 200, "not tried: its documents mean as many workers as processors", begin)


def load(exits: int, folder: str, **_: object) -> Samples:
    """The caller is told by its future."""
    renewed = Renewed()
    return {**work.noticed(exits, folder, renewed.told, renewed.one)}
