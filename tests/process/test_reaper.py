"""The reaper: every end is seen once and truly, and nobody stays a zombie."""

import asyncio
import os
import resource
import signal
import subprocess
import sys

import pytest

from scr.launch import reaper as reaper_module
from scr.launch.kernel.lineage import is_ended
from scr.launch.kernel.prctl import set_child_subreaper
from scr.launch.reaper import LOST, Reaper, become_subreaper, signal_group
from scr.launch.wait_status import WaitStatus
from tests.contract.launch_harness import children_of, is_gone, is_reaped, until

LIMIT_S = 20.0
MORE_BYTES = 100_000_000


class Yard:
    """A loop with a reaper, and plain shells to be reaped."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.reaper = Reaper(self.loop)
        self.pids = []
        self.pidfds = []

    def shell(self, script, *, session=True):
        pid = os.posix_spawn("/bin/sh", ["sh", "-c", script], os.environ, setsid=session, setsigdef=[signal.SIGHUP])
        self.pids.append(pid)
        self.pidfds.append(os.pidfd_open(pid))
        return pid, self.pidfds[-1]

    def watch(self, pid, pidfd):
        future = self.loop.create_future()
        self.reaper.watch(pid, pidfd, future.set_result)
        return future

    def run(self, awaitable):
        return self.loop.run_until_complete(asyncio.wait_for(awaitable, LIMIT_S))

    def until(self, fact):
        async def wait():
            while not fact():  # noqa: ASYNC110  the facts are the kernel's, who sets no Event
                await asyncio.sleep(0.005)

        self.run(wait())

    def close(self):
        for pid, pidfd in zip(self.pids, self.pidfds, strict=True):
            signal_group(pid, pidfd, signal.SIGKILL)
        self.until(lambda: all(is_reaped(pid) for pid in self.pids))
        self.reaper.close()
        for pidfd in self.pidfds:
            os.close(pidfd)
        self.loop.close()


@pytest.fixture
def yard():
    yard = Yard()
    yield yard
    yard.close()


def test_each_of_many_children_gets_its_own_status(yard):
    ends = {code: yard.watch(*yard.shell(f"exit {code}")) for code in range(20)}
    assert {code: yard.run(end) for code, end in ends.items()} == {code: WaitStatus(code=code) for code in range(20)}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGHUP])
def test_a_signal_is_told_as_itself(yard, number):
    end = yard.watch(*yard.shell(f"kill -{int(number)} $$"))
    assert yard.run(end) == WaitStatus(signal=number)


def test_what_a_process_had_used_is_told_with_its_end(yard):
    # The kernel counts what the caller of an exec ever held as held by the new program too (exec_mmap in fs/exec.c).
    held_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    eats = f"exec {sys.executable} -c 'chr(120) * {held_bytes + MORE_BYTES}'"
    hungry, lean, _ = (yard.watch(*yard.shell(script)) for script in (eats, "exit 0", "exit 0"))
    used, little = yard.run(hungry).usage, yard.run(lean).usage
    assert used.memory_bytes > held_bytes + MORE_BYTES > little.memory_bytes > 0
    assert used.cpu_s > little.cpu_s


def test_a_child_that_was_reaped_before_it_was_watched_keeps_its_status(yard):
    children = [yard.shell(f"exit {code}") for code in (4, 5, 6)]
    yard.until(lambda: all(is_reaped(pid) for pid, _ in children))
    assert [yard.run(yard.watch(*child)).code for child in children] == [4, 5, 6]


def test_a_parked_status_is_not_given_to_a_live_process_that_has_got_the_number(yard):
    pid, pidfd = yard.shell("exec sleep 600")
    yard.reaper._parked[pid] = WaitStatus(code=0)
    end = yard.watch(pid, pidfd)
    os.kill(pid, signal.SIGTERM)
    assert yard.run(end) == WaitStatus(signal=signal.SIGTERM)
    assert pid not in yard.reaper._parked


def test_parked_statuses_are_bounded(yard, monkeypatch):
    monkeypatch.setattr(reaper_module, "PARKED_MAX", 3)
    children = [yard.shell(f"exit {code}") for code in range(1, 8)]
    yard.until(lambda: all(is_reaped(pid) for pid, _ in children))
    assert len(yard.reaper._parked) == 3


def test_a_status_that_somebody_else_took_is_lost_and_told_so(yard):
    yard.reaper.close()
    pid, pidfd = yard.shell("exit 3")
    os.waitpid(pid, 0)
    status = yard.run(yard.watch(pid, pidfd))
    assert status == LOST
    assert status.lost
    assert not WaitStatus(code=0).lost


def test_orphans_are_adopted_and_leave_no_zombie(yard):
    others = set(children_of(os.getpid()))
    become_subreaper()
    try:
        ends = [yard.watch(*yard.shell("for i in 1 2 3 4 5; do (setsid sh -c 'exit 9' &) ; done")) for _ in range(3)]
        assert [yard.run(end).code for end in ends] == [0, 0, 0]
        yard.until(lambda: not set(children_of(os.getpid())) - others)
    finally:
        set_child_subreaper(on=False)


def test_more_zombies_than_one_sweep_takes_are_all_reaped(yard, monkeypatch):
    monkeypatch.setattr(reaper_module, "SWEPT_MAX", 2)
    yard.reaper.close()
    children = [yard.shell("exit 0") for _ in range(9)]
    until(lambda: all(is_gone(pid) for pid, _ in children))
    yard.reaper = Reaper(yard.loop)  # no signal will come for them: its first sweep has to do
    yard.until(lambda: all(is_reaped(pid) for pid, _ in children))


def test_a_callback_that_raises_keeps_nobody_else_from_being_told(yard):
    said = []
    yard.loop.set_exception_handler(lambda _, context: said.append(context["exception"]))

    def raising(_):
        raise RuntimeError("on purpose")

    children = [yard.shell("exec sleep 600") for _ in range(3)]
    yard.reaper.watch(*children[0], raising)
    ends = [yard.watch(*child) for child in children[1:]]
    for pid, pidfd in children:
        signal_group(pid, pidfd, signal.SIGKILL)
    assert [yard.run(end).signal for end in ends] == [signal.SIGKILL] * 2
    yard.until(lambda: [str(one) for one in said] == ["on purpose"])


def test_an_end_is_told_once_although_it_is_seen_twice(yard):
    told = []
    children = [yard.shell(f"exit {code}") for code in (1, 2, 3)]
    for pid, pidfd in children:
        until(lambda: is_ended(pidfd))  # noqa: B023  called in this turn of the loop
        yard.reaper.watch(pid, pidfd, told.append)
    yard.until(lambda: len(told) >= 3)
    yard.run(asyncio.sleep(0))
    assert sorted(status.code for status in told) == [1, 2, 3]


def test_a_signal_to_a_reaped_process_is_refused(yard):
    pid, pidfd = yard.shell("exit 0")
    yard.run(yard.watch(pid, pidfd))
    assert not signal_group(pid, pidfd, signal.SIGTERM)


def test_a_process_that_is_still_in_our_group_is_signalled_alone(yard):
    pid, pidfd = yard.shell("exec sleep 600", session=False)
    assert os.getpgid(pid) == os.getpgrp()
    end = yard.watch(pid, pidfd)
    assert signal_group(pid, pidfd, signal.SIGTERM)  # we would not be here any more
    assert yard.run(end) == WaitStatus(signal=signal.SIGTERM)


def test_our_own_group_is_never_signalled():
    """In a process of its own, which leads its group and would die of it."""
    code = (
        "import os, signal\n"
        "from scr.launch.reaper import kill_leftovers\n"
        "assert os.getpgrp() == os.getpid()\n"
        "kill_leftovers(os.getpid())\n"
        "print('alive')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], start_new_session=True, capture_output=True, check=True, text=True
    )
    assert ended.stdout == "alive\n"


def test_leftovers_in_the_group_die_with_the_process_and_those_of_siblings_do_not(yard):
    tools = []
    for _ in range(3):
        pid, _ = yard.shell("sleep 600 & wait")
        tools.append(until(lambda: children_of(pid)).pop())  # noqa: B023  called in this turn of the loop
    end = yard.watch(yard.pids[0], yard.pidfds[0])
    os.kill(yard.pids[0], signal.SIGKILL)
    yard.run(end)
    yard.until(lambda: is_gone(tools[0]))
    assert not any(map(is_gone, tools[1:]))
