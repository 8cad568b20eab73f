"""How far a handler is: in numbers for people, a few times a second."""

from unittest.mock import Mock

import pytest

from scr.agent.steps import turn_steps
from scr.agent.steps.turn_steps import Stepping
from scr.errors import InvalidMessage


@pytest.fixture
def logged(monkeypatch):
    """What is logged of calls that are a tenth of the least interval apart."""
    link, times = Mock(), iter(range(1000))
    monkeypatch.setattr(turn_steps, "monotonic", lambda: 100.0 + next(times) * turn_steps.TOLD_EVERY_S / 10)

    def call(*calls):
        ctx = Stepping(link, None)
        for given in calls:
            ctx.progress(*given)
        return [call.args[1:] for call in link.progress.call_args_list]

    return call


def test_of_many_calls_a_few_are_shown_and_the_last(logged):
    lines = logged(*((n, 1000, "reading documents") for n in (*range(21), 1000)))
    assert [done for done, _, _ in lines] == [0, 10, 20, 1000]
    assert lines[-1] == (1000, 1000, "reading documents")


def test_the_first_of_another_thing_is_shown_at_once(logged):
    lines = logged((1, 9, "reading"), (2, 9, "reading"), (0, 3, "subtasks"), (1, 3, "subtasks"))
    assert lines == [(1, 9, "reading"), (0, 3, "subtasks")]


@pytest.mark.parametrize(
    "calls",
    [
        [(1000, 1000)] * 900,
        [(n, n) for n in range(1, 901)],
        [(n % 2, 1) for n in range(900)],
        [(1, 2, str(n)) for n in range(900)],
    ],
    ids=["the last again and again", "ever more", "begun and ended in turn", "each with its own note"],
)
def test_whatever_a_handler_tells_a_few_in_a_second_are_shown(logged, calls):
    told_in_time = len(calls) // 10  # as many as the least interval fits in
    assert len(logged(*calls)) <= 2 * told_in_time + turn_steps.NEWS_MAX


def test_a_message_in_hand_is_named():
    link, turn = Mock(), Mock()
    turn.delivery.deadline_s, turn.delivery.message.message_id = 1.0, "m1"
    Stepping(link, turn).progress(1, 2, "reading")
    link.progress.assert_called_once_with("m1", 1, 2, "reading")


def test_without_a_total_there_is_nothing_to_show(logged):
    assert logged((), (5,)) == []


@pytest.mark.parametrize("given", [(-1, 10), (0.5, 1), ("1", 10), (1, None), (True, 2), (1 << 63, 1)], ids=repr)
def test_what_is_no_count_is_refused(logged, given):
    with pytest.raises(InvalidMessage, match="give whole numbers"):
        logged(given)
