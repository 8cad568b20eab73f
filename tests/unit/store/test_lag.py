"""A store holds everybody up while it keeps what it was given late, and not for ever."""

import pytest

from scr.store.sql.lag import Lateness


def late(*kept, most_s=60.0):
    """One that has kept at these times what had waited for so long."""
    lateness = Lateness(most_s)
    for now, behind_s in kept:
        lateness.note_write(behind_s, now)
    return lateness


@pytest.mark.parametrize(
    ("kept", "within_s", "behind_s", "now", "is_held_up"),
    [
        pytest.param([], 1000.0, 1.0, 100.0, False, id="it was always well"),
        pytest.param([], 0.1, 1.1, 100.0, True, id="a write waits"),
        pytest.param([(90.0, 0.9)], 1000.0, 0.0, 100.0, False, id="what it kept had not waited"),
        pytest.param([(90.0, 5.0)], 10.5, 0.0, 100.0, True, id="it was late in that time"),
        pytest.param([(90.0, 5.0)], 9.5, 0.0, 100.0, False, id="it was late before that time"),
        pytest.param([(90.0, 59.0)], 10.5, 0.0, 100.0, True, id="a trouble that is over"),
        pytest.param([(90.0, 61.0)], 10.5, 0.0, 100.0, False, id="one that was longer than any"),
        pytest.param([], 10.0, 61.0, 100.0, False, id="a write that waits longer than in any"),
    ],
)
def test_a_store_holds_everybody_up_while_and_soon_after_it_is_late(kept, within_s, behind_s, now, is_held_up):
    assert late(*kept).held_up(within_s, behind_s, now) is is_held_up


def test_one_that_is_always_late_excuses_nobody_after_a_while():
    lateness = late(*((float(now), 2.0) for now in range(100, 159)))
    assert lateness.held_up(10.0, 0.0, 158.5)
    assert lateness.held_up(10.0, 1.5, 157.5)
    for now in range(159, 170):
        lateness.note_write(2.0, float(now))
    assert not lateness.held_up(10.0, 0.0, 169.5)
    assert not lateness.held_up(10.0, 1.5, 169.5)


def test_what_is_late_again_after_a_break_is_another_time():
    lateness = late((100.0, 50.0), (103.0, 2.0), (200.0, 5.0))
    assert (lateness.since, lateness.until) == (195.0, 200.0)
    assert lateness.held_up(10.0, 3.0, 204.0)
    assert late((100.0, 59.0), (101.0, 1.5)).since == 41.0
