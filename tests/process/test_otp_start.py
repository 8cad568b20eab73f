"""Rows G2.16-G2.21 of the contract with real processes: ready, refused, dead or late."""

import fcntl
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import scr
from scr.agent.code import code_of
from scr.errors import AlreadyStarted, RuntimeGone, StartFailed, UnknownAgent
from tests.conftest import until


def answers(ctx, message):
    return ctx.incarnation


class Slow(scr.Agent):
    """Its start is over once the file `go` is there; it tells its pid first."""

    def on_start(self, ctx):
        folder = Path(self.options["folder"])
        (folder / f"{ctx.agent}.pid").write_text(str(os.getpid()))
        while not (folder / "go").exists():
            time.sleep(0.005)

    def on_task(self, ctx, message):
        ctx.reply(ctx.incarnation)


class Locker(scr.Agent):
    """Holds a lock as long as its process lives, and fails when the file `no` is there."""

    def on_start(self, ctx):
        folder = Path(self.options["folder"])
        self.lock = (folder / "lock").open("w")
        fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (folder / "pid").write_text(str(os.getpid()))
        match (folder / "how").read_text():
            case "raises":
                raise RuntimeError("not today")
            case "leaves":
                os._exit(3)
            case "hangs":
                time.sleep(600)

    def on_task(self, ctx, message):
        ctx.reply("locked")


@pytest.fixture
def trio(story):
    for name in ("sibling-1", "sibling-2", "sibling-3"):
        story.runtime.start_agent(name, answers)
    yield story
    assert [story.runtime.ask(f"sibling-{n}", None) for n in (1, 2, 3)] == [1, 1, 1]


def status_of(story, agent):
    return next((status for status in story.runtime.status().agents if status.id == agent), None)


def test_g2_16_a_start_under_a_supervisor_that_is_not_there_is_an_error_at_once(trio):
    with pytest.raises(UnknownAgent, match="there is no supervisor 'nowhere'"):
        trio.runtime.start_agent("lost", answers, under="nowhere")
    with pytest.raises(UnknownAgent, match="there is no supervisor 'sibling-1'"):
        trio.runtime.start_agent("lost", answers, under="sibling-1")
    assert not trio.events("agent_starting", agent="lost")


def test_g2_16_a_start_in_a_runtime_that_has_ended_is_an_error_at_once(story):
    story.runtime.stop()
    with pytest.raises(RuntimeGone):
        story.runtime.start_agent("late", answers)


def test_g2_17_a_start_is_told_once_the_agent_says_that_it_is_ready_and_not_before(trio, tmp_path):
    with ThreadPoolExecutor() as threads:
        started = threads.submit(trio.runtime.start_agent, "slow", Slow, options={"folder": str(tmp_path)})
        until((tmp_path / "slow.pid").exists)
        assert status_of(trio, "slow").phase == "starting"
        assert not started.done()
        assert not trio.events("agent_up", agent="slow")
        (tmp_path / "go").touch()
        started.result(20)
    assert status_of(trio, "slow").phase == "up"
    assert trio.runtime.ask("slow", None) == 1


@pytest.mark.parametrize("how", ["raises", "leaves", "hangs"])
def test_g2_18_19_20_a_failed_start_is_told_once_its_process_is_gone_and_what_it_held_is_free(trio, tmp_path, how):
    """Held: its name, and a lock that only the end of the process frees."""
    (tmp_path / "how").write_text(how)
    spec = {"options": {"folder": str(tmp_path)}, "start_timeout_s": 0.4 if how == "hangs" else 20.0}
    told = {"raises": "RuntimeError: not today", "leaves": "exit status 3", "hangs": r"not ready within 0\.4 s"}
    for _ in range(3):
        with pytest.raises(StartFailed, match=told[how]):
            trio.runtime.start_agent("locker", Locker, **spec)
        assert not Path("/proc", (tmp_path / "pid").read_text()).exists()
        assert status_of(trio, "locker") is None
    (tmp_path / "how").write_text("well")
    trio.runtime.start_agent("locker", Locker, **spec | {"start_timeout_s": 20.0})
    assert trio.runtime.ask("locker", None) == "locked"
    assert not trio.events("supervisor_gave_up")


