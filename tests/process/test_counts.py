"""What a message and a decision cost, as counts: a machine that is busy changes seconds, and none of these."""

import re
import shutil
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

import scr
from scr.agent.agent import Agent
from scr.client.runtime import Runtime
from scr.messages import CLIENT, ExitReason, ResultPayload
from scr.specs import AgentSpec, Code, Strategy, SupervisorSpec
from scr.supervise.facts import ChildExited, Started, TimePassed
from scr.supervise.policy import decide
from scr.supervise.tree import Tree
from tests.conftest import until

TRIPS = 100
MESSAGES = 2 * TRIPS
CALL = re.compile(r"^\d+ +(\w+)\(")
MOVED = re.compile(r"\b(?:recvfrom|sendto|recvmsg|sendmsg|p?read(?:64)?|p?write(?:64)?)(?:\(| resumed).* = (\d+)$")
STRACE = shutil.which("strace")


class Echo(Agent):
    def on_task(self, ctx, message):
        ctx.reply(message.payload.input)


class Caller(Agent):
    """Goes to the echo and back so often."""

    def on_task(self, ctx, message):
        self.asked, self.left = message, message.payload.input
        ctx.send(0, to="echo")

    def on_result(self, ctx, message):
        self.left -= 1
        if self.left:
            ctx.send(0, to="echo")
        else:
            answer = ResultPayload(task_id=self.asked.payload.task_id)
            ctx.send(answer, to=CLIENT, in_reply_to=self.asked.message_id)


class Feeder(Agent):
    """Sends so many at once; the last one is the client's."""

    def on_task(self, ctx, message):
        for _ in range(message.payload.input):
            ctx.send(scr.StatusPayload(state="more"), to="echo")
        ctx.reply()


def is_traced(pid):
    states = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status")]
    return all("TracerPid:\t0\n" not in state for state in states)


def traced(runtime, log, work):
    """Everything that the runtime's process asks of the kernel while this is done."""
    tracer = subprocess.Popen([STRACE, "-f", "-qq", "-o", log, "-p", str(runtime.pid)], stderr=subprocess.DEVNULL)
    try:
        until(lambda: tracer.poll() is not None or is_traced(runtime.pid))
        if tracer.poll() is not None:
            pytest.skip("this machine lets nobody trace")
        work()
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
    return log.read_text().splitlines()


@pytest.mark.skipif(not STRACE, reason="strace is not installed")
@pytest.mark.parametrize(
    ("store", "calls_max", "bytes_max"),
    [("memory:", 5, 1500), ("sqlite:///{}/counts.db?durability=process", 60, 60_000)],
)
def test_a_message_costs_the_runtime_few_system_calls_and_few_bytes(tmp_path, store, calls_max, bytes_max):
    with Runtime(store=store.format(tmp_path)) as runtime:
        runtime.start_agent("echo", Echo)
        runtime.start_agent("caller", Caller)
        runtime.ask("caller", 20)
        lines = traced(runtime, tmp_path / "calls", lambda: runtime.ask("caller", TRIPS))
    calls = sum(bool(CALL.match(line)) for line in lines)
    moved = sum(int(found[1]) for line in lines if (found := MOVED.search(line)))
    assert MESSAGES <= calls <= calls_max * MESSAGES
    assert MESSAGES <= moved <= bytes_max * MESSAGES


@pytest.mark.skipif(not STRACE, reason="strace is not installed")
def test_a_message_of_a_backlog_costs_less_than_a_call_for_many_are_sent_ahead_at_once(tmp_path):
    def feed_and_wait():
        runtime.ask("feeder", MESSAGES)
        runtime.ask("echo", "the last of them")

    with Runtime() as runtime:
        runtime.start_agent("echo", Echo)
        runtime.start_agent("feeder", Feeder)
        lines = traced(runtime, tmp_path / "calls", feed_and_wait)
    calls = sum(bool(CALL.match(line)) for line in lines)
    assert calls <= MESSAGES


def team(children):
    """A supervisor whose children are all up."""
    specs = tuple(AgentSpec(id=f"a{n}", code=Code(reference="scr.agent.agent:Agent")) for n in range(children))
    tree, orders = decide(
        Tree.of(SupervisorSpec(id="root", strategy=Strategy.ONE_FOR_ONE, children=specs, max_restarts=10**6)),
        TimePassed(0.0),
    )
    while orders:
        (order,) = orders
        tree, orders = decide(tree, Started(order.id, order.incarnation, 0.0))
    return tree


@pytest.mark.parametrize(("children", "bytes_max", "blocks_max"), [(10, 4000, 30), (1000, 40_000, 30)])
def test_a_crash_is_decided_with_few_allocations(children, bytes_max, blocks_max):
    tree = team(children)
    crash = ChildExited("a0", tree.children["a0"].incarnation, 10.0, ExitReason.KILLED)
    decide(tree, crash)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        decided = decide(tree, crash)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    blocks = sys.getallocatedblocks()
    again = decide(tree, crash)
    blocks = sys.getallocatedblocks() - blocks
    assert decided == again
    assert peak - before <= bytes_max
    assert blocks <= blocks_max
