"""The table of exit reasons (section 2.3 of the contract) with processes that really end so.

Every agent here is transient: whether it came back is part of the row.
"""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import scr
from scr.errors import StartFailed, TaskFailed
from tests.conftest import until


def answers(ctx, message):
    return ctx.incarnation


def exits_3(ctx, message):
    sys.exit(3)


def exits_0(ctx, message):
    sys.exit(0)


def exits_256(ctx, message):
    sys.exit(256)


def exits_with_words(ctx, message):
    sys.exit("no more")


def os_exits_0(ctx, message):
    os._exit(0)


def os_exits_7(ctx, message):
    os._exit(7)


def os_exits_256(ctx, message):
    os._exit(256)


def raises(ctx, message):
    raise ValueError("no such page")


def recurses(ctx, message):
    return recurses(ctx, message)


def runs_out(ctx, message):
    raise MemoryError


def raises_in_a_thread(ctx, message):
    threading.Thread(target=lambda: {}["key"], name="side").start()
    time.sleep(600)


def exits_in_a_thread(ctx, message):
    threading.Thread(target=sys.exit, args=(5,)).start()
    time.sleep(600)


def raises_asynchronously():
    class Asynchronous(scr.Agent):
        async def on_task(self, ctx, message):
            raise LookupError("awaited in vain")

    return Asynchronous


def is_interrupted(ctx, message):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(600)


def ends_by(number):
    def ends(ctx, message):
        os.kill(os.getpid(), number)
        time.sleep(600)

    return ends


BY_ITSELF = {
    "sys.exit(3)": (exits_3, "error", "SystemExit: 3"),
    "sys.exit(0)": (exits_0, "error", "SystemExit: 0"),
    "sys.exit(256)": (exits_256, "error", "SystemExit: 256"),
    "sys.exit('no more')": (exits_with_words, "error", "SystemExit: no more"),
    "os._exit(0)": (os_exits_0, "error", "exit status 0 without an exit record: a thread crashed, or os._exit(0)"),
    "os._exit(7)": (os_exits_7, "error", "exit status 7"),
    "os._exit(256)": (os_exits_256, "error", "exit status 0 without an exit record: a thread crashed, or os._exit(0)"),
    "an exception": (raises, "error", "ValueError: no such page"),
    "an exception in async def": (raises_asynchronously(), "error", "LookupError: awaited in vain"),
    "an exception in a thread": (raises_in_a_thread, "error", "KeyError: 'key'"),
    "sys.exit in a thread": (exits_in_a_thread, "error", "SystemExit: 5"),
    "a recursion without end": (recurses, "error", "RecursionError: maximum recursion depth exceeded"),
    "no memory left": (runs_out, "error", "MemoryError"),
    "SIGINT": (is_interrupted, "error", "KeyboardInterrupt"),
    "SIGTERM": (ends_by(signal.SIGTERM), "crashed", "SIGTERM"),
    "SIGHUP": (ends_by(signal.SIGHUP), "crashed", "SIGHUP"),
    "SIGSEGV": (ends_by(signal.SIGSEGV), "crashed", "SIGSEGV"),
    "SIGABRT": (ends_by(signal.SIGABRT), "crashed", "SIGABRT"),
    "SIGBUS": (ends_by(signal.SIGBUS), "crashed", "SIGBUS"),
    "SIGKILL": (ends_by(signal.SIGKILL), "killed", "by SIGKILL from outside"),
}


def seen(event):
    return event.reason, event.detail


@pytest.fixture
def trio(story):
    """Three bystanders, who are asserted to be untouched."""
    for name in ("bystander-1", "bystander-2", "bystander-3"):
        story.runtime.start_agent(name, answers)
    yield story
    assert [story.runtime.ask(f"bystander-{n}", None) for n in (1, 2, 3)] == [1, 1, 1]


def test_an_agent_that_ends_by_itself_has_the_reason_of_the_table_and_comes_back(trio):
    found = {}
    for n, (how, (code, _, _)) in enumerate(BY_ITSELF.items()):
        name = f"mortal-{n}"
        trio.runtime.start_agent(name, code, restart="transient", max_deliveries=1, on_error="crash")
        with pytest.raises(TaskFailed):
            trio.runtime.ask(name, None)
        reason, detail = seen(trio.until("agent_exited", agent=name))
        found[how] = reason, detail.split(" in comparison")[0].split(" while calling")[0]
        assert trio.until("agent_up", count=2, agent=name).incarnation == 2
    assert found == {how: (reason, detail) for how, (_, reason, detail) in BY_ITSELF.items()}