def test_g2_18_a_start_that_is_refused_is_not_a_restart_and_is_counted_as_none(trio):
    class Raises(scr.Agent):
        def on_start(self, ctx):
            raise RuntimeError("never")

    for _ in range(25):
        with pytest.raises(StartFailed):
            trio.runtime.start_agent("never", Raises)
    assert status_of(trio, "agents").restarts == 0


def test_g2_19_a_listed_child_that_dies_before_it_is_ready_fails_the_whole_start_which_names_it():
    class Dies(scr.Agent):
        def on_start(self, ctx):
            os.abort()

    listed = {"first": answers, "second": Dies, "third": answers}
    tree = scr.SupervisorSpec(
        id="root",
        strategy="one_for_one",
        children=tuple(scr.AgentSpec(id=name, code=code_of(code)) for name, code in listed.items()),
    )
    records = []
    with pytest.raises(StartFailed, match=r"second.*SIGABRT"), scr.Runtime(tree, listener=records.append):
        pytest.fail("it cannot be up")
    starting = [record.event.agent for record in records if record.event.kind == "agent_starting"]
    assert starting == ["first", "second"]


def test_g2_20_a_restart_that_takes_too_long_is_killed_and_tried_again(trio, tmp_path):
    (tmp_path / "how").write_text("well")
    trio.runtime.start_agent("locker", Locker, options={"folder": str(tmp_path)}, start_timeout_s=1.0)
    (tmp_path / "how").write_text("hangs")
    os.kill(trio.pid("locker"), 9)
    trio.until("agent_starting", agent="locker", count=3)
    (tmp_path / "how").write_text("well")
    trio.until("agent_up", agent="locker", count=2)
    assert trio.runtime.ask("locker", None) == "locked"
    assert "start_failed" in {record.reason for record in trio.runtime.crashes("locker")}


def test_g2_21_while_children_start_everything_is_read_and_siblings_start_stop_and_answer(trio, tmp_path):
    names = ("slow-1", "slow-2", "slow-3")
    spec = {"options": {"folder": str(tmp_path)}}
    starts = [threading.Thread(target=trio.runtime.start_agent, args=(name, Slow), kwargs=spec) for name in names]
    for start in starts:
        start.start()
    for name in names:
        until((tmp_path / f"{name}.pid").exists)
    assert {status_of(trio, name).phase for name in names} == {"starting"}
    assert trio.runtime.ask("sibling-1", None) == 1
    assert trio.runtime.crashes() == []
    assert "on_start" in trio.runtime.stack("slow-2")
    trio.runtime.start_agent("quick", answers)
    assert trio.runtime.ask("quick", None) == 1
    trio.runtime.stop_agent("quick")
    assert {status_of(trio, name).phase for name in names} == {"starting"}
    (tmp_path / "go").touch()
    for start in starts:
        start.join(20)
    assert [trio.runtime.ask(name, None) for name in names] == [1, 1, 1]


def test_g2_21_a_second_start_of_what_starts_waits_for_the_first_and_is_refused(trio, tmp_path):
    with ThreadPoolExecutor() as threads:
        first = threads.submit(trio.runtime.start_agent, "slow", Slow, options={"folder": str(tmp_path)})
        until((tmp_path / "slow.pid").exists)
        second = threads.submit(trio.runtime.start_agent, "slow", answers)
        assert status_of(trio, "slow").phase == "starting"
        (tmp_path / "go").touch()
        first.result(20)
        with pytest.raises(AlreadyStarted, match="slow"):
            second.result(20)


def test_g2_21_mail_for_an_agent_that_starts_waits_for_it(trio, tmp_path):
    with ThreadPoolExecutor() as threads:
        threads.submit(trio.runtime.start_agent, "slow", Slow, options={"folder": str(tmp_path)})
        until((tmp_path / "slow.pid").exists)
        asked = threads.submit(trio.runtime.ask, "slow", None)
        trio.until("message_accepted", to="slow")
        (tmp_path / "go").touch()
        assert asked.result(20) == 1
