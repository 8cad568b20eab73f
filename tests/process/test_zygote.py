"""The zygote: it may die, stall or refuse, and nobody but it is harmed."""

import os
import random
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from scr.errors import LaunchFailed
from scr.launch import zygote_launcher as zygote_module
from scr.launch import zygote_process
from scr.launch.child_setup import MARK
from scr.launch.launcher import Process
from scr.launch.wait_status import WaitStatus
from tests.contract.launch_harness import Bench, children_of, is_gone, runtime_of_three, runtime_process, until


@pytest.fixture
def benches():
    made = []

    def make(**options):
        made.append(Bench("zygote", **options))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module that a zygote can preload; its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(text):
        name = f"preloaded_{random.randrange(10**9)}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        return name

    return write


def kill_zygote(bench, number=signal.SIGKILL):
    os.kill(bench.inner.zygote_pid, number)


def test_a_killed_zygote_harms_no_process_and_the_next_launch_works(benches):
    bench = benches()
    before = bench.start(3)
    first = bench.inner.zygote_pid
    kill_zygote(bench)
    (after,) = bench.start(1)
    assert bench.inner.zygote_pid != first
    assert [bench.ask(one, "pid") for one in (*before, after)] == [one.pid for one in (*before, after)]
    bench.tell(before[0], "die", signal.SIGSEGV)
    assert bench.end_of(before[0]) == WaitStatus(signal=signal.SIGSEGV)


def test_every_request_is_answered_once_however_often_the_zygote_is_killed(benches):
    bench = benches()
    bench.start(1)
    for delay_s in (0.0, 0.004, 0.02, 0.1):
        bench.loop.call_later(delay_s, kill_zygote, bench)
    processes = bench.start(60)
    assert [bench.ask(one, "pid") for one in processes] == [one.pid for one in processes]
    mine = {bench.inner.zygote_pid, *(one.pid for one in bench.processes)}
    bench.until(lambda: set(bench.left()) <= mine)  # a birth that nobody heard of has ended itself


def test_a_zygote_that_stalls_is_replaced(benches, monkeypatch):
    monkeypatch.setattr(zygote_module, "ANSWER_S", 0.2)
    bench = benches()
    bench.start(1)
    stalled = bench.inner.zygote_pid
    kill_zygote(bench, signal.SIGSTOP)
    bench.start(3)
    assert is_gone(stalled)


def test_a_request_has_a_deadline_even_while_everything_stalls(benches):
    bench = benches(deadline_s=0.2)
    kill_zygote(bench, signal.SIGSTOP)
    outcomes = bench.ask_for(3)
    assert all(isinstance(one, LaunchFailed) and "no process within 0.2 s" in str(one) for one in outcomes)
    kill_zygote(bench, signal.SIGCONT)


def test_a_birth_that_comes_too_late_is_ended_even_if_it_does_not_listen(benches):
    bench = benches(deadline_s=1.5, entry=f"{Bench.__module__}:ignore")
    bench.start(1)
    kill_zygote(bench, signal.SIGSTOP)
    assert "no process within" in bench.refusal()
    kill_zygote(bench, signal.SIGCONT)
    bench.start(1)
    bench.until(lambda: len(bench.left()) == 3)


def wear_out(bench):
    """Kill zygotes until there is none any more, for now."""
    for _ in range(zygote_module.RESTARTS_MAX + 1):
        bench.start(1)
        before = bench.inner.zygote_pid
        kill_zygote(bench)
        bench.until(lambda: bench.inner.zygote_pid != before)  # noqa: B023  called in this turn of the loop
    assert bench.inner.zygote_pid is None


def test_when_zygotes_die_again_and_again_the_next_is_started_later_and_whoever_waits_gets_a_process(
    benches, monkeypatch
):
    monkeypatch.setattr(zygote_module, "RESTARTS_MAX", 2)
    monkeypatch.setattr(zygote_module, "RESTARTS_WITHIN_S", 4.0)
    bench = benches()
    wear_out(bench)
    bench.start(3)
    assert bench.inner.zygote_pid


