"""SIGKILL of the process that holds a message, until its replacement has answered it."""

from __future__ import annotations

import os
import signal
import threading
import time

from benchmark.clock import Samples
from benchmark.ours.system import Watch, ask, pid_of, running, start
from scr.client.client import RuntimeClient

PAUSE_S = 0.1


def recovery(kills: int, **_: object) -> Samples:
    """With standbys, which is how SCR comes, and without."""
    return {"warm": recovered(2, kills), "cold": recovered(0, kills)}


def recovered(standbys: int, kills: int) -> list[float]:
    """In a runtime of its own."""
    with running(standbys) as (runtime, watch):
        start(runtime, "holder", "Holder")
        return [killed(runtime, watch, n) for n in range(kills + 1)][1:]


def killed(runtime: RuntimeClient, watch: Watch, n: int) -> float:
    """Seconds from the nth kill to the answer, as the client that waits for it sees it."""
    answered: list[float] = []
    asking = threading.Thread(target=ask_and_note, args=(runtime, answered))
    asking.start()
    watch.until("logged", n + 1, "holder")
    pid = pid_of(runtime, "holder")
    time.sleep(PAUSE_S)  # the pool refills between two kills
    began = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    asking.join()
    return answered[0] - began


def ask_and_note(runtime: RuntimeClient, answered: list[float]) -> None:
    """Ask, and note when the answer came."""
    ask(runtime, "holder", 0)
    answered.append(time.perf_counter())
