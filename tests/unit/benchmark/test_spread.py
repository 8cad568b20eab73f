import math

import pytest
from benchmark.spread import Spread, ratio, rise, slope, summary


def test_a_spread_is_the_median_of_the_rounds_and_what_they_lie_between():
    assert Spread.over([5.0, 1.0, 2.0]) == Spread(2.0, 1.0, 5.0)
    assert Spread.over([4.0, 2.0]) == Spread(3.0, 2.0, 4.0)


@pytest.mark.parametrize(
    ("samples", "p50", "p99"),
    [
        ([7.0], 7.0, 7.0),
        ([3.0, 1.0, 2.0], 2.0, 3.0),
        ([float(n) for n in range(1, 101)], 50.5, 99.0),
        ([float(n) for n in range(1, 102)], 51.0, 100.0),
        ([float(n) for n in range(1000, 0, -1)], 500.5, 990.0),
    ],
)
def test_a_round_is_told_by_its_median_and_by_the_least_that_99_of_100_do_not_exceed(samples, p50, p99):
    assert (summary(samples, "p50"), summary(samples, "p99")) == (p50, p99)


def test_a_ratio_is_taken_round_by_round_so_that_a_slow_round_for_both_changes_nothing():
    assert ratio([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == Spread(2.0, 2.0, 2.0)


def test_a_ratio_leaves_out_rounds_in_which_one_of_the_two_has_nothing():
    assert ratio([3.0, None, 8.0, 1.0], [1.0, 5.0, 2.0, 0.0]) == Spread(3.5, 3.0, 4.0)
    assert ratio([3.0, 4.0], [1.0]) == Spread(3.0, 3.0, 3.0)
    assert ratio([], [1.0]) is None
    assert ratio([None], [1.0]) is None


@pytest.mark.parametrize("exponent", [-1.0, 0.0, 0.5, 1.0, 2.0])
def test_a_slope_is_the_exponent_with_which_something_grows(exponent):
    assert slope([(x, 3.0 * x**exponent) for x in (10.0, 100.0, 1000.0)]) == pytest.approx(exponent, abs=1e-12)


def test_a_slope_of_what_is_not_a_power_lies_between():
    among = slope([(10.0, 10.0), (100.0, 10.0), (1000.0, 100.0)])
    assert 0 < among < 1
    assert among == pytest.approx(math.log10(100 / 10) / 2)


def test_a_rise_is_by_how_much_it_goes_up_for_each_one():
    assert rise([(0.0, 100.0), (10.0, 120.0), (20.0, 140.0)]) == pytest.approx(2.0)
    assert rise([(1.0, 5.0), (2.0, 5.0), (3.0, 5.0)]) == 0
