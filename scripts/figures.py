"""Measure the speed and the size of SCR on this machine: `make figures`, or `python scripts/figures.py --json`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scr.config import Limits, Settings
from scr.research.index import Index
from scr.runtime import preload
from scr.runtime.handle import Runtime
from scr.specs import Strategy, SupervisorSpec
from scr.telemetry.events import Record

PAUSE_S = 0.1
TREE = SupervisorSpec(
    id="root",
    strategy=Strategy.ONE_FOR_ONE,
    children=(SupervisorSpec(id="agents", strategy=Strategy.ONE_FOR_ONE, dynamic=True, max_restarts=100_000),),
)


class Watch:
    """Waits for events."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._news = threading.Condition()

    def hear(self, record: Record) -> None:
        """Called by the runtime's reader."""
        with self._news:
            self._records.append(record)
            self._news.notify_all()

    def until(self, kind: str, count: int, prefix: str) -> list[Record]:
        """The first `count` records of a kind, about agents whose name begins so."""

        def found() -> list[Record]:
            return [r for r in self._records if r.event.kind == kind and r.event.agent.startswith(prefix)]  # type: ignore[union-attr]

        with self._news:
            assert self._news.wait_for(lambda: len(found()) >= count, 60), f"no {count} {kind}"
            return found()[:count]


@contextmanager
def running(standbys: int) -> Iterator[tuple[Runtime, Watch]]:
    """A runtime with a tree of its own, and its events."""
    watch = Watch()
    settings = Settings(standbys=standbys, limits=Limits(events_kept=100_000))
    with Runtime(TREE, settings=settings, listener=watch.hear, preload=(preload.WARM, "figure_agents")) as runtime:
        yield runtime, watch


def ask_and_note(runtime: Runtime, answered: list[float]) -> None:
    """Ask, and note when the answer came."""
    runtime.ask("holder", 0)
    answered.append(time.perf_counter())


def recovery_ms(standbys: int, rounds: int) -> list[float]:
    """From SIGKILL of the process that holds a message to its answer by the replacement, seen by the client."""
    times: list[float] = []
    with running(standbys) as (runtime, watch):
        runtime.start_agent("holder", "figure_agents:Holder")
        for n in range(rounds):
            answered: list[float] = []
            asking = threading.Thread(target=ask_and_note, args=(runtime, answered))
            asking.start()
            watch.until("logged", n + 1, "holder")
            pid = next(status.pid for status in runtime.status().agents if status.id == "holder")
            time.sleep(PAUSE_S)  # the pool refills between two kills
            assert pid is not None
            killed = time.perf_counter()
            os.kill(pid, signal.SIGKILL)
            asking.join()
            times.append((answered[0] - killed) * 1000)
    return times


def round_trip_us(rounds: int) -> list[float]:
    """A client's ask and its answer: client, runtime, agent, runtime, client."""
    times: list[float] = []
    with running(standbys=1) as (runtime, _):
        runtime.start_agent("echo", "figure_agents:Echo")
        for n in range(rounds):
            asked = time.perf_counter()
            runtime.ask("echo", n)
            times.append((time.perf_counter() - asked) * 1e6)
    return times


def starts(count: int) -> tuple[float, float]:
    """Agents started per second, and the private memory (PSS, MB) of each, all idle."""
    with running(standbys=0) as (runtime, watch):
        runtime.start_agent("starter", "figure_agents:Starter")
        runtime.send("starter", count)
        begun = watch.until("agent_starting", 1, "idle-")[0]
        ended = watch.until("agent_up", count, "idle-")[-1]
        sizes = [
            pss_mb(status.pid) for status in runtime.status().agents if status.id.startswith("idle-") and status.pid
        ]
        return count / (ended.at - begun.at), statistics.fmean(sizes)


def pss_mb(pid: int) -> float:
    """The proportional set size of a process, in MB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no Pss line")


def index_s(passages: int) -> float:
    """The time to index a folder of so many passages."""
    with tempfile.TemporaryDirectory() as folder:
        docs = Path(folder, "docs")
        docs.mkdir()
        for n in range(passages // 50):
            text = "\n\n".join(
                f"Passage {n}-{k} tells how agent {k} of system {n} recovers from crash number {n * k}."
                for k in range(50)
            )
            (docs / f"{n}.md").write_text(f"# Document {n}\n\n{text}\n")
        begun = time.perf_counter()
        Index.open_or_build(docs, Path(folder, "index.sqlite"))
        return time.perf_counter() - begun


def demo_s() -> tuple[float, float]:
    """`scr demo` as a user runs it: to its first line about an agent, and to its end."""
    begun = time.perf_counter()
    scr = Path(sys.executable).with_name("scr")
    with (
        tempfile.TemporaryDirectory() as out,
        subprocess.Popen([scr, "demo"], cwd=out, stdout=subprocess.PIPE, text=True) as demo,
    ):
        assert demo.stdout is not None
        first = next((time.perf_counter() - begun for line in demo.stdout if "table up, pid" in line), float("nan"))
        demo.stdout.read()
    assert demo.returncode == 0, f"scr demo ended with {demo.returncode}"
    return first, time.perf_counter() - begun


def spread(values: list[float]) -> dict[str, float]:
    """Median, 99th percentile and the largest."""
    ordered = sorted(values)
    return {
        "p50": statistics.median(ordered),
        "p99": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        "max": ordered[-1],
    }


def measure(rounds: int) -> dict[str, Any]:
    """Every figure, by name."""
    first, whole = demo_s()
    per_second, each_mb = starts(200)
    return {
        "machine": f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}",
        "demo_first_agent_s": first,
        "demo_s": whole,
        "recovery_with_standby_ms": spread(recovery_ms(2, rounds)),
        "recovery_without_standby_ms": spread(recovery_ms(0, rounds)),
        "round_trip_us": spread(round_trip_us(rounds * 20)),
        "starts_per_s": per_second,
        "pss_each_of_200_mb": each_mb,
        "index_10000_passages_s": index_s(10_000),
    }


TARGETS = {
    "demo_first_agent_s": "0.5 s at most",
    "demo_s": "3 s at most",
    "recovery_with_standby_ms": "p50 3 ms at most",
    "recovery_without_standby_ms": "p50 8 ms at most",
    "round_trip_us": "",
    "starts_per_s": "150/s at least",
    "pss_each_of_200_mb": "4 MB at most",
    "index_10000_passages_s": "3 s at most",
}


def shown(value: Any) -> str:
    """A figure for people."""
    if isinstance(value, dict):
        return "  ".join(f"{name} {part:.2f}" for name, part in value.items())
    return f"{value:.2f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=50, help="kills in each recovery measurement")
    options = parser.parse_args()
    figures = measure(options.rounds)
    if options.json:
        print(json.dumps(figures))
        return
    print(figures["machine"])
    for name, target in TARGETS.items():
        print(f"  {name:30} {shown(figures[name]):42} {target}")


if __name__ == "__main__":
    main()
