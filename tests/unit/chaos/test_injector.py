"""The injector notes what it did as it was: a fault comes before everything that comes of it."""

import time

import pytest

from scr.chaos.inject.injector import Injector
from scr.chaos.inject.process_census import CensusEntry
from scr.chaos.plan.faults import Fault


class Mortals:
    """A census of three rings and a runtime, which notes when each is killed: the next may live from then on."""

    def __init__(self):
        self.killed_at = []

    def now(self):
        return [CensusEntry(n, "ring", f"ring-{n}") for n in (1, 2, 3)] + [CensusEntry(4, "runtime")]

    def signal(self, seen, number):
        self.killed_at.append(time.monotonic())
        return True


@pytest.mark.parametrize(("target", "killed"), [("ring", 1), ("runtime", 1), ("tree", 4)])
def test_a_kill_is_noted_before_the_one_that_takes_its_place_can_be_up(tmp_path, target, killed):
    census = Mortals()
    injector = Injector(census, tmp_path, command=None, store=None)
    injector.begin(Fault(7, at_s=0.0, kind="kill", target=target, pick=0.5, point=0, hold_s=0.0))
    injector.tick()
    (landed,) = injector.landed
    assert (landed.n, landed.target, len(census.killed_at)) == (7, target, killed)
    assert landed.at <= census.killed_at[0]
    assert injector.is_idle
