import pytest
from bench import BEGIN, END, replaced
from benchmark.case import Case, Row
from benchmark.cases import LOAD, MEMORY, RECOVERY
from benchmark.contest import PEERS, Outcome, sides, take
from benchmark.ours import system

CASE = Case("c", "C", (Row("p50", "p50", "s", "trip"), Row("p99", "p99", "s", "trip", "p99")), full={}, quick={})


def said(**samples):
    return {"samples": samples, "versions": {"ray": "1"}}


def test_what_was_sampled_once_is_told_in_every_row_that_is_taken_from_it():
    outcome = Outcome()
    take(CASE, outcome, said(trip=[1.0, 2.0, 9.0]), 0)
    take(CASE, outcome, said(trip=[4.0]), 1)
    assert outcome.values == {"p50": [2.0, 4.0], "p99": [9.0, 4.0]}
    assert outcome.versions == {"ray": "1"}


def test_a_round_without_samples_has_none_and_the_others_keep_their_places():
    outcome = Outcome()
    take(CASE, outcome, said(trip="wedged"), 0)
    take(CASE, outcome, said(), 1)
    take(CASE, outcome, said(trip=[3.0]), 2)
    assert outcome.values["p50"] == [None, None, 3.0]
    assert outcome.reasons == {"p50": "wedged", "p99": "wedged"}


def test_a_side_that_can_do_nothing_of_it_says_why():
    outcome = Outcome()
    take(CASE, outcome, {"cannot": "not installed"}, 0)
    assert (outcome.values, outcome.reasons) == ({}, {"": "not installed"})


@pytest.mark.parametrize(
    ("case", "names"), [(RECOVERY, ["floor", "SCR", *PEERS]), (LOAD, ["floor", "SCR", *PEERS]), (MEMORY, ["SCR"])]
)
def test_the_floor_and_the_peers_take_part_where_the_case_says_so(case, names):
    assert [side.name for side in sides(case)] == names


def test_a_store_that_needs_a_server_says_what_is_not_installed_and_no_other_does(monkeypatch):
    assert system.missing("_postgres") == ""
    monkeypatch.setattr(system, "POSTGRES_NEEDS", ("json", "a_server_that_nobody_has"))
    assert system.missing("_postgres") == "a_server_that_nobody_has is not installed"
    assert [system.missing(suffix) for suffix in system.STORES if suffix != "_postgres"] == [""] * 4


def test_the_page_keeps_all_that_is_around_the_table():
    assert replaced(f"before\n{BEGIN}\nold\n{END}\nafter\n", "new\n") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


def test_a_page_without_a_place_for_the_table_is_left_alone():
    with pytest.raises(SystemExit, match=r"benchmarks\.md has no"):
        replaced(f"before\n{BEGIN}\n", "new\n")
