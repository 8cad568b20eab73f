"""Timers with a name, as `on_start` and handlers set them."""

import math

import pytest

from scr.agent.agent import Agent
from scr.agent.context import Context
from scr.agent.ticks import Starting
from scr.errors import InvalidMessage, ScrError
from scr.messages import TimerPayload
from scr.protocol.frames import Commit, Deliver, Ready
from tests.unit.agent.test_turn import Recorder, in_turn


def starting(most=5):
    begun = Starting("seed", most)
    return Context(Recorder(), None, None, starting=begun), begun


def names(timers):
    return [(timer.message.payload.name, timer.message.payload.every_s, timer.after_s) for timer in timers]


class Clock(Agent):
    kept = None

    def on_start(self, ctx):
        type(self).kept = ctx
        ctx.timer("tick", every_s=60)
        ctx.timer("tick", every_s=30)
        ctx.timer("tock", every_s=1)
        ctx.cancel_timer("tock")
        ctx.cancel_timer("of an older version")

    def on_timer(self, ctx, message):
        ctx.remember("fired", message.payload.name)


def test_the_timers_of_a_start_go_out_when_it_is_complete_and_their_handler_is_on_timer(play):
    runtime = play(Clock, up=False)
    ready = runtime.hear(Ready)
    assert (names(ready.timers), ready.cancels) == ([("tick", 30.0, 30.0)], ("tock", "of an older version"))
    (timer,) = ready.timers
    assert (timer.message.sender, timer.message.to, timer.message.trace_id) == ("me", "me", timer.message.message_id)
    runtime.say(Deliver(message=timer.message))
    assert runtime.hear(Commit).entries[0].value == "tick"
    with pytest.raises(ScrError, match="cannot set a timer: on_start is over; do it in a handler"):
        Clock.kept.timer("late", every_s=1)


def test_a_start_without_timers_says_no_more_than_before(play):
    assert play(lambda ctx, message: 1, up=False).hear(Ready) == Ready()


def test_in_a_turn_the_last_timer_of_a_name_counts_and_a_name_cancels_those_of_earlier_turns_too():
    ctx, turn, _ = in_turn()
    ctx.timer("a", every_s=1)
    ctx.timer("a", every_s=2)
    ctx.timer("b", every_s=3)
    once = ctx.send_after(5, 1, to="c")
    ctx.cancel_timer("b")
    commit = turn.commit(None)
    assert [timer.message.type for timer in commit.timers] == ["timer", "task"]
    assert (names(commit.timers[:1]), commit.timers[1].message) == ([("a", 2.0, 2.0)], once)
    assert commit.cancels == ("b",)
    again, repeated, _ = in_turn()
    again.timer("a", every_s=1)
    again.timer("a", every_s=2)
    assert repeated.commit(None).timers[0].message.message_id == commit.timers[0].message.message_id


NAMES = ["", "n\0", "\ud800", "n" * 65, 5, None, b"tick"]
PERIODS = [0, -1, 0.009, math.nan, math.inf, 1e300, 10**400, "5", None, True, [1]]


@pytest.mark.parametrize("make", [starting, lambda: in_turn()[:2]], ids=["on_start", "a handler"])
def test_a_timer_of_a_wrong_name_or_period_is_refused_with_the_value(make):
    ctx, kept = make()
    for name in NAMES:
        with pytest.raises(InvalidMessage, match="cannot be a timer's name: "):
            ctx.timer(name, every_s=1)
    for period in PERIODS:
        with pytest.raises(InvalidMessage, match=r"timer 'tick' cannot fire every .* s: give seconds, 0\.01 to 3\d+"):
            ctx.timer("tick", every_s=period)
    assert not kept.timers
    with pytest.raises(InvalidMessage, match="5"):
        for n in range(6):
            ctx.timer(f"timer {n}", every_s=0.01)


def test_a_stop_sets_no_timers():
    with pytest.raises(ScrError, match="cannot set a timer in on_stop"):
        Context(Recorder(), None, None).timer("tick", every_s=1)


def test_no_agent_sends_a_tick_to_another():
    ctx, _, _ = in_turn()
    with pytest.raises(InvalidMessage, match="for the runtime alone"):
        ctx.send(TimerPayload(name="tick", every_s=1), to="other")
