"""G4: who goes down with a child that crashed, and in which order all come back."""

import pytest

from scr.specs import Strategy


def test_g4_01_one_for_one_touches_nobody_else(script):
    play = script.of("abc", strategy="one_for_one")
    assert play.exit("b") == ["start b"]
    assert play.live == {"a": 1, "b": 2, "c": 1}


def test_g4_02_one_for_all_stops_all_in_reverse_and_starts_all_in_order_and_counts_once(script):
    play = script.of("abc", strategy="one_for_all")
    assert play.exit("b") == ["stop c", "stop a", "start a", "start b", "start c"]
    assert play.live == {"a": 2, "b": 2, "c": 2}
    assert len(play.tree.teams["root"].stamps) == 1


def test_g4_03_rest_for_one_leaves_those_before_alone(script):
    play = script.of("abc", strategy="rest_for_one")
    assert play.exit("b") == ["stop c", "start b", "start c"]
    assert play.live == {"a": 1, "b": 2, "c": 2}


def test_g4_04_rest_for_one_of_five_stops_the_last_first(script):
    play = script.of("abcde", strategy="rest_for_one")
    assert play.exit("c") == ["stop e", "stop d", "start c", "start d", "start e"]


def test_g4_04_one_is_stopped_at_a_time_and_nothing_starts_before_all_are_down(script):
    play = script.of("abcde", strategy="rest_for_one")
    play.deaf = {"d", "e"}
    assert play.exit("c") == ["stop e"]
    assert play.tick(4.9) == []
    assert play.exit("e", "shutdown") == ["stop d"]
    assert play.exit("d", "shutdown") == ["start c", "start d", "start e"]


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
@pytest.mark.parametrize(
    ("restart", "reason"),
    [("temporary", "error"), ("temporary", "normal"), ("transient", "normal"), ("transient", "shutdown")],
)
def test_g4_05_an_end_that_is_not_restarted_touches_no_sibling(script, strategy, restart, reason):
    play = script.of([script.agent("a", restart=restart), "b", "c"], strategy=strategy)
    assert play.exit("a", reason) == [f"gone a {reason}"]
    assert play.live == {"b": 1, "c": 1}


def test_g4_06_one_for_all_restarts_all_when_a_permanent_child_ends_normally(script):
    play = script.of("abc", strategy="one_for_all")
    assert play.exit("a", "normal") == ["stop c", "stop b", "start a", "start b", "start c"]


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
def test_g4_07_a_temporary_bystander_is_stopped_and_forgotten(script, strategy):
    play = script.of(["a", script.agent("t", restart="temporary"), "c"], strategy=strategy)
    assert play.exit("a") == ["stop c", "stop t", "gone t shutdown", "start a", "start c"]
    assert play.phases() == {"a": "up", "c": "up"}


def test_g4_08_one_for_all_starts_siblings_that_were_down(script):
    quiet = script.agent("q", restart="transient")
    play = script.of(["a", "b", "i", quiet], strategy="one_for_all", begin=False, world={"ignores": {"i"}})
    play.tick()
    play.ignores.clear()
    play.terminate("b")
    play.exit("q", "normal")
    assert play.running() == ["a"]
    assert play.exit("a") == ["start a", "start b", "start i", "start q"]


def test_g4_09_rest_for_one_starts_those_down_behind_the_crash_and_leaves_those_before(script):
    play = script.of("abcde", strategy="rest_for_one")
    play.terminate("a")
    play.terminate("d")
    assert play.exit("c") == ["stop e", "start c", "start d", "start e"]
    assert play.phases()["a"] == "down"


def test_g4_10_one_for_one_leaves_a_sibling_that_is_down_alone(script):
    play = script.of("abc")
    play.terminate("a")
    assert play.exit("b") == ["start b"]
    assert play.running() == ["b", "c"]


def test_g4_11_one_for_all_begins_again_from_the_first_when_another_start_fails(script):
    play = script.of("abcd", strategy="one_for_all")
    play.fails = {"c": 1}
    assert play.exit("d") == [
        *("stop c", "stop b", "stop a"),
        *("start a", "start b", "start c"),
        *("stop b", "stop a"),
        *("start a", "start b", "start c", "start d"),
    ]
    assert len(play.tree.teams["root"].stamps) == 2


def test_g4_12_rest_for_one_goes_on_at_the_child_whose_start_failed(script):
    play = script.of("abcd", strategy="rest_for_one")
    play.fails, play.slow = {"c": 1}, {"d"}
    lines = play.exit("b")
    assert lines == ["stop d", "stop c", "start b", "start c", "start c", "start d"]
    assert play.live == {"a": 1, "b": 2, "c": 3, "d": 2}


