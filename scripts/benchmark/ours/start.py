"""How fast agents start, and what each costs while it waits."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

from benchmark.clock import Samples, pss_bytes
from benchmark.ours.system import running, start_idle

IDLE_S = 3.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def start(sizes: list[int], **_: object) -> Samples:
    """Without standbys: nobody has started any of these ahead."""
    found: Samples = {}
    for size in sizes:
        with running(standbys=0) as (runtime, watch):
            began, ended = start_idle(runtime, watch, size)
            pids = [agent.pid for agent in runtime.status().agents if agent.id.startswith("idle-") and agent.pid]
            found[f"rate_{size}"] = [size / (ended - began)]
            found[f"size_{size}"] = [statistics.fmean(map(pss_bytes, pids))]
            found[f"idle_{size}"] = [idle([runtime.pid, *pids])]
            stopping = time.perf_counter()
        found[f"stop_{size}"] = [time.perf_counter() - stopping]
    return found


def idle(pids: list[int]) -> float:
    """How much of one core these processes use together while nothing happens."""
    before = sum(map(cpu_s, pids))
    time.sleep(IDLE_S)
    return (sum(map(cpu_s, pids)) - before) / IDLE_S


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S
