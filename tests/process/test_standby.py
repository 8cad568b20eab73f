"""Standby processes: there before they are needed, alive when handed out, replaced when they die."""

import os
import signal

import pytest

from scr.launch.kernel.proc_stats import is_stopped
from tests.contract.launch_harness import Bench, is_gone, is_reaped


@pytest.fixture
def bench():
    bench = Bench("zygote with standby", standby=3)
    yield bench
    bench.close()


def standing_by(bench):
    bench.until(lambda: bench.launcher.idle == 3)
    return set(bench.left()) - {bench.inner.zygote_pid, *(one.pid for one in bench.processes)}


def test_a_launch_hands_out_a_process_that_was_there_and_the_pool_fills_up_again(bench):
    before = standing_by(bench)
    (process,) = bench.start(1)
    assert process.pid in before
    assert bench.ask(process, "pid") == process.pid
    after = standing_by(bench)
    assert len(after) == 3
    assert len(after & before) == 2


def test_more_launches_than_standbys_are_all_answered(bench):
    standing_by(bench)
    processes = bench.start(10)
    assert len({one.pid for one in processes}) == 10
    standing_by(bench)


def test_a_standby_that_somebody_has_stopped_is_ended_and_never_handed_out(bench):
    before = standing_by(bench)
    for pid in before:
        os.kill(pid, signal.SIGSTOP)
    bench.until(lambda: all(is_stopped(pid) for pid in before))
    (process,) = bench.start(1)
    assert process.pid not in before
    assert bench.ask(process, "pid") == process.pid
    bench.until(lambda: all(is_gone(pid) for pid in before))
    standing_by(bench)


def test_a_standby_that_dies_is_never_handed_out_is_reaped_and_is_replaced(bench):
    bench.reaper.close()  # the pool itself has to reap
    victim, *_ = before = standing_by(bench)
    os.kill(victim, signal.SIGKILL)
    until_ended(victim)
    processes = bench.start(3)
    assert victim not in {one.pid for one in processes}
    assert {one.pid for one in processes} >= before - {victim}
    assert is_reaped(victim)
    standing_by(bench)


def test_all_standbys_killed_while_idle_come_back(bench):
    for victim in standing_by(bench):
        os.kill(victim, signal.SIGKILL)
    bench.until(lambda: bench.launcher.idle == 0)
    standing_by(bench)


def test_closing_ends_the_standbys(bench):
    before = standing_by(bench)
    bench.run(bench.launcher.close())
    assert all(map(is_gone, before))


def until_ended(pid):
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
