import pytest
from benchmark.case import EVERY_PEER, FLOOR, OURS, Bound, Row
from benchmark.contest import Outcome
from benchmark.verdict import best_peer, limit_of, median_of, met, spread_of


def outcomes(**sides):
    """The rounds of one row, by side; `SCR` is written as it is."""
    return {name: Outcome(values={"r": list(rounds)}) for name, rounds in sides.items()}


def row(*bounds, more_is_better=False):
    return Row("r", "a row", "us", bounds=bounds, more_is_better=more_is_better)


def test_rounds_without_a_value_are_left_out():
    found = outcomes(SCR=[None, 4.0, 2.0], ray=[None])
    assert median_of(found, OURS, "r") == 3.0
    assert median_of(found, "ray", "r") is None
    assert median_of(found, "dask", "r") is None
    assert spread_of(found["ray"], "another row") is None


@pytest.mark.parametrize(("more_is_better", "best"), [(False, "loky"), (True, "dask")])
def test_the_best_peer_is_neither_the_floor_nor_scr_nor_one_without_a_figure(more_is_better, best):
    found = outcomes(floor=[0.1, 99.0], SCR=[0.1, 99.0], ray=[3.0], dask=[4.0], loky=[2.0], celery=[None])
    assert best_peer(row(more_is_better=more_is_better), found) == best


def test_without_a_figure_of_a_peer_there_is_no_best():
    assert best_peer(row(), outcomes(floor=[1.0], SCR=[1.0], ray=[None])) is None


@pytest.mark.parametrize(
    ("bound", "limit"),
    [
        (Bound(5.0), 5.0),
        (Bound(3, FLOOR), 6.0),
        (Bound(1, FLOOR, plus=0.5), 2.5),
        (Bound(0.5, "dask"), 20.0),
        (Bound(0.1, EVERY_PEER), 3.0),
    ],
)
def test_a_bound_comes_to_a_multiple_of_what_was_measured_in_the_same_run(bound, limit):
    found = outcomes(floor=[2.0], SCR=[1.0], ray=[30.0], dask=[40.0])
    assert limit_of(row(bound), bound, found) == pytest.approx(limit)


@pytest.mark.parametrize("bound", [Bound(1, "celery"), Bound(1, FLOOR, "another row"), Bound(1, EVERY_PEER)])
def test_a_bound_against_what_was_not_measured_comes_to_nothing(bound):
    assert limit_of(row(bound), bound, outcomes(floor=[2.0], SCR=[1.0])) is None


def test_a_bound_can_be_against_another_row():
    found = {OURS: Outcome(values={"r": [14.0], "trip_10": [10.0]})}
    assert met(row(Bound(1.5, OURS, "trip_10")), found) is True
    assert met(row(Bound(1.3, OURS, "trip_10")), found) is False


@pytest.mark.parametrize(
    ("ours", "more_is_better", "verdict"),
    [(9.0, False, True), (10.0, False, True), (10.1, False, False), (9.9, True, False), (10.0, True, True)],
)
def test_what_is_aimed_at_is_met_up_to_and_with_the_bound(ours, more_is_better, verdict):
    assert met(row(Bound(10.0), more_is_better=more_is_better), outcomes(SCR=[ours])) is verdict


def test_all_bounds_must_hold():
    found = outcomes(floor=[1.0], SCR=[2.5], ray=[2.0])
    assert met(row(Bound(3, FLOOR), Bound(10.0)), found) is True
    assert met(row(Bound(3, FLOOR), Bound(10.0), Bound(1, EVERY_PEER)), found) is False


def test_nothing_is_said_of_a_row_that_aims_at_nothing_or_was_not_measured():
    assert met(row(), outcomes(SCR=[1.0])) is None
    assert met(row(Bound(1.0)), outcomes(SCR=[None])) is None
    assert met(row(Bound(1.0)), outcomes(floor=[1.0])) is None


def test_ahead_of_every_peer_is_not_said_where_no_peer_took_part():
    ahead = row(Bound(10.0), Bound(1, EVERY_PEER))
    assert met(ahead, outcomes(floor=[1.0], SCR=[2.0])) is None
    assert met(ahead, outcomes(floor=[1.0], SCR=[2.0], ray=[3.0])) is True


@pytest.mark.parametrize("more_is_better", [False, True])
def test_peers_that_took_part_and_cannot_do_it_are_beaten(more_is_better):
    ahead = row(Bound(1, EVERY_PEER), more_is_better=more_is_better)
    assert met(ahead, outcomes(SCR=[2.0], ray=[None])) is True


def test_one_bound_that_is_broken_is_enough_whatever_else_was_not_measured():
    assert met(row(Bound(1.0), Bound(1, EVERY_PEER)), outcomes(SCR=[2.0])) is False