def test_g4_12_those_behind_wait_while_a_start_fails(script):
    play = script.of("abcd", strategy="rest_for_one")
    play.slow = {"c"}
    play.exit("b")
    assert play.phases() == {"a": "up", "b": "up", "c": "starting", "d": "restarting"}


@pytest.mark.parametrize(
    ("strategy", "counted"), [(Strategy.ONE_FOR_ALL, 1), (Strategy.REST_FOR_ONE, 1), (Strategy.ONE_FOR_ONE, 2)]
)
def test_g4_13_two_that_die_together_are_one_restart_of_a_group_and_two_of_strangers(script, strategy, counted):
    play = script.of("abc", strategy=strategy)
    play.deaf, play.slow = {"c"}, {"a", "b"}
    play.exit("a")
    play.exit("b")
    assert len(play.tree.teams["root"].stamps) == counted


def test_g4_13_with_a_limit_of_one_a_group_survives_two_that_die_together(script):
    play = script.of("abc", strategy="one_for_all", max_restarts=1)
    play.deaf = {"c"}
    assert play.exit("a") == ["stop c"]
    assert play.exit("b") == []
    assert play.exit("c", "shutdown") == ["start a", "start b", "start c"]


def test_g4_14_a_child_keeps_its_place_and_a_deleted_one_comes_back_at_the_end(script):
    play = script.of("abc")
    play.exit("a")
    play.terminate("b")
    play.restart("b")
    assert list(play.phases()) == ["a", "b", "c"]
    play.terminate("a")
    play.delete("a")
    play.start_child("root", "a")
    assert list(play.phases()) == ["b", "c", "a"]
    assert [line for line in play.shutdown() if "stop" in line] == ["stop a", "stop c", "stop b"]


def test_g4_15_dynamic_children_start_together_and_are_strangers(script):
    play = script.pool()
    play.slow = {"u", "v", "w"}
    lines = [line for name in "uvw" for line in play.start_child("pool", script.agent(name, restart="transient"))]
    assert lines == ["start u", "start v", "start w"]
    assert play.started("v") == ["done v"]
    play.exit("v")
    assert play.live == {"z": 1, "u": 1, "v": 2, "w": 1}


def test_g4_15_what_a_temporary_dynamic_child_was_given_is_not_kept(script):
    play = script.pool()
    play.start_child("pool", script.agent("w", restart="temporary", options={"big": 1}))
    play.exit("w")
    assert "w" not in play.tree.children


def test_g4_16_a_restart_is_the_same_start_again(script):
    play = script.of(["a", script.agent("b", options={"n": 1}), "c"], strategy="one_for_all")
    play.exit("a")
    play.exit("b")
    assert [spec for spec in play.starts if spec.id == "b"] == [script.agent("b", options={"n": 1})] * 3


def test_a_crash_below_one_supervisor_touches_nothing_below_another(script):
    left = script.supervisor("l", ["a", "b"], strategy="one_for_all")
    right = script.supervisor("r", ["c", "d"], strategy="one_for_all")
    play = script.of([left, right], strategy="one_for_all")
    assert play.exit("c") == ["stop d", "start c", "start d"]
    assert play.live == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_a_slow_restart_below_one_supervisor_holds_up_nothing_below_another(script):
    play = script.of([script.supervisor("l", ["a", "b"]), script.supervisor("r", ["c", "d"]), "e"])
    play.slow = {"a"}
    assert play.exit("a") == ["start a"]
    assert play.exit("b") == []
    assert play.exit("c") == ["start c"]
    assert play.exit("e") == ["start e"]
    assert play.started("a") == ["start b"]


def test_a_supervisor_that_goes_down_by_itself_holds_up_no_sibling(script):
    play = script.of(["a", script.supervisor("s", ["b", "c"], max_restarts=0), "d"])
    play.deaf = {"c"}
    assert play.exit("b") == ["gave_up s", "stop c"]
    assert play.exit("a") == ["start a"]
    assert play.exit("c", "shutdown") == ["start b", "start c"]


def test_a_parked_sibling_stays_parked_when_the_group_restarts(script):
    play = script.of(["a", script.agent("p", park=True), "c"], strategy="one_for_all", max_restarts=1)
    play.exit("p")
    assert play.exit("p") == ["gone p error"]
    assert play.live == {"a": 2, "c": 2}
    assert play.exit("a") == ["stop c", "start a", "start c"]
    assert play.phases()["p"] == "parked"
