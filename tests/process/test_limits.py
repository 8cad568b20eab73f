"""Limits of one agent: passing one ends that agent, with its reason, and nothing else."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydantic import BaseModel

import scr
from scr.errors import TaskFailed
from scr.launch.kernel.memory_group import MemoryGroups, home
from tests.conftest import until

MB = 1 << 20
HOME = home()
needs_groups = pytest.mark.skipif(HOME is None, reason="this system gives no memory groups to its users")


class Counter(scr.Agent):
    class State(BaseModel):
        total: int = 0

    def on_task(self, ctx, message):
        self.state.total += 1
        ctx.reply({"total": self.state.total, "incarnation": ctx.incarnation})


def hog(ctx, message):
    hoard = bytearray(message.payload.input * MB)
    hoard[::4096] = b"x" * len(hoard[::4096])
    time.sleep(30)


def witnesses(story):
    for name in ("witness-1", "witness-2", "witness-3"):
        story.runtime.start_agent(name, lambda ctx, message: ctx.incarnation)


def assert_untouched(story):
    assert [story.runtime.ask(f"witness-{n}", None) for n in (1, 2, 3)] == [1, 1, 1]


def test_an_agent_that_uses_more_memory_than_it_may_is_ended_for_that_and_its_siblings_live(story):
    witnesses(story)
    story.runtime.start_agent("hog", hog, limits={"memory_bytes": 200 * MB}, max_deliveries=1)
    with pytest.raises(TaskFailed, match=r"private memory, above its limit of 209715200"):
        story.runtime.ask("hog", 205)
    assert story.until("agent_exited", agent="hog").reason == "out_of_memory"
    assert_untouched(story)


def groups_of(runtime):
    """The memory groups that are there now of the agents of the runtime with this pid."""
    return sorted(HOME.path.glob(f"scr-{runtime}-*"))


def is_in_a_group(pid):
    return "/scr-" in Path(f"/proc/{pid}/cgroup").read_text()


@needs_groups
def test_memory_that_comes_too_fast_to_be_looked_at_is_the_kernels_to_end_and_it_says_so(story):
    def pours(ctx, message):
        unmapped = os.memfd_create("hoard")  # of no process's private memory: only the group counts it
        while True:
            os.write(unmapped, bytes(MB))

    witnesses(story)
    story.runtime.start_agent("hog", pours, limits={"memory_bytes": 100 * MB}, max_deliveries=1)
    with pytest.raises(TaskFailed, match="kernel"):
        story.runtime.ask("hog", None)
    assert story.until("agent_exited", agent="hog").reason == "out_of_memory"
    assert_untouched(story)


@needs_groups
def test_what_an_agent_has_started_is_counted_with_it_and_ended_with_it(story):
    def employs(ctx, message):
        subprocess.run([sys.executable, "-c", "x = b'x' * (300 << 20)"], check=False)
        time.sleep(30)

    witnesses(story)
    story.runtime.start_agent("boss", employs, limits={"memory_bytes": 100 * MB}, max_deliveries=1)
    with pytest.raises(TaskFailed, match="kernel"):
        story.runtime.ask("boss", None)
    assert story.until("agent_exited", agent="boss").reason == "out_of_memory"
    assert_untouched(story)


@needs_groups
def test_a_kill_from_outside_is_no_want_of_memory_and_each_incarnation_has_a_group_while_it_lives(story):
    story.runtime.start_agent("calm", Counter, limits={"memory_bytes": 100 * MB})
    story.runtime.start_agent("free", Counter)
    (first,), pid = groups_of(story.runtime.pid), story.pid("calm")
    assert is_in_a_group(pid)
    assert not is_in_a_group(story.pid("free"))
    os.kill(pid, signal.SIGKILL)
    assert story.until("agent_exited", agent="calm").reason == "killed"
    story.until("agent_up", count=2, agent="calm")
    (second,) = groups_of(story.runtime.pid)
    assert first != second
    assert is_in_a_group(story.pid("calm"))


@needs_groups
def test_a_runtime_that_was_killed_leaves_no_group(story):
    story.runtime.start_agent("calm", Counter, limits={"memory_bytes": 100 * MB})
    pid = story.runtime.pid
    assert groups_of(pid)
    os.kill(pid, signal.SIGKILL)
    until(lambda: not groups_of(pid))


@needs_groups
def test_groups_that_nobody_has_removed_are_removed_by_the_next_to_make_one():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    stale, in_use = HOME.path / f"scr-{ended.pid}-1", HOME.path / f"scr-{os.getppid()}-1"
    stale.mkdir()
    in_use.mkdir()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as agent:
        group = MemoryGroups().make(agent.pid, 100 * MB)
        assert is_in_a_group(agent.pid)
        assert (stale.exists(), in_use.exists()) == (False, True)
        group.close()
        assert groups_of(os.getpid()), "it has a process"
        agent.communicate(b"\n")
    group.close()
    in_use.rmdir()
    assert not groups_of(os.getpid())


def test_above_its_soft_limit_an_agent_is_replaced_between_two_messages_and_keeps_its_state(story):
    class Leaky(Counter):
        def on_task(self, ctx, message):
            globals().setdefault("leak", []).append(os.urandom(40 * MB))
            super().on_task(ctx, message)

    story.runtime.start_agent("leaky", Leaky, limits={"soft_memory_bytes": 60 * MB})
    answers = [story.runtime.ask("leaky", None)]
    while answers[-1]["incarnation"] == 1:
        answers.append(story.runtime.ask("leaky", None))
        assert len(answers) < 40
    assert [answer["total"] for answer in answers] == list(range(1, len(answers) + 1))
    exited = story.events("agent_exited", agent="leaky")[0]
    assert (exited.reason, exited.in_hand) == ("shutdown", None)


def test_after_as_many_messages_as_it_may_handle_an_agent_is_replaced_however_often(story):
    story.runtime.start_agent("counter", Counter, limits={"max_messages": 3})
    answers = [story.runtime.ask("counter", None) for _ in range(30)]
    assert [answer["total"] for answer in answers] == list(range(1, 31))
    assert answers[-1]["incarnation"] > 5
    assert not story.events("supervisor_gave_up")


def test_an_agent_that_is_too_old_is_replaced(story):
    story.runtime.start_agent("old", Counter, limits={"max_age_s": 0.3})
    story.until("agent_up", count=3, agent="old")
    assert story.runtime.ask("old", None)["total"] == 1


def test_cpu_seconds_are_kept_by_the_kernel(story):
    def burns(ctx, message):
        while True:
            pass

    witnesses(story)
    story.runtime.start_agent("burner", burns, limits={"cpu_s": 1}, max_deliveries=1)
    with pytest.raises(TaskFailed, match="SIGXCPU"):
        story.runtime.ask("burner", None)
    assert story.until("agent_exited", agent="burner").reason == "crashed"
    assert_untouched(story)


def test_too_many_open_files_are_an_error_in_the_agent_alone(story):
    def opens(ctx, message):
        return len([open(os.devnull) for _ in range(200)])

    witnesses(story)
    story.runtime.start_agent("opener", opens, limits={"open_files": 64}, max_deliveries=1)
    with pytest.raises(TaskFailed, match="Too many open files"):
        story.runtime.ask("opener", None)
    assert_untouched(story)