def test_an_idle_agent_that_is_ended_from_outside_has_the_reason_of_the_table_and_comes_back(trio):
    wanted = {
        signal.SIGKILL: ("killed", "by SIGKILL from outside"),
        signal.SIGTERM: ("crashed", "SIGTERM"),
        signal.SIGHUP: ("crashed", "SIGHUP"),
        signal.SIGSEGV: ("crashed", "SIGSEGV"),
        signal.SIGABRT: ("crashed", "SIGABRT"),
        signal.SIGINT: ("error", "KeyboardInterrupt"),
    }
    trio.runtime.start_agent("idle", answers, restart="transient")
    for n, (number, end) in enumerate(wanted.items(), start=1):
        os.kill(trio.pid("idle"), number)
        assert seen(trio.until("agent_exited", count=n, agent="idle")) == end
        assert trio.until("agent_up", count=n + 1, agent="idle").incarnation == n + 1
    assert trio.runtime.ask("idle", None) == len(wanted) + 1


def test_g11_09_sigkill_cannot_be_caught_and_the_reason_is_killed(trio):
    def catches_all(ctx, message):
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        subprocess.Popen(["kill", "-KILL", str(os.getpid())])
        time.sleep(600)

    trio.runtime.start_agent("catcher", catches_all, restart="transient", max_deliveries=1)
    with pytest.raises(TaskFailed):
        trio.runtime.ask("catcher", None)
    assert seen(trio.until("agent_exited", agent="catcher")) == ("killed", "by SIGKILL from outside")
    trio.until("agent_up", count=2, agent="catcher")


def test_an_agent_that_ends_on_purpose_ends_normally_and_a_transient_one_stays_down(trio):
    def stops(ctx, message):
        ctx.stop()
        return "my last word"

    for restart, comes_back in (("transient", False), ("temporary", False), ("permanent", True)):
        trio.runtime.start_agent(restart, stops, restart=restart)
        assert trio.runtime.ask(restart, None) == "my last word"
        assert seen(trio.until("agent_exited", agent=restart)) == ("normal", "")
        trio.until(*(("agent_up", 2) if comes_back else ("agent_gone", 1)), agent=restart)


def test_an_agent_that_is_asked_to_stop_ends_with_shutdown_whatever_its_exit_code_and_stays_down(trio):
    class StopsWell(scr.Agent):
        def on_stop(self, ctx):
            ctx.log("well")

    class LeavesAtOnce(scr.Agent):
        def on_stop(self, ctx):
            os._exit(0)

    class EndsBySigterm(scr.Agent):
        def on_stop(self, ctx):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(600)

    wanted = {
        StopsWell: ("shutdown", ""),
        LeavesAtOnce: ("shutdown", "as it was asked to"),
        EndsBySigterm: ("shutdown", "by SIGTERM, as it was asked to"),
    }
    for code, end in wanted.items():
        trio.runtime.start_agent(code.__name__, code)
        trio.runtime.stop_agent(code.__name__)
        assert seen(trio.until("agent_exited", agent=code.__name__)) == end
        assert trio.until("agent_gone", agent=code.__name__).reason == "shutdown"
    assert trio.until("logged", agent="StopsWell").text == "well"
    assert not trio.runtime.crashes()


def test_an_agent_that_is_asked_to_stop_and_fails_at_that_has_its_real_reason_is_reported_and_stays_down(trio):
    class Raises(scr.Agent):
        def on_stop(self, ctx):
            raise OSError("disk full")

    class Leaves(scr.Agent):
        def on_stop(self, ctx):
            os._exit(9)

    class Crashes(scr.Agent):
        def on_stop(self, ctx):
            os.abort()

    wanted = {
        Raises: ("error", "OSError: disk full"),
        Leaves: ("error", "exit status 9"),
        Crashes: ("crashed", "SIGABRT"),
    }
    for code, end in wanted.items():
        trio.runtime.start_agent(code.__name__, code)
        trio.runtime.stop_agent(code.__name__)
        assert seen(trio.until("agent_gone", agent=code.__name__)) == end
        assert len(trio.events("agent_up", agent=code.__name__)) == 1
        assert [(record.reason, record.asked) for record in trio.runtime.crashes(code.__name__)] == [(end[0], "stop")]


def test_an_end_before_it_is_ready_is_a_failed_start_whatever_it_was(trio):
    class Dies(scr.Agent):
        def on_start(self, ctx):
            match self.options["how"]:
                case int(number):
                    os.kill(os.getpid(), number)
                    time.sleep(600)
                case "leaves":
                    os._exit(0)
                case "raises":
                    raise LookupError("nothing here")

    for how, told in {signal.SIGKILL: "SIGKILL", signal.SIGSEGV: "SIGSEGV", "leaves": "0", "raises": "nothing"}.items():
        with pytest.raises(StartFailed, match=told):
            trio.runtime.start_agent("dies", Dies, restart="transient", options={"how": how})
        crash = until(lambda: trio.runtime.crashes("dies"))[-1]
        assert crash.reason == "start_failed"
