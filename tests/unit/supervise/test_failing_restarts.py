"""G6: starts that fail during an automatic restart."""

import pytest

from scr.specs import Backoff, Strategy
from tests.unit.supervise.counting import count_children


def looping(script, **fields):
    """Three children, the middle one up once and then waiting for a pause between failing starts."""
    slow = script.agent("b", backoff=Backoff(base_s=1.0, cap_s=1.0, jitter="none"))
    play = script.of(["a", slow, "c"], within_s=100.0, **fields)
    play.exit("b")
    return play


def test_g6_01_a_failed_restart_is_counted_and_tried_again(script):
    play = script.of("abc", max_restarts=3)
    play.fails = {"b": 1}
    assert play.exit("b") == ["start b", "start b"]
    assert play.live == {"a": 1, "b": 3, "c": 1}
    assert len(play.tree.teams["root"].stamps) == 2


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("limit", [0, 1, 4])
def test_g6_02_exactly_as_many_starts_are_tried_as_the_limit_allows(script, strategy, limit):
    play = script.of("abc", strategy=strategy, max_restarts=limit)
    play.fails = {"a": 99}
    lines = play.exit("a")
    assert lines.count("start a") == limit
    assert lines.count("gave_up root") == 1
    assert lines[-1] == "finish gave_up"
    assert play.running() == []


@pytest.mark.parametrize("limit", [0, 1, 4])
def test_g6_02_a_dynamic_supervisor_tries_as_often(script, limit):
    play = script.pool(max_restarts=limit, restart="transient")
    play.start_child("pool", "u")
    play.start_child("pool", "w")
    play.fails = {"w": 99}
    lines = play.exit("w")
    assert lines.count("start w") == limit
    assert lines[-4:] == [
        "gave_up pool",
        "gone w start_failed" if limit else "gone w error",
        "stop u",
        "gone u shutdown",
    ]
    assert play.running() == ["z"]


def test_g6_03_a_restarting_child_is_seen_counted_and_protected(script):
    play = looping(script)
    counts = count_children(play.tree, "root")
    assert play.phases()["b"] == "restarting"
    assert (counts.specs, counts.active, counts.workers) == (3, 2, 3)
    assert play.start_child("root", "b") == ["refused already_present"]
    assert play.restart("b") == ["refused restarting"]
    assert play.delete("b") == ["refused restarting"]


def test_g6_03_the_same_holds_while_the_attempt_is_under_way(script):
    play = script.of("abc")
    play.slow = {"b"}
    play.exit("b")
    assert count_children(play.tree, "root").active == 2
    assert play.start_child("root", "b") == ["refused already_present"]
    assert play.restart("b") == ["refused restarting"]
    assert play.delete("b") == ["refused restarting"]


def test_g6_04_a_restarting_child_can_be_terminated_and_the_next_attempt_is_off(script):
    play = looping(script)
    assert play.terminate("b") == ["gone b error", "done b"]
    assert play.phases()["b"] == "down"
    assert play.due is None
    assert play.tick(50.0) == []
    assert play.restart("b") == ["start b", "done b"]


def test_g6_04_a_dynamic_restarting_child_is_forgotten(script):
    play = script.pool(within_s=100.0)
    play.start_child("pool", script.agent("w", backoff=Backoff(base_s=1.0, cap_s=1.0)))
    play.exit("w")
    assert play.terminate("w") == ["gone w error", "done w"]
    assert play.phases("pool") == {}


def test_g6_04_an_attempt_under_way_is_stopped(script):
    play = script.of("abc")
    play.slow = {"b"}
    play.exit("b")
    assert play.terminate("b") == ["stop b", "gone b shutdown", "done b"]
    assert play.phases() == {"a": "up", "b": "down", "c": "up"}


def test_g6_05_a_shutdown_is_not_held_up_by_a_restart_loop(script):
    play = looping(script)
    assert play.shutdown()[:2] == ["stop c", "stop a"]
    assert play.running() == []


def test_g6_05_between_two_attempts_other_facts_are_heard(script):
    play = script.of("abc", max_restarts=10**6)
    play.slow = {"b"}
    play.exit("b")
    for _ in range(100):
        assert play.start_failed("b") == ["start b"]
    lines = play.shutdown()
    assert lines[:3] == ["stop c", "stop b", "stop a"]


def test_g6_06_a_restarted_child_that_chooses_not_to_start_is_down_and_kept(script):
    play = script.of("abc")
    play.ignores = {"b"}
    assert play.exit("b") == ["start b", "gone b normal"]
    assert play.phases() == {"a": "up", "b": "down", "c": "up"}
    assert play.shutdown()[:2] == ["stop c", "stop a"]


def test_g6_06_a_dynamic_one_is_forgotten(script):
    play = script.pool()
    play.start_child("pool", "w")
    play.ignores = {"w"}
    assert play.exit("w") == ["start w", "gone w normal"]
    assert play.phases("pool") == {}


def test_g6_07_an_attempt_that_ends_in_any_other_way_is_a_failed_attempt(script):
    play = script.of("abc", max_restarts=5)
    play.slow = {"b"}
    play.exit("b")
    for reason in ("normal", "shutdown", "crashed", "killed"):
        assert play.exit("b", reason) == ["start b"]
    assert len(play.tree.teams["root"].stamps) == 5


def test_g6_07_a_transient_child_whose_restart_fails_is_tried_again_whatever_the_attempt_ended_with(script):
    play = script.of(["a", script.agent("b", restart="transient"), "c"])
    play.slow = {"b"}
    play.exit("b")
    assert play.exit("b", "normal") == ["start b"]


def test_g6_08_extra_options_are_there_at_every_restart(script):
    play = script.pool(extra_options={"x": 1, "y": 1})
    play.start_child("pool", script.agent("w", options={"y": 2, "z": 3}))
    play.exit("w")
    play.exit("w")
    assert [spec.options for spec in play.starts if spec.id == "w"] == [{"x": 1, "y": 2, "z": 3}] * 3
