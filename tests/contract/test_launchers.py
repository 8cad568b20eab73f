"""What every launcher promises, tried with real processes on each of them."""

import os
import re
import signal
from pathlib import Path

import multiprocess
import pytest

from scr.launch.output_capture import Capture
from scr.launch.reaper import signal_group
from scr.launch.wait_status import WaitStatus
from tests.contract.launch_harness import KINDS, QUEUES, children_of, is_gone, runtime_of_three, runtime_process, until

ENDS = (
    (("exit", None), WaitStatus(code=0)),
    (("exit", 3), WaitStatus(code=3)),
    (("fail", "on purpose"), WaitStatus(code=1)),
    (("die", signal.SIGKILL), WaitStatus(signal=signal.SIGKILL)),
    (("die", signal.SIGTERM), WaitStatus(signal=signal.SIGTERM)),
    (("die", signal.SIGSEGV), WaitStatus(signal=signal.SIGSEGV)),
)


def test_each_process_is_a_named_child_with_a_session_and_a_channel_of_its_own_and_as_fresh_as_a_new_interpreter(bench):
    processes = bench.start(3)
    assert [bench.ask(process, "pid") for process in processes] == [process.pid for process in processes]
    assert len({process.pid for process in processes}) == 3
    for process in processes:
        assert bench.ask(process, "parent") == os.getpid()
        assert bench.ask(process, "session") == bench.ask(process, "group") == process.pid
        assert title_of(process.pid) == b"scr: standby"
        assert process.pid in bench.left(), "it keeps its mark"
        fresh = bench.ask(process, "fresh")
        assert fresh == {"gc": True, "interrupt": True, "hangup": True, "blocked": []}
        assert bench.ask(process, "environment", "SCR_RUNTIME_ID") == bench.runtime_id
    assert len({bench.ask(process, "random") for process in processes}) == 3
    if "sentinel" not in bench.kind:
        check_descriptors(bench, processes[-1])
    assert [bench.ask(process, "multiprocess") for process in processes] == [0, 0, 0], "an agent may use it itself"


def check_descriptors(bench, process):
    """It has none but its stdio and its channel: those of the processes before it have not leaked into it."""
    links = bench.ask(process, "descriptors")
    assert links.pop("0") == "/dev/null"
    assert re.match(r"pipe:", links.pop("1"))
    assert re.match(r"pipe:", links.pop("2"))
    assert {link.partition(":")[0] for link in links.values()} == ({"pipe"} if QUEUES in bench.kind else {"socket"})
    assert len(links) == (2 if QUEUES in bench.kind else 1)


def test_the_true_status_of_every_end_is_seen_and_the_siblings_live_on(bench):
    *victims, one, other = bench.start(len(ENDS) + 2)
    for victim, (order, status) in zip(victims, ENDS, strict=True):
        bench.tell(victim, *order)
        assert bench.end_of(victim) == status, order
        assert [bench.ask(sibling, "pid") for sibling in (one, other)] == [one.pid, other.pid]


def test_a_process_whose_channel_is_closed_ends_by_itself_with_code_0(bench):
    (process,) = bench.start(1)
    process.channel.close()
    assert bench.run(bench.watch(process)) == WaitStatus(code=0)


def test_a_process_that_ended_before_it_was_watched_is_not_lost(bench):
    early, late = bench.start(2)
    bench.tell(early, "exit", 7)
    bench.until(lambda: is_gone(early.pid))
    assert bench.ask(late, "pid") == late.pid  # the loop has seen the end by now
    assert bench.end_of(early) == WaitStatus(code=7)


def test_stdout_and_stderr_come_line_by_line_and_apart(bench):
    (process,) = bench.start(1)
    out, err = [], []
    captures = [Capture(bench.loop, process.stdout, out.append), Capture(bench.loop, process.stderr, err.append)]
    bench.ask(process, "speak", "öne\ntwo", "three")
    bench.ask(process, "speak", "four", "five")
    bench.until(lambda: out == ["öne", "two", "four"] and err == ["three", "five"])
    bench.tell(process, "fail", "the very last words")
    bench.end_of(process)
    for capture in captures:
        capture.drain()
        capture.close()
    assert "the very last words" in captures[1].tail


