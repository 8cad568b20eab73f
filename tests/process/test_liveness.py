"""Handlers that stand still: found out about, told apart, ended, and nobody else is touched."""

import os
import re
import signal
import threading
import time

import pytest

import scr
from scr.errors import TaskFailed


def blocks(ctx, message):
    if ctx.deliveries == 1:
        time.sleep(60)
    return ctx.deliveries


def holds_the_interpreter(ctx, message):
    if ctx.deliveries == 1:
        re.match(r"(a+)+$", "a" * 40 + "b")
    return ctx.deliveries


def stops_itself(ctx, message):
    if ctx.deliveries == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    return ctx.deliveries


def ignores_sigterm(ctx, message):
    if ctx.deliveries == 1:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
    return ctx.deliveries


STANDING_STILL = {
    blocks: "its handler blocks",
    holds_the_interpreter: "a C call holds its interpreter",
    stops_itself: "the process is stopped",
    ignores_sigterm: "its handler blocks",
}


@pytest.mark.parametrize(("agent", "why"), STANDING_STILL.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_handler_past_its_deadline_is_ended_with_the_kind_of_its_stillness_and_done_again(story, agent, why):
    for name in ("sibling-1", "sibling-2", "sibling-3"):
        story.runtime.start_agent(name, lambda ctx, message: ctx.incarnation)
    story.runtime.start_agent("hung", agent, deadline_s=1.0)
    assert story.runtime.ask("hung", None) == 2
    exited = story.until("agent_exited", agent="hung")
    assert (exited.reason, exited.deliveries) == ("hung", 1)
    assert why in exited.detail
    assert [story.runtime.ask(f"sibling-{n}", None) for n in (1, 2, 3)] == [1, 1, 1]


def test_the_stack_of_a_hung_handler_is_in_what_it_printed_last(story):
    story.runtime.start_agent("hung", blocks, deadline_s=0.3)
    story.runtime.ask("hung", None)
    assert "in blocks" in story.until("agent_exited", agent="hung").tail


def test_a_message_that_hangs_three_incarnations_is_quarantined(story):
    story.runtime.start_agent("hung", lambda ctx, message: time.sleep(60), deadline_s=0.2)
    with pytest.raises(TaskFailed, match="hung failed, and the process ended 3 times"):
        story.runtime.ask("hung", None)


def test_a_slow_handler_that_says_that_it_gets_on_is_left_alone(story):
    def slow(ctx, message):
        for _ in range(25):
            time.sleep(0.1)
            ctx.progress()
        return ctx.incarnation

    story.runtime.start_agent("slow", slow, deadline_s=1.5)
    assert story.runtime.ask("slow", None) == 1
    assert not story.events("agent_exited", agent="slow")


def test_an_agent_that_waits_for_mail_is_never_hung(story):
    story.runtime.start_agent("idle", lambda ctx, message: ctx.incarnation, deadline_s=1.0)
    assert story.runtime.ask("idle", None) == 1
    story.runtime.start_agent("clock", lambda ctx, message: time.sleep(1.5) or "later")
    assert story.runtime.ask("clock", None) == "later"
    assert story.runtime.ask("idle", None) == 1


def test_deadlines_may_differ_by_type_of_message(story):
    class Picky(scr.Agent):
        def on_task(self, ctx, message):
            ctx.reply(time.sleep(0.5))

        def on_message(self, ctx, message):
            time.sleep(60)

    story.runtime.start_agent("picky", Picky, deadline_s=30, deadlines={"status": 0.2}, max_deliveries=1)
    assert story.runtime.ask("picky", None) is None
    story.runtime.send("picky", scr.StatusPayload(state="any"))
    assert story.until("agent_exited", agent="picky").reason == "hung"


def test_siblings_answer_while_one_holds_its_interpreter(story):
    story.runtime.start_agent("hog", holds_the_interpreter, deadline_s=3.0)
    story.runtime.start_agent("quick", lambda ctx, message: "quick")
    asked = threading.Thread(target=story.runtime.ask, args=("hog", None))
    asked.start()
    story.until("message_delivered", agent="hog")
    answers = [story.runtime.ask("quick", None) for _ in range(20)]
    assert answers == ["quick"] * 20
    assert not story.events("agent_exited", agent="hog")
    asked.join(20)


def test_an_idle_agent_that_is_stopped_is_told_at_once_and_ended_when_it_stays_so(story):
    for name in ("first", "second", "third"):
        story.runtime.start_agent(name, lambda ctx, message: ctx.incarnation, deadline_s=1.0)
    os.kill(story.pid("second"), signal.SIGSTOP)
    assert story.until("agent_halted").agent == "second"
    exited = story.until("agent_exited")
    assert (exited.agent, exited.reason) == ("second", "hung")
    assert "the process is stopped" in exited.detail
    assert [story.runtime.ask(name, None) for name in ("first", "second", "third")] == [1, 2, 1]


def test_an_idle_agent_that_was_stopped_and_continued_in_time_goes_on(story):
    story.runtime.start_agent("patient", lambda ctx, message: ctx.incarnation, deadline_s=30)
    pid = story.pid("patient")
    os.kill(pid, signal.SIGSTOP)
    story.until("agent_halted")
    os.kill(pid, signal.SIGCONT)
    story.until("agent_resumed")
    assert story.runtime.ask("patient", None) == 1
