"""From a seed to a schedule."""

import itertools
from collections import Counter
from dataclasses import replace

import pytest

from scr.chaos.plan.faults import KEEPER_S, FaultMix, choose, draw, schedule
from scr.chaos.plan.kinds import ENDERS, KINDS, ends_runtime, type_of
from scr.errors import InvalidInput

ALL = FaultMix(400, tuple(KINDS), ("all",), ("ring", "lead", "hand", "victim", "guest"))


def test_a_seed_always_gives_the_same_schedule_and_another_one_another():
    assert schedule(1, ALL) == schedule(1, ALL)
    assert schedule(1, ALL) != schedule(2, ALL)


def test_there_are_as_many_kills_as_are_wanted_in_order_of_time():
    faults = schedule(3, ALL)
    assert sum(fault.kind in ENDERS for fault in faults) == 400
    assert [fault.at_s for fault in faults] == sorted(fault.at_s for fault in faults)
    assert len({fault.n for fault in faults}) == len(faults)


def test_over_some_schedules_every_kind_hits_everything_that_it_may():
    hit = Counter((fault.kind, fault.target) for seed in range(30) for fault in schedule(seed, ALL))
    for kind in KINDS.values():
        targets = [name for target in kind.targets for name in (ALL.agents if target == "agent" else (target,))]
        assert all(hit[kind.name, target] for target in targets), kind.name


def test_faults_that_happen_several_times_do_so_within_their_bounds_and_use_them():
    times = {(fault.kind, fault.times) for seed in range(30) for fault in schedule(seed, ALL)}
    for kind in KINDS.values():
        least, most = kind.times
        assert {n for name, n in times if name == kind.name} == set(range(least, most + 1)), kind.name


def test_the_runtime_is_not_killed_oftener_than_its_keeper_starts_it_again():
    for seed in range(10):
        at = [fault.at_s for fault in schedule(seed, ALL) if ends_runtime(fault.kind, fault.target)]
        assert all(after - before >= KEEPER_S * 0.99 for before, after in itertools.pairwise(at))
    only = replace(ALL, kills=4, kinds=("kill",), targets=("runtime",))
    assert schedule(1, only)[-1].at_s >= 3 * KEEPER_S


def test_only_what_is_wanted_is_hit():
    wanted = replace(ALL, kinds=("kill", "stop"), targets=("ring", "table"))
    assert {(fault.kind, fault.target) for fault in schedule(5, wanted)} == {
        ("kill", "ring"),
        ("kill", "table"),
        ("stop", "ring"),
    }


def test_where_nothing_ends_a_process_every_fault_counts():
    faults = schedule(5, replace(ALL, kills=7, kinds=("setsid",)))
    assert len(faults) == 7


def test_a_schedule_ends_at_its_limit():
    assert schedule(5, replace(ALL, limit_s=3.0))[-1].at_s <= 3.0


def test_what_cannot_meet_is_refused():
    with pytest.raises(InvalidInput, match="segv"):
        schedule(1, replace(ALL, kinds=("segv",), targets=("table",)))


def test_draws_are_even_and_choices_weighted():
    draws = [draw(9, n) for n in range(4000)]
    assert all(0 <= value < 1 for value in draws)
    assert abs(sum(draws) / 4000 - 0.5) < 0.03
    chosen = Counter(choose({"often": 9.0, "seldom": 1.0}, value) for value in draws)
    assert 300 < chosen["seldom"] < 500


@pytest.mark.parametrize(("agent", "kind"), [("worker-12", "worker"), ("planner", "planner"), ("7", "7")])
def test_the_type_of_an_agent(agent, kind):
    assert type_of(agent) == kind