def test_whoever_can_wait_no_longer_for_the_next_zygote_is_told_why_there_is_none(benches):
    bench = benches(deadline_s=1.5)
    wear_out(bench)
    assert re.search(r"the zygote has ended 6 times within 10 s", bench.refusal())


def test_a_preload_that_fails_is_told_with_its_traceback(benches, module):
    broken = module("raise RuntimeError('no luck today')")
    bench = benches(preload=("json", broken))
    for outcome in bench.ask_for(3):
        assert isinstance(outcome, LaunchFailed)
        assert broken in str(outcome)
        assert "no luck today" in str(outcome)


def test_a_preload_that_exits_is_told(benches, module):
    assert "not for you" in benches(preload=(module("raise SystemExit('not for you')"),)).refusal()


def test_an_entry_that_does_not_exist_is_told(benches):
    assert "no_such_module" in benches(entry="no_such_module:main").refusal()
    assert "is no entry" in benches(entry="json").refusal()


def test_a_repaired_preload_is_found_by_the_next_launch(benches, module, tmp_path):
    broken = module("raise RuntimeError('not yet')")
    bench = benches(preload=(broken,))
    assert "not yet" in bench.refusal()
    (tmp_path / f"{broken}.py").write_text("repaired = True")
    until(lambda: isinstance(bench.ask_for(1)[0], Process))


def test_a_preload_that_starts_a_thread_is_refused(benches, module):
    threaded = module(
        """
        import threading, time
        threading.Thread(target=time.sleep, args=(600,), name="busy-bee", daemon=True).start()
        """
    )
    assert "busy-bee" in benches(preload=(threaded,)).refusal()


def test_preloaded_modules_are_imported_once_and_shared(benches, module):
    name = module("import os\nimported_in = os.getpid()")
    bench = benches(preload=(name,))
    for process in bench.start(3):
        assert bench.ask(process, "value", name, "imported_in") == bench.inner.zygote_pid


@pytest.mark.parametrize("failing", ["first", "second"])
def test_a_fork_that_the_kernel_refuses_is_told_and_the_zygote_lives_on(benches, module, failing):
    name = module(
        f"""
        import errno, os
        zygote, fork, refused = os.getpid(), os.fork, []
        flag = os.path.join(os.path.dirname(__file__), "refused")
        def failing_fork():
            if ("first" if os.getpid() == zygote else "second") == {failing!r} and not os.path.exists(flag):
                open(flag, "w").close()
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            return fork()
        os.fork = failing_fork
        """
    )
    bench = benches(preload=(name,))
    before = bench.inner.zygote_pid
    assert "Resource temporarily unavailable" in bench.refusal()
    bench.start(3)
    assert bench.inner.zygote_pid == before


def test_descriptors_that_run_out_are_told(benches, monkeypatch):
    def none_left():
        raise OSError(24, "Too many open files")

    bench = benches()
    bench.start(1)
    with monkeypatch.context() as patch:
        patch.setattr(os, "pipe", none_left)
        assert "Too many open files" in bench.refusal()
    bench.start(1)


def test_an_interpreter_that_cannot_be_executed_is_told(benches, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/no/such/python")
        bench = benches()
        assert "/no/such/python" in bench.refusal()
    bench.start(1)


def test_handlers_and_masks_that_a_preload_set_do_not_reach_a_process(benches, module):
    name = module(
        """
        import signal
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
        """
    )
    bench = benches(preload=(name,))
    process, *_ = bench.start(3)
    fresh = bench.ask(process, "fresh")
    assert fresh["interrupt"]
    assert fresh["blocked"] == []
    bench.tell(process, "die", signal.SIGTERM)
    assert bench.end_of(process) == WaitStatus(signal=signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGCONT])
def test_the_zygote_is_deaf_to_ctrl_c_and_is_not_deceived_about_the_runtimes_end(benches, number):
    bench = benches()
    bench.start(1)
    before = bench.inner.zygote_pid
    assert os.getsid(before) == before
    kill_zygote(bench, number)
    bench.start(3)
    assert bench.inner.zygote_pid == before


