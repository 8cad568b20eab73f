"""Retries that wait for their time: in order of their times, with one timer however many they are."""

import pytest

from scr.runtime.dispatch.retries import Retries


class Loop:
    """A clock that is moved by hand, and its timers."""

    def __init__(self):
        self.now, self.timers = 0.0, []

    def time(self):
        return self.now

    def call_at(self, when, act):
        timer = Timer(self, when, act)
        self.timers.append(timer)
        return timer

    def move(self, now):
        while self.timers and min(timer.at for timer in self.timers) <= now:
            timer = min(self.timers, key=lambda timer: timer.at)
            self.timers.remove(timer)
            self.now = max(self.now, timer.at)
            timer.act()
        self.now = now


class Timer:
    def __init__(self, loop, at, act):
        self.loop, self.at, self.act = loop, at, act

    def when(self):
        return self.at

    def cancel(self):
        self.loop.timers.remove(self)


def test_each_is_told_once_when_its_time_has_come():
    loop, told = Loop(), []
    retries = Retries(loop, lambda agent, message_id: told.append((loop.now, agent, message_id)))
    for delay_s, name in [(5.0, "m1"), (1.0, "m2"), (3.0, "m3"), (1.0, "m4")]:
        retries.wait("a", name, delay_s)
    loop.move(2.0)
    assert told == [(1.0, "a", "m2"), (1.0, "a", "m4")]
    loop.move(9.0)
    assert told[2:] == [(3.0, "a", "m3"), (5.0, "a", "m1")]
    assert loop.timers == []


def test_a_hundred_thousand_that_wait_have_one_timer():
    loop = Loop()
    retries = Retries(loop, lambda *_: None)
    for n in range(100_000):
        retries.wait("a", f"m{n}", 1000.0 + n % 977)
    assert len(loop.timers) == 1


def test_one_that_fails_again_while_others_are_told_waits_anew():
    loop, told = Loop(), []

    def due(_agent, message_id):
        told.append(message_id)
        if len(told) < 4:
            retries.wait("a", message_id, 0.5)

    retries = Retries(loop, due)
    retries.wait("a", "m", 1.0)
    loop.move(10.0)
    assert (told, loop.timers) == (["m"] * 4, [])


def test_the_time_of_an_earlier_failure_of_the_same_message_says_nothing_any_more():
    loop, told = Loop(), []
    retries = Retries(loop, lambda agent, message_id: told.append((loop.now, agent, message_id)))
    retries.wait("a", "m", 2.0)
    retries.wait("a", "m", 5.0)
    retries.wait("b", "m", 1.0)
    loop.move(9.0)
    assert told == [(1.0, "b", "m"), (5.0, "a", "m")]


def test_one_whose_telling_goes_wrong_holds_up_no_other():
    loop, told = Loop(), []

    def due(agent, message_id):
        told.append(message_id)
        if message_id == "m1":
            raise ValueError("in the loop")

    retries = Retries(loop, due)
    for name in ("m1", "m2"):
        retries.wait("a", name, 1.0)
    with pytest.raises(ValueError, match="in the loop"):
        loop.move(2.0)
    loop.move(3.0)
    assert told == ["m1", "m2"]
