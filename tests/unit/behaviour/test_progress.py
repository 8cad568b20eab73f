"""How far a handler is: in numbers for people, a few times a second."""

from unittest.mock import Mock

import pytest

from scr.behaviour import stepping
from scr.behaviour.stepping import Stepping
from scr.errors import InvalidMessage


@pytest.fixture
def logged(monkeypatch):
    """What is logged of calls that are a tenth of the least interval apart."""
    link, times = Mock(), iter(range(1000))
    monkeypatch.setattr(stepping, "monotonic", lambda: 100.0 + next(times) * stepping.TOLD_EVERY_S / 10)

    def call(*calls):
        ctx = Stepping(link, None)
        for given in calls:
            ctx.progress(*given)
        return [call.args for call in link.log.call_args_list]

    return call


def test_of_many_calls_a_few_are_shown_and_the_last(logged):
    lines = logged(*((n, 1000, "reading documents") for n in (*range(21), 1000)))
    assert [done for _, done, _ in lines] == [0, 10, 20, 1000]
    assert lines[-1] == ("reading documents 1,000 of 1,000", 1000, 1000)


def test_without_a_total_there_is_nothing_to_show(logged):
    assert logged((), (5,)) == []


@pytest.mark.parametrize("given", [(-1, 10), (0.5, 1), ("1", 10), (1, None), (True, 2)], ids=repr)
def test_what_is_no_count_is_refused(logged, given):
    with pytest.raises(InvalidMessage, match="give whole numbers"):
        logged(given)
