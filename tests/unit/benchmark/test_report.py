import math

import pytest
from benchmark.case import FLOOR, OURS, Bound, Case, Row
from benchmark.cases import CASES
from benchmark.contest import Outcome
from benchmark.report import dashes, digest, markdown, number, shown, times
from benchmark.spread import Spread

CASE = Case(
    "trip",
    "Trip: there and back",
    (
        Row("pair", "between two", "us", aim="at most 3x the floor", bounds=(Bound(3, FLOOR),), told=True),
        Row("durable", "kept", "us", aim="at most 1 ms", bounds=(Bound(0.001),)),
        Row("grown", "its growth", "exponent"),
        Row("nobody", "done by nobody", "us"),
    ),
    full={},
    quick={},
)
FOUND = {
    FLOOR: Outcome(values={"pair": [10e-6, 20e-6], "grown": [0.1]}),
    OURS: Outcome(values={"pair": [20e-6, 50e-6], "durable": [2e-3], "grown": [0.2]}),
    "ray": Outcome(values={"pair": [200e-6, None]}, reasons={"durable": "keeps nothing"}),
    "loky": Outcome(values={"pair": [400e-6]}),
    "celery": Outcome(reasons={"": "not installed"}),
}
PAIR = "15.0 (10.0-20.0) | 35.0 (20.0-50.0)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123, "0.012"),
        (1.234, "1.23"),
        (12.34, "12.3"),
        (123.4, "123"),
        (12345.6, "12 346"),
        (0.0, "0.000"),
        (-2.345, "-2.35"),
        (math.nan, "-"),
    ],
)
def test_a_number_has_three_digits_that_count(value, text):
    assert number(value) == text


def test_a_spread_is_shown_in_the_unit_of_the_row_with_what_it_lies_between():
    assert shown(Spread(2e-6, 1e-6, 3e-6), "us") == "2.00 (1.00-3.00)"
    assert shown(Spread(2.0, 2.0, 2.0), "s") == "2.00"
    assert shown(Spread(4 << 20, 4 << 20, 4 << 20), "MB") == "4.00"
    assert shown(None, "us") == "-"


def test_a_ratio_is_shown_as_times():
    assert times(Spread(2.5, 1.0, 3.0)) == "2.50x"
    assert times(None) == ""


def test_the_table_of_a_case_has_the_sides_and_the_rows_that_have_figures_and_no_other():
    assert markdown(CASE, FOUND).splitlines()[:7] == [
        "### Trip: there and back",
        "",
        "|  | floor | SCR | ray | loky | SCR / floor | best peer / SCR | aim |  |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        f"| between two, us | {PAIR} | 200 | 400 | 2.25x | 10.0x (ray) | at most 3x the floor | met |",
        "| kept, us | - | 2 000 | - | - |  |  | at most 1 ms | **not met** |",
        "| its growth, exponent | 0.100 | 0.200 | - | - |  |  |  |  |",
    ]


def test_dashes_say_why_and_those_of_one_reason_share_a_line():
    reasons = {"pair": "too slow", "durable": "keeps nothing", "grown": "too slow"}
    found = {"ray": Outcome(reasons=reasons), "celery": Outcome(reasons={"": "not installed"})}
    assert list(dashes(CASE, found)) == [
        "- ray (between two, its growth): too slow",
        "- ray (kept): keeps nothing",
        "- celery: not installed",
    ]


def test_the_readme_is_told_the_chosen_rows_with_the_best_peer_by_name():
    assert digest({"trip": FOUND}, {"trip": CASE}).splitlines() == [
        "|  |  | floor | SCR | SCR / floor | best peer | aim |  |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        f"| Trip | between two, us | {PAIR} | 2.25x | 200 (ray) | at most 3x the floor | met |",
    ]


def test_the_readme_has_dashes_for_sides_that_did_not_take_part():
    only_ours = {"trip": {OURS: FOUND[OURS]}}
    assert digest(only_ours, {"trip": CASE}).splitlines()[2] == (
        "| Trip | between two, us | - | 35.0 (20.0-50.0) |  | - | at most 3x the floor |  |"
    )


def test_the_readme_has_few_lines_and_every_case_is_in_it():
    nothing = {name: {FLOOR: Outcome(), OURS: Outcome()} for name in CASES}
    lines = digest(nothing, CASES).splitlines()
    assert len(lines) <= 22
    assert all(any(line.startswith(f"| {case.name} |") for line in lines) for case in CASES.values())
