"""Rows of G7 of the contract with real processes: how children end when asked to, and when nobody is left to ask."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

import scr
from scr.agent.code import code_of
from scr.errors import RuntimeGone
from tests.conftest import marked, until


def answers(ctx, message):
    return ctx.incarnation


class Notes(scr.Agent):
    """Tells that it was asked to stop, and takes as long as it is told to."""

    def on_task(self, ctx, message):
        ctx.log("busy")
        time.sleep(message.payload.input)

    def on_stop(self, ctx):
        ctx.log("cleaned up")


class Stubborn(Notes):
    """Never ends by itself once it was asked to."""

    def on_stop(self, ctx):
        ctx.log("asked")
        time.sleep(600)


@pytest.fixture
def trio(story):
    for name in ("sibling-1", "sibling-2", "sibling-3"):
        story.runtime.start_agent(name, answers)
    yield story
    assert [story.runtime.ask(f"sibling-{n}", None) for n in (1, 2, 3)] == [1, 1, 1]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def stop(story, agent):
    """Stop an agent; its reason, once its process is gone."""
    pid = story.pid(agent)
    story.runtime.stop_agent(agent)
    assert not Path(f"/proc/{pid}").exists()
    return story.until("agent_gone", agent=agent).reason


def test_g7_03_a_child_that_obeys_ends_with_shutdown_after_the_message_in_hand(trio):
    trio.runtime.start_agent("obeys", Notes, shutdown_s=30)
    trio.runtime.send("obeys", 0.1)
    trio.until("logged", agent="obeys", text="busy")
    assert stop(trio, "obeys") == "shutdown"
    assert trio.events("logged", agent="obeys", text="cleaned up")
    assert len(trio.events("turn_committed", agent="obeys")) == 1
    assert not trio.runtime.crashes("obeys")


def test_g7_04_a_child_that_does_not_obey_in_its_time_is_killed_and_reported(trio):
    trio.runtime.start_agent("in-on-stop", Stubborn, shutdown_s=0.2)
    trio.runtime.start_agent("in-a-handler", Notes, shutdown_s=0.2)
    trio.runtime.send("in-a-handler", 600)
    trio.until("logged", agent="in-a-handler")
    for agent in ("in-on-stop", "in-a-handler"):
        assert stop(trio, agent) == "killed"
        assert [(record.reason, record.asked) for record in trio.runtime.crashes(agent)] == [("killed", "kill")]
    assert not trio.events("logged", agent="in-a-handler", text="cleaned up")


def test_g7_05_with_no_time_at_all_a_child_that_does_not_end_at_once_is_killed(trio):
    trio.runtime.start_agent("late", Stubborn, shutdown_s=0)
    assert stop(trio, "late") == "killed"


def test_g7_06_kill_means_no_clean_up_and_is_no_error(trio):
    trio.runtime.start_agent("brutal", Notes, shutdown_s="kill")
    assert stop(trio, "brutal") == "killed"
    assert not trio.events("logged", agent="brutal")
    assert not trio.runtime.crashes("brutal")


def test_g7_07_infinity_waits_as_long_as_it_takes(trio, tmp_path):
    class Waits(scr.Agent):
        def on_stop(self, ctx):
            ctx.log("asked")
            while not (tmp_path / "go").exists():
                time.sleep(0.005)

    trio.runtime.start_agent("patient", Waits, shutdown_s="infinity")
    trio.runtime.start_agent("hasty", Stubborn, shutdown_s=0.2)
    stopped = threading.Thread(target=trio.runtime.stop_agent, args=("patient",))
    stopped.start()
    trio.until("logged", agent="patient")
    assert stop(trio, "hasty") == "killed"
    assert not trio.events("agent_exited", agent="patient")
    (tmp_path / "go").touch()
    stopped.join(20)
    assert trio.until("agent_gone", agent="patient").reason == "shutdown"


def test_g7_08_after_sigkill_only_the_end_of_the_process_counts_even_of_one_that_is_stopped(trio):
    trio.runtime.start_agent("frozen", answers, shutdown_s=0.2)
    os.kill(trio.pid("frozen"), signal.SIGSTOP)
    assert stop(trio, "frozen") == "killed"
    trio.runtime.start_agent("frozen", answers)
    assert trio.runtime.ask("frozen", None) == 2


def test_g7_13_a_child_that_hears_nothing_any_more_does_not_hold_up_its_stop(trio):
    def closes_its_channel(ctx, message):
        ctx.log("alone")
        os.close(ctx._link._channel.fileno())
        time.sleep(600)

    trio.runtime.start_agent("deaf", closes_its_channel, shutdown_s=0.2)
    trio.runtime.send("deaf", None)
    trio.until("logged", agent="deaf")
    assert stop(trio, "deaf") == "killed"


def leaves_grandchildren(ctx, message):
    """One in its group, one in a session of its own, one that has lost its parent as well, one that hears no signal."""
    subprocess.Popen(["sleep", "600"])
    subprocess.Popen(["sleep", "601"], start_new_session=True)
    subprocess.Popen(["sh", "-c", "setsid sleep 602 & exit"], start_new_session=True).wait()
    subprocess.Popen(["sh", "-c", "trap '' TERM HUP INT; sleep 603"], start_new_session=True)
    return "left"


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_g7_17_when_the_runtime_is_killed_everything_that_it_started_ends_by_itself(story, busy):
    before = set(marked()) - {story.runtime.pid}
    for n in (1, 2, 3):
        story.runtime.start_agent(f"parent-{n}", leaves_grandchildren)
        assert story.runtime.ask(f"parent-{n}", None) == "left"
    story.runtime.start_agent("hangs", Notes)
    story.runtime.send("hangs", 600)
    story.until("logged", agent="hangs")
    if busy:
        for _ in range(3):
            os.kill(until(lambda: story.pid("parent-1")), signal.SIGKILL)
    until(lambda: len([command for command in marked().values() if "sleep 60" in command]) >= 9)
    os.kill(story.runtime.pid, signal.SIGKILL)
    until(lambda: not set(marked()) - before)
    with pytest.raises(RuntimeGone):
        story.runtime.ask("parent-2", None)


def test_g7_17_the_end_in_order_leaves_nothing_either(story):
    story.runtime.start_agent("parent", leaves_grandchildren)
    story.runtime.start_agent("stubborn", Stubborn, shutdown_s=600)
    assert story.runtime.ask("parent", None) == "left"
    before = set(marked())
    pids = until(lambda: len(found := [pid for pid, said in marked().items() if "sleep 60" in said]) >= 4 and found)
    story.runtime.stop()
    assert not [pid for pid in pids if is_alive(pid)]
    assert not set(marked()) - before


def test_g7_01_16_when_the_runtime_is_stopped_its_children_end_in_reverse_order_each_with_its_reason():
    listed = {"first": Notes, "second": Stubborn, "third": Notes}
    tree = scr.SupervisorSpec(
        id="root",
        strategy="one_for_one",
        children=tuple(scr.AgentSpec(id=name, code=code_of(code), shutdown_s=0.3) for name, code in listed.items()),
    )
    records = []
    with scr.Runtime(tree, listener=records.append):
        pass
    exited = [(record.event.agent, record.event.reason) for record in records if record.event.kind == "agent_exited"]
    assert exited == [("third", "shutdown"), ("second", "killed"), ("first", "shutdown")]
