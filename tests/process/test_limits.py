"""Limits of one agent: passing one ends that agent, with its reason, and nothing else."""

import os
import time

import pytest
from pydantic import BaseModel

import scr
from scr.errors import AgentGone

MB = 1 << 20


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
    story.runtime.start_agent("hog", hog, limits={"memory_bytes": 100 * MB}, max_deliveries=1)
    with pytest.raises(AgentGone, match=r"private memory, above its limit of 104857600"):
        story.runtime.ask("hog", 300)
    assert story.until("agent_exited", agent="hog").reason == "out_of_memory"
    assert_untouched(story)


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
    with pytest.raises(AgentGone, match="SIGXCPU"):
        story.runtime.ask("burner", None)
    assert story.until("agent_exited", agent="burner").reason == "crashed"
    assert_untouched(story)


def test_too_many_open_files_are_an_error_in_the_agent_alone(story):
    def opens(ctx, message):
        return len([open(os.devnull) for _ in range(200)])

    witnesses(story)
    story.runtime.start_agent("opener", opens, limits={"open_files": 64}, max_deliveries=1)
    with pytest.raises(AgentGone, match="Too many open files"):
        story.runtime.ask("opener", None)
    assert_untouched(story)