def test_a_grandchild_that_holds_the_pipes_does_not_hide_the_death(bench):
    (process,) = bench.start(1)
    lines = []
    capture = Capture(bench.loop, process.stdout, lines.append)
    tool = bench.ask(process, "tool in a session")
    bench.ask(process, "speak", "before", "")
    bench.tell(process, "die", signal.SIGKILL)
    assert bench.end_of(process) == WaitStatus(signal=signal.SIGKILL)
    capture.drain()
    capture.close()
    assert lines == ["before"]
    assert not is_gone(tool)
    os.kill(tool, signal.SIGKILL)


def test_what_a_dead_process_left_in_its_group_is_killed_and_the_siblings_tools_are_not(bench):
    victim, sibling = bench.start(2)
    tools = [bench.ask(process, "plain tool") for process in (victim, sibling)]
    end = bench.watch(victim)
    bench.tell(victim, "die", signal.SIGKILL)
    bench.run(end)
    bench.until(lambda: is_gone(tools[0]))
    assert not is_gone(tools[1])


def test_a_signal_to_the_group_reaches_the_process_and_its_tools_and_nobody_else(bench):
    victim, sibling = bench.start(2)
    tool = bench.ask(victim, "plain tool")
    end = bench.watch(victim)
    assert signal_group(victim.pid, victim.pidfd, signal.SIGTERM)
    assert bench.run(end) == WaitStatus(signal=signal.SIGTERM)
    bench.until(lambda: is_gone(tool))
    assert not signal_group(victim.pid, victim.pidfd, signal.SIGTERM)
    assert bench.ask(sibling, "pid") == sibling.pid


def test_sigusr1_dumps_the_stack_of_a_process_that_hangs_and_does_not_end_it(bench):
    (process,) = bench.start(1)
    lines = []
    capture = Capture(bench.loop, process.stderr, lines.append)
    bench.ask(process, "pid")
    bench.tell(process, "hang")

    def dumped():  # again and again: it may not hang yet
        signal_group(process.pid, process.pidfd, signal.SIGUSR1)
        return "blocked_in_c" in capture.tail and "obey" in capture.tail

    bench.until(dumped)
    capture.close()
    assert not is_gone(process.pid)


def test_multiprocess_does_not_wait_on_processes_that_are_the_reapers(bench):
    (victim,) = bench.start(1)
    bench.tell(victim, "exit", 5)
    until(lambda: is_gone(victim.pid))
    assert multiprocess.active_children() == []  # this would have reaped it
    assert bench.end_of(victim) == WaitStatus(code=5)


def test_closing_ends_everything_and_refuses_the_rest(bench):
    processes = bench.start(3)
    tools = [bench.ask(process, order) for process in processes for order in ("plain tool", "tool in a session")]
    ends = [bench.watch(process) for process in processes]
    bench.run(bench.launcher.close())
    assert all(map(is_gone, tools))
    assert all(bench.run(end) for end in ends)
    assert bench.left() == []
    assert "closed" in bench.refusal()


def title_of(pid):
    """The name under which the process is shown."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "sentinel" in kind])
def test_no_agent_outlives_a_killed_runtime_that_had_neither_a_zygote_nor_a_warden(kind):
    with runtime_process(runtime_of_three(kind)) as (runtime, told):
        assert not any(map(is_gone, told["pids"]))
        runtime.kill()
        until(lambda: all(map(is_gone, told["pids"])))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "sentinel" not in kind])
def test_nothing_at_all_outlives_a_killed_runtime_that_had_a_zygote_or_a_warden(kind):
    orders = [("plain tool",), ("tool in a session",), ("tool without environment",)]
    with runtime_process(runtime_of_three(kind, *orders)) as (runtime, told):
        assert len(told["pids"]) == 13
        assert not any(map(is_gone, told["pids"]))
        runtime.kill()
        until(lambda: all(map(is_gone, told["pids"])))
        until(lambda: not Path(told["scratch"]).exists())


def test_a_warden_that_was_killed_is_replaced_by_one_that_knows_all_sessions():
    with runtime_process(runtime_of_three("spawn", ("tool without environment",))) as (runtime, told):
        *others, killed = told["pids"]
        os.kill(killed, signal.SIGKILL)
        until(lambda: [pid for pid in children_of(runtime.pid) - {killed} if title_of(pid) == b"scr: warden"])
        runtime.kill()
        until(lambda: all(map(is_gone, others)))
