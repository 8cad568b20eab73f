"""The same again among more and more agents, events and children; and with which exponent it grows."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from store_figures import open_ms

from benchmark.clock import Samples
from benchmark.ours.load import exits_of
from benchmark.ours.recovery import killed
from benchmark.ours.round_trip import PAD
from benchmark.ours.system import START_BATCH, ask, quiet, running, start, start_idle
from benchmark.ours.throughput import SMALL, flow, start_pairs
from benchmark.spread import slope
from scr.client.client import RuntimeClient
from scr.messages import ExitReason
from scr.specs import AgentSpec, Code, Strategy, SupervisorSpec
from scr.supervise.facts import ChildExited, Started, TimePassed
from scr.supervise.orders import Order, StartProcess, StopProcess
from scr.supervise.policy import decide
from scr.supervise.tree import Tree

TRIPS, KILLS, MESSAGES = 500, 8, 4000
CODE = Code(reference="scr.agent.agent:Agent")


def growth(crowds: list[int], events: list[int], folder: str, **_: object) -> Samples:
    """Everything by size, and its slope."""
    found: Samples = {}
    for crowd in crowds:
        found |= among(crowd)
    for strategy in Strategy:
        for children in crowds:
            found[f"{strategy}_{children}"] = crash_decided(children, strategy)
    for number in events:
        found[f"resume_{number}"] = [open_ms(f"sqlite:///{Path(folder).absolute()}/{number}.db", number) / 1000]
    for name in ("trip", "recovery", "flow", "exit", *Strategy):
        found |= grown(found, name, crowds)
    return found | grown(found, "resume", events)


def grown(found: Samples, name: str, sizes: Iterable[int]) -> Samples:
    """The slope of the medians."""
    points = [(float(size), statistics.median(map(float, found[f"{name}_{size}"]))) for size in sizes]
    return {f"{name}_slope": [slope(points)]}


def among(crowd: int) -> Samples:
    """Round trips, messages, exits and kills while so many others are idle; while messages flow, nobody listens."""
    found: Samples = {}
    with quiet(standbys=2) as runtime:
        gather(runtime, crowd)
        start(runtime, "caller", "Caller")
        start(runtime, "echo", "Echo")
        start_pairs(runtime, 1)
        found[f"trip_{crowd}"] = ask(runtime, "caller", {"count": TRIPS, "to": "echo", "pad": PAD})[TRIPS // 10 :]
        found[f"flow_{crowd}"] = flow(runtime, 1, MESSAGES, SMALL)
        found[f"exit_{crowd}"] = exits_of(runtime, "idle-0", KILLS)
    with running() as (runtime, watch):
        start_idle(runtime, watch, crowd)
        start(runtime, "holder", "Holder")
        found[f"recovery_{crowd}"] = [killed(runtime, watch, n) for n in range(KILLS)]
    return found


def gather(runtime: RuntimeClient, crowd: int) -> None:
    """Start so many idle agents, and wait until they are up."""
    start(runtime, "starter", "Starter")
    for first in range(0, crowd, START_BATCH):
        runtime.send("starter", [first, min(START_BATCH, crowd - first)])
    while sum(agent.id.startswith("idle-") and agent.phase == "up" for agent in runtime.status().agents) < crowd:
        time.sleep(0.2)


def crash_decided(children: int, strategy: Strategy) -> list[float]:
    """A supervisor of so many: seconds of the decision that its first child has crashed.

    The first, because that is the dearest crash: it hits everybody whom the strategy hits at all.
    """
    specs = tuple(AgentSpec(id=f"a{n}", code=CODE) for n in range(children))
    tree = Tree.of(SupervisorSpec(id="root", strategy=strategy, children=specs, max_restarts=10**9))
    tree = settled(*decide(tree, TimePassed(0.0)), at=0.0)
    times: list[float] = []
    for n in range(1, max(3, 2000 // children) + 1):
        crash = ChildExited("a0", tree.children["a0"].incarnation, n * 10.0, ExitReason.KILLED)
        began = time.perf_counter()
        tree, orders = decide(tree, crash)
        times.append(time.perf_counter() - began)
        tree = settled(tree, orders, at=crash.at)
    return times


def settled(tree: Tree, orders: tuple[Order, ...], at: float) -> Tree:
    """The tree once everything that was ordered has been done at once, and whatever was ordered then."""
    waiting = deque(orders)
    while waiting:
        match waiting.popleft():
            case StartProcess(agent, incarnation):
                tree, more = decide(tree, Started(agent, incarnation, at))
            case StopProcess(agent, incarnation):
                tree, more = decide(tree, ChildExited(agent, incarnation, at, ExitReason.SHUTDOWN))
            case other:
                raise AssertionError(other)
        waiting += more
    return tree
