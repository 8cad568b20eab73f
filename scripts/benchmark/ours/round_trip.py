"""A message between two agents and back, from one agent to itself, and from a client."""

from __future__ import annotations

from pathlib import Path

from benchmark.clock import Samples, laps
from benchmark.ours.system import STORES, ask, missing, pid_of, quiet, start, store_of

PAD = "x" * 20
WAITS_FOR_DISK = {"_durable", "_postgres"}


def on_cpu_s(pid: int) -> float:
    """How long the threads of a process have been on a processor (`schedstat`, Linux's scheduler statistics)."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def round_trip(trips: int, folder: str, **_: object) -> Samples:
    """With each durability; the client's ask without any."""
    found: Samples = {}
    for suffix in STORES:
        if why := missing(suffix):
            found |= {"pair" + suffix: why, "self" + suffix: why}
            continue
        count = max(20, trips // 4) if suffix in WAITS_FOR_DISK else trips
        with store_of(suffix, folder) as store, quiet(store=store, suffix=suffix) as runtime:
            start(runtime, "caller", "Caller")
            start(runtime, "echo", "Echo")
            for name, to in (("pair", "echo"), ("self", "caller")):
                job = {"count": count, "to": to, "pad": PAD}
                who = [runtime.pid, *(pid_of(runtime, agent) for agent in ("caller", "echo"))]
                before = [on_cpu_s(pid) for pid in who]
                found[name + suffix] = ask(runtime, "caller", job)[count // 10 :]
                ours, *theirs = ((on_cpu_s(pid) - was) / count for pid, was in zip(who, before, strict=True))
                found |= {f"{name}{suffix}_runtime": [ours], f"{name}{suffix}_agents": [sum(theirs)]}
            if not suffix:
                found["client"] = laps(lambda runtime=runtime: runtime.ask("echo", PAD), trips, 10.0)  # type: ignore[misc]
    return found
