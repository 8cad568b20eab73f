"""The fewest faults that still fail."""

import pytest

from scr.chaos.faults import Wanted, schedule
from scr.chaos.kinds import KINDS
from scr.chaos.shrink import shrink

FAULTS = schedule(1, Wanted(40, tuple(KINDS), ("all",), ("ring",)))


@pytest.mark.parametrize("guilty", [(3,), (3, 17), (1, 2, 39), (5, 6, 7, 8)])
def test_the_guilty_are_found_whoever_stands_between_them(guilty):
    chosen = [FAULTS[place] for place in guilty]
    found, _ = shrink(FAULTS, lambda some: all(fault in some for fault in chosen), 1000)
    assert list(found) == chosen


def test_it_ends_after_so_many_tries_with_what_it_has():
    tried = []

    def fails(some):
        tried.append(some)
        return FAULTS[3] in some

    found, left = shrink(FAULTS, fails, 2)
    assert len(tried) == 2
    assert left == 0
    assert FAULTS[3] in found


def test_what_never_fails_again_is_not_shrunk():
    assert list(shrink(FAULTS, lambda _: False, 500)[0]) == list(FAULTS)
