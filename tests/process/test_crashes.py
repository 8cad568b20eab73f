"""Deaths that nobody asked for: each leaves one record with all that is known of it."""

import ctypes
import os
import signal
import sys
import threading
import time

import pytest
from pydantic import BaseModel

import scr
from scr.errors import StartFailed, TaskFailed
from tests.conftest import until


def last_words(ctx):
    print(f"working on delivery {ctx.deliveries}")
    sys.stderr.write("it does not look good\n")


def segfaults(ctx, message):
    last_words(ctx)
    ctypes.string_at(0)


def raises(ctx, message):
    last_words(ctx)
    raise ValueError(f"cannot handle {message.payload.input}")


def kills_itself(ctx, message):
    last_words(ctx)
    os.kill(os.getpid(), signal.SIGKILL)


def hangs(ctx, message):
    last_words(ctx)
    time.sleep(60)


def waits(ctx, message):
    last_words(ctx)
    time.sleep(message.payload.input)


def steady(ctx, message):
    return ctx.incarnation


@pytest.fixture
def trio(story):
    """Two bystanders and room for a third."""
    for name in ("bystander-1", "bystander-2"):
        story.runtime.start_agent(name, steady)
    return story


def death_of(story, agent, count=1):
    return until(lambda: len(found := story.runtime.crashes(agent)) >= count and found)[-1]


