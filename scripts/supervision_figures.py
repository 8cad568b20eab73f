"""Measure supervision: decisions, a thousand agents, a handler that holds its interpreter.

`python scripts/supervision_figures.py [--agents 1000] [--json]`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from figures import Watch, pss_mb, running, shown

from scr.messages import ExitReason
from scr.runtime.client import Client
from scr.specs import AgentSpec, Code, Strategy, SupervisorSpec
from scr.supervise.facts import Exited, Started, Tick
from scr.supervise.orders import Order, Start, Stop
from scr.supervise.policy import decide
from scr.supervise.tree import Tree

CODE = Code(reference="scr.behaviour.agent:Agent")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def decisions(children: int, strategy: Strategy, rounds: int) -> dict[str, float]:
    """A supervisor of so many: the time of the decision that its first child has crashed, and of its whole start.

    The first, because that is the dearest crash: it hits everybody whom the strategy hits at all.
    """
    specs = tuple(AgentSpec(id=f"a{n}", code=CODE) for n in range(children))
    tree = Tree.of(SupervisorSpec(id="root", strategy=strategy, children=specs, max_restarts=10**9))
    begun = time.perf_counter()
    tree = settled(*decide(tree, Tick(0.0)), at=0.0)
    started_s = time.perf_counter() - begun
    times: list[float] = []
    for n in range(1, rounds + 1):
        crash = Exited("a0", tree.children["a0"].incarnation, n * 10.0, ExitReason.KILLED)
        begun = time.perf_counter()
        tree, orders = decide(tree, crash)
        times.append(time.perf_counter() - begun)
        tree = settled(tree, orders, at=crash.at)
    place = f"{strategy}_{children}_children"
    return {f"crash_decided_us_{place}": statistics.median(times) * 1e6, f"all_started_ms_{place}": started_s * 1000}


def settled(tree: Tree, orders: tuple[Order, ...], at: float) -> Tree:
    """The tree once everything that was ordered has been done at once, and whatever was ordered then."""
    waiting = deque(orders)
    while waiting:
        match waiting.popleft():
            case Start(agent, incarnation):
                tree, more = decide(tree, Started(agent, incarnation, at))
            case Stop(agent, incarnation):
                tree, more = decide(tree, Exited(agent, incarnation, at, ExitReason.SHUTDOWN))
            case other:
                raise AssertionError(other)
        waiting += more
    return tree


def many(count: int) -> dict[str, Any]:
    """So many idle agents: time to start, size, idleness, how soon one exit is noticed, time to stop."""
    with running(standbys=0) as (runtime, watch):
        runtime.start_agent("starter", "figure_agents:Starter")
        for batch in range(0, count, 1000):
            runtime.send("starter", min(1000, count - batch))
        begun = watch.until("agent_starting", 1, "idle-")[0].at
        ended = watch.until("agent_up", count, "idle-")[-1].at
        pids = [agent.pid for agent in runtime.status().agents if agent.pid]
        memory_mb = sum(map(pss_mb, pids)) + pss_mb(runtime.pid)
        idle = idle_percent([runtime.pid, *pids], seconds=5.0)
        noticed = noticed_ms(runtime, watch, rounds=20)
        stopping = time.perf_counter()
    return {
        "start_s": ended - begun,
        "memory_mb": memory_mb,
        "idle_percent_of_a_core": idle,
        "exit_noticed_ms": statistics.median(noticed),
        "stop_s": time.perf_counter() - stopping,
    }


def noticed_ms(runtime: Client, watch: Watch, rounds: int) -> list[float]:
    """From SIGKILL of one of many to the event that says so."""
    times: list[float] = []
    for n in range(rounds):
        pid = next(agent.pid for agent in runtime.status().agents if agent.id == f"idle-{n}")
        assert pid is not None
        killed = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        times.append((watch.until("agent_exited", 1, f"idle-{n}")[0].at - killed) * 1000)
    return times


def idle_percent(pids: list[int], seconds: float) -> float:
    """How much of one core these processes use together while nothing happens."""
    before = sum(map(cpu_s, pids))
    time.sleep(seconds)
    return (sum(map(cpu_s, pids)) - before) / seconds * 100


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def hung(deadline_s: float) -> dict[str, float]:
    """A handler that holds its interpreter: how long past its deadline it is replaced, and what siblings feel."""
    with running(standbys=2) as (runtime, watch):
        runtime.start_agent("hog", "figure_agents:Hog", deadline_s=deadline_s)
        runtime.start_agent("echo", "figure_agents:Echo")
        calm = latencies_us(runtime, deadline_s)
        asking = threading.Thread(target=runtime.ask, args=("hog", 0))
        asking.start()
        delivered = watch.until("message_delivered", 1, "hog")[0].at
        busy = latencies_us(runtime, deadline_s * 0.8)
        again = watch.until("agent_up", 2, "hog")[1].at
        asking.join()
    return {
        "replaced_after_deadline_ms": (again - delivered - deadline_s) * 1000,
        "sibling_p50_ratio": statistics.median(busy) / statistics.median(calm),
    }


def latencies_us(runtime: Client, seconds: float) -> list[float]:
    """Round trips to a sibling for so long."""
    times: list[float] = []
    until = time.perf_counter() + seconds
    while (asked := time.perf_counter()) < until:
        runtime.ask("echo", 0)
        times.append((time.perf_counter() - asked) * 1e6)
    return times


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    for children, rounds in ((10, 1000), (100, 100), (1000, 3)):
        for strategy in Strategy:
            figures |= decisions(children, strategy, rounds)
    figures |= hung(deadline_s=2.0)
    figures |= many(options.agents)
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"  {name:45} {shown(value)}")


if __name__ == "__main__":
    main()
