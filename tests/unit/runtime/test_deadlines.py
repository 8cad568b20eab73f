"""Whoever makes no progress is found out about; who could not be answered has its time again."""

import asyncio
import os

import pytest

from scr.runtime.health.deadlines import Watch


class Patient:
    """A process that signals do nothing to."""

    pid = os.getpid()

    def signal_itself(self, number):
        pass


class Times:
    """The store kept everybody waiting so many times that somebody asked, and then no more."""

    def __init__(self, times):
        self.left, self.asked = times, []

    def __call__(self, within_s):
        self.asked.append(within_s)
        self.left -= 1
        return self.left >= 0


async def hung(folder, held_up, questions, answered):
    """Until an incarnation with a message in hand is called hung, which has asked and was answered so often."""
    found = asyncio.get_running_loop().create_future()
    watch = Watch(asyncio.get_running_loop(), folder, lambda *what: found.set_result(what), held_up)
    watch.admit("a", 1, Patient())
    watch.busy("a", 1, 0.01)
    for _ in range(questions):
        watch.begin_wait("a", 1)
    for _ in range(answered):
        watch.end_wait("a", 1)
    try:
        return await asyncio.wait_for(found, 20)
    finally:
        watch.dismiss("a", 1)


@pytest.mark.parametrize(
    ("times", "questions", "answered", "asked"),
    [
        pytest.param(0, 1, 0, 1, id="nobody was held up"),
        pytest.param(3, 2, 1, 4, id="who waits for an answer has the whole time again"),
        pytest.param(3, 0, 0, 0, id="who waits for none has not"),
        pytest.param(3, 2, 2, 0, id="nor has one that was answered"),
    ],
)
def test_who_waits_while_the_store_holds_everybody_up_is_not_hung(tmp_path, times, questions, answered, asked):
    held_up = Times(times)
    agent, incarnation, why = asyncio.run(hung(tmp_path, held_up, questions, answered))
    assert (agent, incarnation, held_up.asked) == ("a", 1, [0.01] * asked)
    assert why.startswith("no progress for 0.01 s")
