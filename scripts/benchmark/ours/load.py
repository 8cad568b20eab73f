"""Exits that are noticed while messages flow, many kills at once, a handler that holds its interpreter."""

from __future__ import annotations

import os
import signal
import statistics
import threading
import time
from typing import Any

from benchmark.clock import Samples
from benchmark.ours.system import Watch, ask, quiet, running, start, start_idle
from benchmark.ours.throughput import BATCH, MAILBOX, SMALL
from scr.client.client import RuntimeClient
from scr.client.connect import connect
from scr.client.runtime import Runtime

WANTED_PER_S = 10_000
PAUSE_S = 0.1
VICTIM = "victim"


def load(kills: int, exits: int, deadline_s: float, **_: object) -> Samples:
    """Each in a runtime of its own."""
    found: Samples = {}
    with quiet() as runtime:
        noticed, rate = noticed_in_flow(runtime, exits)
        found |= {"noticed": noticed, "noticed_at": [rate]}
    with running() as (runtime, watch):
        start_idle(runtime, watch, kills)
        found["kills"] = [all_again(runtime, watch, kills)]
    with running() as (runtime, watch):
        late_s, felt = hung(runtime, watch, deadline_s)
        found |= {"hung": [late_s], "sibling": [felt]}
    return found


def noticed_in_flow(runtime: Runtime, exits: int) -> tuple[list[float], float]:
    """Seconds from each kill to the event that tells of it, and how many messages per second were handled."""
    start(runtime, "source", "Source", mailbox_size=MAILBOX)
    start(runtime, "sink", "Sink", mailbox_size=MAILBOX)
    start(runtime, VICTIM, "Echo")
    count = round(WANTED_PER_S * (exits + 3) * PAUSE_S)
    flows: list[Any] = []
    job = {"to": "sink", "count": count, "batch": BATCH, "pad": SMALL, "pace_s": BATCH / WANTED_PER_S}
    flowing = threading.Thread(target=lambda: flows.append(ask(runtime, "source", job)))
    flowing.start()
    times = exits_of(runtime, VICTIM, exits)
    flowing.join()
    began, ended, handled = flows[0]
    return times, handled / (ended - began)


def exits_of(runtime: Runtime, agent: str, exits: int) -> list[float]:
    """Seconds from each kill of an agent to the event that says so; of no other agent is anything heard."""
    watch, times = Watch(), []
    with connect(runtime.id, watch.hear) as client:
        client.subscribe(agent=agent)
        pid = 0
        for n in range(exits):
            pid = next_pid(runtime, agent, pid)
            time.sleep(PAUSE_S)
            killed = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            times.append(watch.until("agent_exited", n + 1, agent)[n].at - killed)
    return times


def next_pid(runtime: RuntimeClient, agent: str, last: int) -> int:
    """Of the process that comes after the last one, once it is up."""
    while True:
        for status in runtime.status().agents:
            if status.id == agent and status.phase == "up" and status.pid and status.pid != last:
                return status.pid
        time.sleep(0.01)


def all_again(runtime: RuntimeClient, watch: Watch, kills: int) -> float:
    """Seconds from so many kills at once until all are up again."""
    pids = [agent.pid for agent in runtime.status().agents if agent.id.startswith("idle-") and agent.pid]
    assert len(pids) == kills
    killed = time.monotonic()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return watch.until("agent_up", 2 * kills, "idle-")[-1].at - killed


def hung(runtime: RuntimeClient, watch: Watch, deadline_s: float) -> tuple[float, float]:
    """How long past its deadline a handler is replaced, and how much longer its sibling's round trips are meanwhile."""
    start(runtime, "hog", "Hog", deadline_s=deadline_s)
    start(runtime, "echo", "Echo")
    calm = trips(runtime, deadline_s * 0.8)
    asking = threading.Thread(target=ask, args=(runtime, "hog", 0))
    asking.start()
    delivered = watch.until("message_delivered", 1, "hog")[0].at
    busy = trips(runtime, deadline_s * 0.8)
    again = watch.until("agent_up", 2, "hog")[1].at
    asking.join()
    return again - delivered - deadline_s, statistics.median(busy) / statistics.median(calm)


def trips(runtime: RuntimeClient, seconds: float) -> list[float]:
    """Round trips to a sibling for so long."""
    times: list[float] = []
    until = time.perf_counter() + seconds
    while (asked := time.perf_counter()) < until:
        runtime.ask("echo", 0)
        times.append(time.perf_counter() - asked)
    return times
