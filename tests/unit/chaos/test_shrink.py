"""The fewest faults that still fail."""

import pytest

from scr.chaos.judge.checker import Violation
from scr.chaos.judge.figures import Summary
from scr.chaos.lab import campaign
from scr.chaos.plan.faults import FaultMix, schedule
from scr.chaos.plan.kinds import KINDS
from scr.chaos.plan.shrink import shrink
from scr.errors import RunFailed

FAULTS = schedule(1, FaultMix(40, tuple(KINDS), ("all",), ("ring",)))


def summary_of(planned, *broken, failure=""):
    """A round that was gone through, and the invariants that do not hold after it."""
    violations = tuple(Violation(name, "it does not hold") for name in broken)
    return Summary(99, tuple(planned), (), (), violations, {"completed": 100}, failure=failure)


@pytest.fixture
def shrunk(monkeypatch, tmp_path):
    """`shrunk` over rounds that are not gone through: `outcome` tells what comes of some faults."""
    tried, told = [], []

    def of(failed, outcome, tries=50):
        def try_it(plan, name, seed, faults, _tell):
            tried.append((name, seed))
            return outcome(faults), None

        monkeypatch.setattr(campaign, "_round", try_it)
        found = campaign.shrunk(campaign.CampaignPlan(1, tmp_path, 40), failed, tries, told.append)
        return found, tried, told

    return of


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


def test_a_failed_round_comes_down_to_the_faults_that_break_the_same_invariant(shrunk):
    guilty = {FAULTS[3], FAULTS[17]}

    def outcome(some):
        return summary_of(some, *(["no lost work"] if guilty <= set(some) else ["bounded recovery"]))

    found, tried, told = shrunk(summary_of(FAULTS, "no lost work"), outcome)
    assert found == [FAULTS[3], FAULTS[17]]
    assert {seed for _, seed in tried} == {99}
    assert len({name for name, _ in tried}) == len(tried) == len(told), "each try is a run of its own, and told"


def test_a_round_that_never_ended_comes_down_to_the_fault_that_no_round_ends_after(shrunk):
    found, *_ = shrunk(
        summary_of(FAULTS, failure="it never ended"),
        lambda some: summary_of(some, failure="it never ended" if FAULTS[5] in some else ""),
    )
    assert found == [FAULTS[5]]


def test_a_try_that_cannot_begin_says_nothing_and_ends_nothing(shrunk):
    def outcome(some):
        if len(some) > 20:
            raise RunFailed("no first answers")
        return summary_of(some, *(["no lost work"] if FAULTS[30] in some else []))

    found, *_ = shrunk(summary_of(FAULTS * 2, "no lost work"), outcome, tries=2)
    assert found == list(FAULTS * 2)
    assert shrunk(summary_of(FAULTS, "no lost work"), outcome)[0] == [FAULTS[30]]
