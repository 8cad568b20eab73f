"""loky: a pool that is made again when it is asked for after it broke."""

from __future__ import annotations

from collections.abc import Callable

from loky import get_reusable_executor
from loky.process_executor import BrokenProcessPool

from benchmark.clock import Samples, laps
from benchmark.peers import work

USES = ("loky",)
CANNOT = {"table": "shares nothing between its workers"}


def held(path: str) -> Callable[[], object]:
    """Begin to hold; what waits asks the reusable executor again, which is then another one."""
    task = get_reusable_executor(max_workers=2).submit(work.hold, path)

    def answer() -> object:
        try:
            return task.result(work.ANSWER_S)
        except BrokenProcessPool:
            return get_reusable_executor(max_workers=2).submit(work.hold, path).result(work.ANSWER_S)

    return answer


def told(path: str) -> Callable[[], object]:
    """Begin to hold; what waits is told that it will not be answered."""
    task = get_reusable_executor(max_workers=2).submit(work.hold, path)
    return lambda: task.exception(work.ANSWER_S)


def one() -> object:
    """One message."""
    return get_reusable_executor(max_workers=2).submit(work.echo, work.SMALL).result(work.ANSWER_S)


def recovery(kills: int, folder: str) -> Samples:
    """By hand: all that was under way has failed."""
    return {
        "by_hand": work.kills(min(kills, 8), folder, held),
        "warm": "all that was under way fails: its caller asks again",
    }


def round_trip(trips: int, **_: object) -> Samples:
    """A call and its answer."""
    return {"pair": laps(one, trips, work.BUDGET_S)}


def throughput(messages: int, **_: object) -> Samples:
    """Calls, all under way at once."""
    return work.calls(get_reusable_executor(max_workers=2).submit, messages)


def start(sizes: list[int], folder: str) -> Samples:
    """As many workers as that, each of which has answered."""

    def begin(size: int, path: str) -> tuple[set[int], Callable[[], object]]:
        executor = get_reusable_executor(max_workers=size)
        tasks = [executor.submit(work.report, path) for _ in range(size)]
        return {task.result() for task in tasks}, executor.shutdown

    why = "not tried: each worker is an interpreter of its own, a second each on a few cores"
    return work.starts(sizes, folder, 20, why, begin)


def load(exits: int, folder: str, **_: object) -> Samples:
    """The caller is told by its future."""
    return {**work.noticed(exits, folder, told, one)}
