from __future__ import annotations

from scr.apps.research.agents import team as teams
from scr.apps.research.job import Piece
from scr.apps.research.plan import Kind


def piece(name, kind=Kind.RESEARCH):
    return Piece(piece_id=name, kind=kind, title=name, input={})


PIECES = [piece("a"), piece("b"), piece("c"), piece("d")]


def given_out(team, pieces=PIECES):
    return [(what.piece_id, who) for what, who in teams.assign(team, pieces)]


def test_each_idle_worker_gets_one_piece_in_order():
    assert given_out(teams.hire(3)) == [("a", "worker-1"), ("b", "worker-2"), ("c", "worker-3")]


def test_a_busy_worker_gets_nothing_and_a_piece_under_way_is_not_given_out_again():
    team = teams.sent(teams.hire(2), "a", "worker-1", "m1")
    assert given_out(team) == [("b", "worker-2")]


def test_a_critique_goes_to_the_critic_even_when_all_workers_are_busy():
    team = teams.sent(teams.hire(1), "a", "worker-1", "m1")
    assert given_out(team, [piece("critique-1", Kind.CRITIQUE)]) == [("critique-1", "critic")]


def test_a_piece_is_known_by_the_message_that_it_went_out_with():
    team = teams.sent(teams.hire(1), "a", "worker-1", "m1")
    assert team.errand_of("m1") == "a"
    assert teams.returned(team, "a").errand_of("m1") is None


def test_the_piece_of_a_worker_that_is_lost_is_free_again():
    team = teams.lost(teams.sent(teams.hire(2), "a", "worker-1", "m1"), "worker-1")
    assert team.workers == ("worker-2",)
    assert given_out(team) == [("a", "worker-2")]


def test_a_lost_worker_is_started_again_a_bounded_number_of_times():
    team = teams.hire(3)
    for _ in range(teams.STARTS_MAX - 1):
        assert teams.may_start(team, "worker-2")
        team = teams.started(teams.lost(team, "worker-2"), "worker-2")
        assert team.workers == ("worker-1", "worker-2", "worker-3")
    assert not teams.may_start(team, "worker-2")


def test_a_stranger_is_never_started():
    assert not teams.may_start(teams.hire(3), "planner")


def test_a_piece_is_sent_a_bounded_number_of_times():
    team = teams.hire(1)
    for n in range(teams.TRIES_MAX):
        assert not teams.exhausted(team, "a")
        team = teams.returned(teams.sent(team, "a", "worker-1", f"m{n}"), "a")
    assert teams.exhausted(team, "a")


def test_two_teams_share_no_names():
    assert not set(teams.hire(3).workers) & set(teams.hire(3, after=3).workers)
