"""How a measurement is taken and what it is handed back as; for all sides, the peers' too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

Samples: TypeAlias = dict[str, list[float] | str]
"""By name: seconds, bytes or a rate per second; or, in words, why there are none."""

WARM_UP = 0.1


def laps(work: Callable[[], object], count: int, budget_s: float) -> list[float]:
    """Seconds of each of so many repetitions, or as many as fit in the budget, after a warm-up of a tenth as many."""
    end = time.perf_counter() + budget_s
    for _ in _until(max(1, int(count * WARM_UP)), end):
        work()
    times: list[float] = []
    for _ in _until(count, max(end, time.perf_counter() + budget_s / 10)):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return times


def _until(count: int, end: float) -> Iterator[int]:
    for n in range(count):
        yield n
        if time.perf_counter() > end:
            return


class Watch:
    """The seconds that a block took."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.s = 0.0


@contextmanager
def timed() -> Iterator[Watch]:
    """Measure a block."""
    watch = Watch()
    yield watch
    watch.s = time.perf_counter() - watch.began


def pss_bytes(pid: int) -> float:
    """The proportional set size of a process; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024.0 for line in lines if line.startswith("Pss:")), 0.0)