def test_closing_without_a_zygote_still_ends_everything_and_removes_the_scratch(benches, monkeypatch):
    monkeypatch.setattr(zygote_module, "RESTARTS_MAX", 0)
    bench = benches()
    (bench.scratch / "file").write_text("x")
    tools = [bench.ask(one, "tool in a session") for one in bench.start(3)]
    kill_zygote(bench)
    bench.until(lambda: bench.inner.zygote_pid is None)
    bench.run(bench.launcher.close())
    assert all(map(is_gone, tools))
    assert not bench.scratch.exists()


def test_closing_with_a_zygote_that_stalls_still_ends_everything_and_removes_the_scratch(benches, monkeypatch):
    monkeypatch.setattr(zygote_process, "CLOSE_S", 1.0)
    bench = benches()
    tools = [bench.ask(one, "tool in a session") for one in bench.start(3)]
    kill_zygote(bench, signal.SIGSTOP)
    bench.run(bench.launcher.close())
    assert all(map(is_gone, tools))
    assert not bench.scratch.exists()


def test_a_stopped_zygote_wakes_up_to_clean_up_behind_a_killed_runtime():
    with runtime_process(runtime_of_three("zygote", ("tool in a session",))) as (runtime, told):
        os.kill(told["pids"][-1], signal.SIGSTOP)
        runtime.kill()
        until(lambda: all(map(is_gone, told["pids"])))


def test_closing_spares_a_runtime_that_bears_its_own_mark():
    code = f"from {Bench.__module__} import Bench; own = Bench(runtime_id='own'); own.start(3); own.close(); print(1)"
    environment = os.environ | {MARK: "own", "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, b"1\n"), ended.stderr


def test_a_runtime_killed_in_the_middle_of_an_import_leaves_no_zygote(module):
    slow = module("import time\nprint('importing', flush=True)\nfor _ in range(6000):\n    time.sleep(0.1)")
    code = (
        "import asyncio, json, pathlib, tempfile\n"
        "from scr.launch.zygote_launcher import ZygoteLauncher\n"
        "loop = asyncio.new_event_loop()\n"
        "scratch = pathlib.Path(tempfile.mkdtemp())\n"
        f"launcher = ZygoteLauncher(loop, entry='json:dumps', preload=({slow!r},), runtime_id='x', scratch=scratch)\n"
        "print(json.dumps({'pids': [launcher.zygote_pid], 'scratch': str(scratch)}), flush=True)\n"
        "loop.run_forever()\n"
    )
    with runtime_process(code) as (runtime, told):
        assert not is_gone(told["pids"][0])
        runtime.kill()
        until(lambda: is_gone(told["pids"][0]))
        assert not Path(told["scratch"]).exists()


def test_a_tool_without_environment_whose_agent_died_long_ago_is_ended_with_the_runtime():
    orders = [("tool in a group without environment",)]
    with runtime_process(runtime_of_three("zygote", *orders)) as (runtime, told):
        agents, tools = told["pids"][0:6:2], told["pids"][1:6:2]
        for agent in agents:
            os.kill(agent, signal.SIGKILL)
        until(lambda: all(map(is_gone, agents)))
        assert not any(map(is_gone, tools))
        runtime.kill()
        until(lambda: all(map(is_gone, tools)))


def test_agents_of_an_earlier_zygote_and_their_tools_end_with_the_runtime():
    with runtime_process(runtime_of_three("zygote", ("tool in a session",))) as (runtime, told):
        os.kill(told["pids"][-1], signal.SIGKILL)
        until(lambda: children_of(runtime.pid) - set(told["pids"]))  # the next zygote is there, importing
        runtime.kill()
        until(lambda: all(map(is_gone, told["pids"])))


def test_the_zygote_has_none_of_the_runtimes_descriptors(benches):
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        bench = benches()
        bench.start(1)
        pipe = Path(f"/proc/self/fd/{write}").readlink()
        assert pipe not in [path.readlink() for path in Path(f"/proc/{bench.inner.zygote_pid}/fd").iterdir()]
    finally:
        os.close(read)
        os.close(write)
