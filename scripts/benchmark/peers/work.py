"""The work that peers are given: what all of them can run, and how it is measured."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmark.clock import Samples, pss_bytes, timed

SMALL, LARGE = "x" * 20, "x" * 65_536
ANSWER_S = 20.0
PAUSE_S = 0.2
BUDGET_S = 10.0


def echo(value: Any) -> Any:
    """What is given."""
    return value


def hold(path: str) -> str:
    """Hold the first call until this process is killed; answer the second at once."""
    held = Path(path)
    if not held.exists():
        Path(f"{path}.new").write_text(str(os.getpid()), encoding="ascii")
        Path(f"{path}.new").rename(held)
        time.sleep(60)
    return "done"


def report(path: str) -> int:
    """Say which process this is, once it has met all the others that a folder waits for."""
    folder, _, number = path.rpartition("/")
    Path(folder, str(os.getpid())).touch()
    end = time.monotonic() + ANSWER_S
    while len(list(Path(folder).iterdir())) < int(number) and time.monotonic() < end:
        time.sleep(0.005)
    return os.getpid()


def holder_of(path: str) -> int:
    """Wait for whoever holds, and a little longer; its pid."""
    end = time.monotonic() + ANSWER_S
    while not Path(path).exists():
        if time.monotonic() > end:
            raise TimeoutError("nobody took the task")
        time.sleep(0.001)
    time.sleep(PAUSE_S)
    return int(Path(path).read_text(encoding="ascii"))


def kills(number: int, folder: str, held: Callable[[str], Callable[[], object]]) -> list[float]:
    """Seconds from each kill to the answer.

    `held` begins to have `hold` called, and returns what waits for the answer, by whatever way there is.
    """
    times: list[float] = []
    for n in range(number + 1):
        path = f"{folder}/held-{n}"
        answer = held(path)
        pid = holder_of(path)
        began = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        answer()
        times.append(time.perf_counter() - began)
    return times[1:]


def noticed(number: int, folder: str, held: Callable[[str], Callable[[], object]], one: Callable[[], object]) -> Any:
    """Seconds from each kill until the caller is told, while another thread has messages handled; and how many."""
    done, ended = [0], threading.Event()

    def flow() -> None:
        while not ended.is_set():
            try:
                one()
                done[0] += 1
            except Exception:  # noqa: BLE001  the pool that was killed refuses what comes meanwhile
                time.sleep(0.001)

    flowing = threading.Thread(target=flow)
    flowing.start()
    began, times = time.perf_counter(), []
    try:
        for n in range(number):
            path = f"{folder}/seen-{n}"
            answer = held(path)
            pid = holder_of(path)
            killed = time.perf_counter()
            os.kill(pid, signal.SIGKILL)
            answer()
            times.append(time.perf_counter() - killed)
    finally:
        ended.set()
        flowing.join()
    return {"noticed": times, "noticed_at": [done[0] / (time.perf_counter() - began)]}


def rate(send_all: Callable[[int, str], object], messages: int) -> dict[str, list[float]]:
    """Messages per second, small and large, after a warm-up."""
    found = {}
    for name, count, pad in (("one_small", messages, SMALL), ("one_large", messages // 10, LARGE)):
        send_all(max(10, count // 10), pad)
        began = time.perf_counter()
        send_all(count, pad)
        found[name] = [count / (time.perf_counter() - began)]
    return found


def calls(submit: Callable[..., Any], messages: int) -> Samples:
    """Calls per second, all under way at once; `submit` takes a function and its argument."""

    def send_all(count: int, pad: str) -> None:
        for task in [submit(echo, pad) for _ in range(count)]:
            task.result()

    return {**rate(send_all, messages)}


def starts(
    sizes: list[int], folder: str, most: int, otherwise: str, begin: Callable[[int, str], tuple[set[int], Any]]
) -> Samples:
    """Pools of as many workers as that, each of which has answered.

    `begin` makes one, has all its workers `report` to a path, and returns their pids and how it is stopped.
    More than `most` are not tried, for the reason `otherwise`.
    """
    found: Samples = {f"rate_{size}": otherwise for size in sizes if size > most}
    for size in (size for size in sizes if size <= most):
        Path(folder, f"start-{size}").mkdir()
        with timed() as watch:
            pids, stop = begin(size, f"{folder}/start-{size}/{size}")
        found[f"rate_{size}"] = [len(pids) / watch.s]
        found[f"size_{size}"] = [sum(map(pss_bytes, pids)) / len(pids)]
        with timed() as stopping:
            stop()
        found[f"stop_{size}"] = [stopping.s]
    return found


def echo_pid() -> int:
    """Of the process that runs this."""
    return os.getpid()
