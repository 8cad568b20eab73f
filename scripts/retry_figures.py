"""Measure what failures cost: flaky workers beside steady ones, and many retries that wait.

python scripts/retry_figures.py [--waiting 100000] [--json]

Prints how long 20 workers need for 400 tasks of which one call in five fails,
beside the same without failures, and what a runtime uses while so many
messages wait for their next try, before and after it is killed and opens its
store again.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from typing import Any

import scr
from scr.messages import Task
from scr.specs import AgentSpec, Code, Strategy, SupervisorSpec

WORKERS, TASKS = 20, 400
CALL_S = 0.02
A_TURN = 1000
LOOK_S = 10.0
HOUR_S = 3600.0
TICKS = os.sysconf("SC_CLK_TCK")


def work(ctx: scr.Context, message: Task) -> list[int]:
    """Do one task: of each worker's tasks every fifth call fails, once."""
    given: Any = message.payload.input
    n, is_flaky = given
    time.sleep(CALL_S)
    if is_flaky and ctx.attempt == 1 and (n + n // WORKERS) % 5 == 0:
        raise ConnectionError(f"flaky {n}")
    return [n, ctx.attempt]


def put_off(ctx: scr.Context, message: Task) -> None:  # noqa: ARG001  handlers have two parameters
    """Never be done."""
    raise scr.TryLater(HOUR_S)


def sow(ctx: scr.Context, message: Task) -> None:
    """Send many tasks in one turn."""
    for n in range(int(str(message.payload.input))):
        ctx.send(n, to="waiter")


def flaky(runtime: scr.Runtime, *, is_flaky: bool) -> tuple[float, int]:
    """Seconds for all tasks, and how many tries failed."""
    began = time.perf_counter()
    tasks = [runtime.submit(f"w{n % WORKERS}", [n, is_flaky]) for n in range(TASKS)]
    tries = sum(int(task.result(60)[1]) for task in tasks)
    return time.perf_counter() - began, tries - TASKS


def flaky_workers() -> dict[str, Any]:
    """The figures of flaky workers beside steady ones, in one runtime."""
    with scr.Runtime() as runtime:
        for n in range(WORKERS):
            runtime.start_agent(f"w{n}", work)
        steady_s, _ = flaky(runtime, is_flaky=False)
        flaky_s, failed = flaky(runtime, is_flaky=True)
    return {"steady_s": steady_s, "flaky_s": flaky_s, "failed_tries": failed, "ratio": flaky_s / steady_s}


def tree(waiting: int) -> SupervisorSpec:
    """A sower, and the agent whose messages all wait."""
    waiter = AgentSpec(
        id="waiter",
        code=Code(reference="retry_figures:put_off"),
        on_error=scr.OnError.RETRY,
        ordered=False,
        mailbox_size=2 * waiting,
        retries_max=2 * waiting,
    )
    sower = AgentSpec(id="sower", code=Code(reference="retry_figures:sow"))
    return SupervisorSpec(id="root", strategy=Strategy.ONE_FOR_ONE, children=(waiter, sower))


def retries(runtime: scr.Runtime) -> int:
    """How many messages wait for their next try."""
    return sum(agent.retries for agent in runtime.status().agents if agent.id == "waiter")


def cpu_s(pid: int) -> float:
    """Processor time that a process has used."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:  # noqa: PTH123
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def share(pid: int) -> float:
    """The share of one core that a process uses."""
    before = cpu_s(pid)
    time.sleep(LOOK_S)
    return (cpu_s(pid) - before) / LOOK_S


def until_waiting(runtime: scr.Runtime, wanted: int) -> None:
    """Wait until so many retries wait."""
    while (now := retries(runtime)) < wanted:
        print(f"\r{now} of {wanted} wait", end="", file=sys.stderr)
        time.sleep(0.5)
    print(f"\r{wanted} wait      ", file=sys.stderr)


def waiting_retries(wanted: int, folder: str) -> dict[str, Any]:
    """The figures of many retries that wait, in one life of the runtime and in the next."""
    with scr.Runtime(tree(wanted), store=f"sqlite:///{folder}/retries.db", run="retries") as runtime:
        for _ in range(0, wanted, A_TURN):
            runtime.send("sower", A_TURN)
        until_waiting(runtime, wanted)
        found: dict[str, Any] = {"waiting": wanted, "core_share": share(runtime.pid)}
        before, began = runtime.pid, time.perf_counter()
        os.kill(before, signal.SIGKILL)
        while runtime.pid == before:
            time.sleep(0.01)
        runtime.wait_ready()
        until_waiting(runtime, wanted)
        found |= {"opened_again_s": time.perf_counter() - began, "core_share_again": share(runtime.pid)}
    return found


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=100_000, help="how many retries wait; 0 for none")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    found = {"workers": flaky_workers()}
    if options.waiting:
        with tempfile.TemporaryDirectory(dir=".") as folder:
            found["retries"] = waiting_retries(options.waiting, folder)
    if options.json:
        print(json.dumps(found))
        return 0
    for part in found.values():
        print(", ".join(f"{name} {value:.4g}" for name, value in part.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
