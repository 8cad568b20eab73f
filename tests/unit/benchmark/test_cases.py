"""The cases are data, and agree with themselves."""

import pytest
from benchmark.case import EVERY_PEER, FLOOR, OURS
from benchmark.cases import CASES, CROWDS
from benchmark.contest import PEERS

EACH = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@EACH
def test_no_two_rows_of_a_case_have_one_name(case):
    ids = [row.id for row in case.rows]
    assert len(set(ids)) == len(ids)


@EACH
def test_what_is_aimed_at_is_said_in_words_and_in_figures(case):
    assert [row.id for row in case.rows if bool(row.aim) != bool(row.bounds)] == []


@EACH
def test_every_bound_is_against_somebody_and_a_row_that_there_is(case):
    bounds = [bound for row in case.rows for bound in row.bounds]
    assert {bound.against for bound in bounds} <= {None, FLOOR, OURS, EVERY_PEER, *PEERS}
    assert {bound.row for bound in bounds} <= {None, *(row.id for row in case.rows)}


@EACH
def test_a_case_without_peers_aims_at_none(case):
    against = {bound.against for row in case.rows for bound in row.bounds}
    assert case.peers or not against & {EVERY_PEER, *PEERS}


@EACH
def test_what_is_drawn_has_a_floor_to_be_compared_with(case):
    assert case.floor or not any(row.drawn for row in case.rows)


@pytest.mark.parametrize(
    ("case", "name", "sizes", "rows"),
    [
        ("start", "sizes", [20, 200, 1000], ("rate_{}", "size_{}")),
        ("table", "sizes", [100, 1000, 65_536], ("get_{}_1", "get_{}_100", "first_{}_10", "put_{}")),
        ("growth", "crowds", [10, 100, 1000], ("trip_{}", "recovery_{}", "flow_{}", "one_for_all_{}")),
        ("growth", "events", [1_000, 100_000, 1_000_000], ("resume_{}",)),
        ("job", "sizes", [10, 1000, 10_000], ("wall_{}", "cpu_{}", "peak_{}")),
    ],
)
def test_the_whole_measurement_has_every_size_and_a_row_for_each(case, name, sizes, rows):
    assert CASES[case].full[name] == sizes
    assert {row.format(size) for row in rows for size in sizes} <= {row.id for row in CASES[case].rows}


def test_the_crowds_of_the_rows_are_those_that_are_measured():
    assert list(CROWDS) == CASES["growth"].full["crowds"]


@EACH
def test_what_costs_minutes_is_measured_once(case):
    assert case.rounds == 1 or case.id not in {"start", "growth", "job", "memory"}
