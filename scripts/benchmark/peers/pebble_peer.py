"""pebble: a pool of which one worker can die alone; its task fails, and whoever wants it done asks again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pebble import ProcessExpired, ProcessPool

from benchmark.clock import Samples, laps
from benchmark.peers import work

USES = ("pebble",)
CANNOT = {"table": "shares nothing between its workers"}


def recovery(kills: int, folder: str) -> Samples:
    """By hand: the task of the dead worker has failed."""
    with ProcessPool(max_workers=2) as pool:

        def held(path: str) -> Callable[[], object]:
            task = pool.schedule(work.hold, args=[path])

            def answer() -> object:
                try:
                    return task.result(work.ANSWER_S)
                except ProcessExpired:
                    return pool.schedule(work.hold, args=[path]).result(work.ANSWER_S)

            return answer

        times = work.kills(min(kills, 8), folder, held)
    return {"by_hand": times, "warm": "the task fails: its caller asks again"}


def round_trip(trips: int, **_: object) -> Samples:
    """A call and its answer."""
    with ProcessPool(max_workers=2) as pool:
        return {"pair": laps(lambda: pool.schedule(work.echo, args=[work.SMALL]).result(), trips, work.BUDGET_S)}


def throughput(messages: int, **_: object) -> Samples:
    """Calls, all under way at once."""
    with ProcessPool(max_workers=2) as pool:
        return work.calls(lambda fn, given: pool.schedule(fn, args=[given]), messages)


def start(sizes: list[int], folder: str) -> Samples:
    """As many workers as that, each of which has answered."""

    def begin(size: int, path: str) -> tuple[set[int], Callable[[], object]]:
        pool = ProcessPool(max_workers=size)
        tasks = [pool.schedule(work.report, args=[path]) for _ in range(size)]
        return {task.result() for task in tasks}, partial(ended, pool)

    return work.starts(sizes, folder, 200, "not tried: all its workers share one pair of pipes and a lock", begin)


def ended(pool: Any) -> None:
    """Close it, and wait until its workers are gone."""
    pool.close()
    pool.join()


def load(exits: int, folder: str, **_: object) -> Samples:
    """The caller is told by its future."""
    with ProcessPool(max_workers=2) as pool:

        def told(path: str) -> Callable[[], object]:
            task = pool.schedule(work.hold, args=[path])
            return lambda: task.exception(work.ANSWER_S)

        def one() -> object:
            return pool.schedule(work.echo, args=[work.SMALL]).result(work.ANSWER_S)

        return {**work.noticed(exits, folder, told, one)}