@pytest.mark.parametrize(
    ("agent", "reason", "signal_name", "detail", "where"),
    [
        (segfaults, "crashed", "SIGSEGV", "SIGSEGV", "stack"),
        (raises, "error", "", "ValueError: cannot handle None", "traceback"),
        (kills_itself, "killed", "SIGKILL", "by SIGKILL from outside", None),
        (hangs, "hung", "SIGTERM", "no progress for 1 s: its handler blocks", "stack"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_death_with_a_message_in_hand_is_recorded_whole(trio, agent, reason, signal_name, detail, where):
    trio.runtime.start_agent("victim", agent, max_deliveries=2, deadline_s=1.0, on_error="crash")
    pid = trio.pid("victim")
    with pytest.raises(TaskFailed, match="victim failed, and the process ended 2 times"):
        trio.runtime.ask("victim", None)
    first, second = trio.runtime.crashes("victim")
    assert (first.agent, first.incarnation, first.pid) == ("victim", 1, pid)
    assert (first.reason, first.signal, first.detail) == (reason, signal_name, detail)
    for field in ("stack", "traceback"):
        assert (f"in {agent.__name__}" in getattr(first, field)) == (field == where)
    assert first.stdout == "working on delivery 1\n"
    assert first.stderr.startswith("it does not look good\n")
    assert first.memory_bytes > 10e6
    assert first.cpu_s > 0
    assert first.uptime_s > 0
    asked = trio.events("message_accepted", to="victim")[0].message_id
    assert (first.in_hand, first.in_hand_type, first.deliveries, second.deliveries) == (asked, "task", 1, 2)
    assert (first.restarts, second.restarts, first.max_restarts) == (0, 1, 20)
    assert abs(first.time - time.time()) < 60
    assert [record.agent for record in trio.runtime.crashes()] == ["victim", "victim"]
    assert [trio.runtime.ask(f"bystander-{n}", None) for n in (1, 2)] == [1, 1]


class Stillborn(scr.Agent):
    """Starts once, and then never again."""

    class State(BaseModel):
        done: bool = False

    def on_start(self, ctx):
        print("opening the database")
        if self.options["how"] == "hangs":
            time.sleep(60)
        if self.options["how"] == "exits":
            os._exit(3)
        if self.options["how"] == "raises":
            raise RuntimeError("no database here")


@pytest.mark.parametrize(
    ("how", "detail"),
    [
        ("raises", "RuntimeError: no database here"),
        ("exits", "it ended before it was ready: error: exit status 3"),
        ("hangs", "it was not ready within 3 s"),
    ],
)
def test_a_start_that_fails_is_a_death_too(trio, how, detail):
    with pytest.raises(StartFailed):
        trio.runtime.start_agent(
            "stillborn", Stillborn, options={"how": how}, start_timeout_s=3.0 if how == "hangs" else 20.0
        )
    (record,) = trio.runtime.crashes()
    assert (record.agent, record.reason, record.detail) == ("stillborn", "start_failed", detail)
    assert record.stdout == "opening the database\n" or how == "exits"  # it left without flushing
    assert ("on_start" in record.traceback) == (how == "raises")
    assert (record.in_hand, record.deliveries) == (None, 0)


def test_a_kill_by_an_operator_is_recorded_as_one_and_the_message_is_not_to_blame(trio):
    trio.runtime.start_agent("victim", waits, max_deliveries=1)
    trio.runtime.send("victim", 60)
    trio.until("message_delivered", agent="victim")
    pid = trio.runtime.signal_agent("victim", signal.SIGKILL)
    record = death_of(trio, "victim")
    assert (record.pid, record.reason, record.asked) == (pid, "killed", "operator")
    assert (record.detail, record.signal) == ("by an operator", "SIGKILL")
    assert trio.until("message_delivered", agent="victim", count=2).deliveries == 2
    assert not trio.events("message_buried", to="victim")


def test_a_signal_of_an_operator_that_ends_nobody_does_not_colour_the_next_death(trio):
    trio.runtime.start_agent("victim", kills_itself, max_deliveries=1)
    trio.runtime.signal_agent("victim", signal.SIGCONT)
    with pytest.raises(TaskFailed):
        trio.runtime.ask("victim", None)
    assert death_of(trio, "victim").asked == "nothing"


def test_ends_on_purpose_leave_no_record(trio):
    def leaves(ctx, message):
        ctx.stop()

    trio.runtime.start_agent("guest", leaves, restart="transient")
    trio.runtime.send("guest", None)
    trio.until("agent_gone", agent="guest")
    trio.runtime.restart_agent("bystander-1")
    trio.runtime.stop_agent("bystander-2")
    assert trio.runtime.crashes() == []


def test_a_stop_that_goes_wrong_is_a_death_that_nobody_asked_for(trio):
    class Clumsy(scr.Agent):
        def on_stop(self, ctx):
            raise RuntimeError("cannot let go")

    class Deaf(scr.Agent):
        def on_stop(self, ctx):
            time.sleep(60)

    trio.runtime.start_agent("clumsy", Clumsy)
    trio.runtime.start_agent("deaf", Deaf, shutdown_s=0.2)
    trio.runtime.stop_agent("clumsy")
    trio.runtime.stop_agent("deaf")
    clumsy, deaf = trio.runtime.crashes()
    assert (clumsy.agent, clumsy.reason, clumsy.asked) == ("clumsy", "error", "stop")
    assert "cannot let go" in clumsy.traceback
    assert (deaf.agent, deaf.reason, deaf.asked) == ("deaf", "killed", "kill")


def test_what_was_written_last_is_kept_within_its_bound(trio):
    def floods(ctx, message):
        for n in range(5000):
            print(f"line {n}")
            sys.stderr.write(f"complaint {n}\n")
        raise ValueError("enough")

    trio.runtime.start_agent("flood", floods, max_deliveries=1, on_error="crash")
    with pytest.raises(TaskFailed):
        trio.runtime.ask("flood", None)
    record = death_of(trio, "flood")
    assert len(record.stdout) <= 8192 >= len(record.stderr)
    assert record.stdout.endswith("line 4999\n")
    assert record.stderr.endswith("complaint 4999\n")


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def speechless(ctx, message):
    raise Unspeakable


def misnamed(ctx, message):
    raise OSError("no file x\udcff")


def speechless_in_a_thread(ctx, message):
    threading.Thread(target=speechless, args=(ctx, message)).start()
    time.sleep(60)


class NeverUp(scr.Agent):
    def on_start(self, ctx):
        speechless(ctx, None)

    def on_task(self, ctx, message):
        pass


def test_an_exception_that_cannot_be_formatted_has_its_type_and_its_place(story):
    for agent in (speechless, misnamed, speechless_in_a_thread):
        story.runtime.start_agent(agent.__name__, agent, max_deliveries=1, retry=scr.Retry(attempts=1))
        story.runtime.send(agent.__name__, None)
        death_of(story, agent.__name__)
    with pytest.raises(StartFailed):
        story.runtime.start_agent("never-up", NeverUp)
    found = [(record.agent, record.reason, record.detail) for record in story.runtime.crashes()]
    textless = "Unspeakable: <its text cannot be had: RuntimeError>"
    assert found == [
        ("speechless", "error", textless),
        ("misnamed", "error", r"OSError: no file x\udcff"),
        ("speechless_in_a_thread", "error", textless),
        ("never-up", "start_failed", textless),
    ]
    assert all("in speechless" in record.traceback for record in story.runtime.crashes() if record.agent != "misnamed")
