"""G9: what may be asked of a supervisor by hand, and what it answers."""

import pytest

from scr.errors import UnknownAgent
from scr.specs import AgentSpec, Restart
from scr.supervise.queries import which_child, which_children
from tests.unit.supervise.counting import ChildCounts, count_children


def test_g9_01_terminate_answers_when_the_child_is_gone_and_keeps_its_specification(script):
    play = script.of("abc")
    play.deaf = {"b"}
    assert play.terminate("b") == ["stop b"]
    assert play.exit("b", "shutdown") == ["gone b shutdown", "done b"]
    assert play.phases() == {"a": "up", "b": "down", "c": "up"}


def test_g9_02_terminate_again_is_fine_and_does_nothing(script):
    play = script.of("abc")
    play.terminate("b")
    assert play.terminate("b") == ["done b"]


@pytest.mark.parametrize("name", ["nobody", "root"])
def test_g9_03_terminate_of_what_is_no_child_is_not_found(script, name):
    assert script.of("abc").terminate(name) == ["refused not_found"]


def test_g9_04_a_temporary_child_that_is_terminated_is_forgotten(script):
    play = script.of(["a", script.agent("b", restart="temporary"), "c"])
    assert play.terminate("b") == ["stop b", "gone b shutdown", "done b"]
    assert play.phases() == {"a": "up", "c": "up"}
    assert play.terminate("b") == ["refused not_found"]


def test_g9_05_a_child_is_known_by_its_id_and_by_nothing_else(script):
    play = script.of("abc")
    assert play.terminate("b#1") == ["refused not_found"]
    assert play.running() == ["a", "b", "c"]


def test_g9_07_a_dynamic_child_that_is_over_is_not_found(script):
    play = script.pool()
    play.start_child("pool", script.agent("w", restart="temporary"))
    play.exit("w", "normal")
    assert play.terminate("w") == ["refused not_found"]
    play.start_child("pool", "w")
    assert play.terminate("w") == ["stop w", "gone w shutdown", "done w"]


def test_g9_08_delete_wants_a_child_that_is_down(script):
    play = script.of("abc")
    assert play.delete("b") == ["refused running"]
    play.slow = {"c"}
    play.exit("c")
    assert play.delete("c") == ["refused restarting"]
    assert play.delete("nobody") == ["refused not_found"]
    play.terminate("b")
    assert play.delete("b") == ["done b"]
    assert list(play.phases()) == ["a", "c"]


def test_g9_08_a_supervisor_is_deleted_with_all_below_it(script):
    play = script.of(["a", script.supervisor("s", ["b", script.supervisor("t", ["c"])]), "d"])
    assert play.delete("s") == ["refused running"]
    assert play.terminate("s") == ["stop c", "stop b", "gone b shutdown", "gone c shutdown", "done s"]
    assert play.delete("s") == ["done s"]
    assert set(play.tree.children) == {"root", "a", "d"}
    assert set(play.tree.teams) == {"root"}


def test_g9_09_restart_wants_a_child_that_is_down(script):
    play = script.of("abc")
    assert play.restart("b") == ["refused running"]
    play.slow = {"c"}
    play.exit("c")
    assert play.restart("c") == ["refused restarting"]
    assert play.restart("nobody") == ["refused not_found"]
    play.started("c")
    play.terminate("b")
    assert play.restart("b") == ["start b", "done b"]
    play.terminate("b")
    play.ignores = {"b"}
    assert play.restart("b") == ["start b", "gone b normal", "done None"]


def test_g9_10_a_restart_by_hand_that_fails_leaves_the_child_down_and_counts_nothing(script):
    play = script.of("abc", max_restarts=0)
    play.terminate("b")
    play.fails = {"b": 1}
    assert play.restart("b") == ["start b", "gone b start_failed", "refused start_failed"]
    assert play.phases() == {"a": "up", "b": "down", "c": "up"}
    assert play.tree.teams["root"].stamps == ()
    assert play.restart("b") == ["start b", "done b"]


def test_g9_11_children_are_listed_in_start_order(script):
    play = script.of(["c", script.supervisor("s", ["b"]), "a"])
    play.exit("c")
    assert [child.id for child in which_children(play.tree, "root")] == ["c", "s", "a"]


def test_g9_12_static_children_are_counted_by_kind_alive_or_not(script):
    play = script.of(["a", script.supervisor("s", ["b"]), script.supervisor("t", ["c"])])
    play.terminate("t")
    assert count_children(play.tree, "root") == ChildCounts(specs=3, active=2, supervisors=2, workers=1)


def test_g9_13_dynamic_children_are_counted_one_by_one_and_restarting_ones_are_not_active(script):
    play = script.pool()
    for name in "uvw":
        play.start_child("pool", name)
    play.start_child("pool", script.supervisor("s", ["x"]))
    play.slow = {"v"}
    play.exit("v")
    assert count_children(play.tree, "pool") == ChildCounts(specs=4, active=3, supervisors=1, workers=3)


def test_g9_14_a_specification_is_read_with_every_default_filled_in(script):
    play = script.of("abc")
    spec = which_child(play.tree, "b").spec
    assert isinstance(spec, AgentSpec)
    assert (spec.restart, spec.shutdown_s) == (Restart.PERMANENT, 5.0)
    assert which_child(play.tree, "root").spec.max_restarts == 3
    with pytest.raises(UnknownAgent, match="'nobody'"):
        which_child(play.tree, "nobody")


def test_g9_15_one_child_is_read_by_its_id(script):
    play = script.of("abc")
    play.exit("b")
    child = which_child(play.tree, "b")
    assert (child.id, child.incarnation, child.alive, str(child.phase)) == ("b", 2, True, "up")
    with pytest.raises(UnknownAgent):
        which_child(play.tree, "nobody")
    with pytest.raises(UnknownAgent):
        which_children(play.tree, "b")


def test_g9_17_terminate_restart_terminate_delete_is_a_life(script):
    play = script.of("abc")
    assert play.terminate("b")[-1] == "done b"
    assert play.restart("b")[-1] == "done b"
    assert play.delete("b") == ["refused running"]
    assert play.terminate("b")[-1] == "done b"
    assert play.delete("b") == ["done b"]
    assert play.terminate("b") == ["refused not_found"]


def test_g9_19_a_call_to_the_own_supervisor_from_a_start_or_a_stop_is_refused(script):
    play = script.of(["a", script.supervisor("s", ["b"]), "c"])
    play.slow, play.deaf = {"b"}, {"c"}
    play.exit("b")
    assert play.start_child("s", "x", caller="b") == ["refused deadlock"]
    assert play.start_child("root", "x", caller="b") == ["refused deadlock"]
    assert "call it from a handler" in play.outcome().detail
    play.terminate("c")
    assert play.terminate("a", caller="c") == ["refused deadlock"]


def test_g9_19_a_call_from_a_handler_or_to_a_stranger_is_served(script):
    play = script.of(["a", script.supervisor("s", ["b"]), "c"])
    assert play.start_child("root", "x", caller="a") == ["start x", "done x"]
    play.slow = {"a"}
    play.exit("a")
    assert play.start_child("s", "y", caller="a") == ["start y", "done y"]


def test_calls_about_one_child_take_their_turns(script):
    play = script.of("abc")
    play.deaf = {"b"}
    assert play.terminate("b") == ["stop b"]
    assert play.restart("b") == []
    assert play.terminate("b") == []
    assert play.delete("b") == []
    play.deaf.clear()
    assert play.exit("b", "shutdown") == [
        *("gone b shutdown", "done b"),
        *("start b", "done b"),
        *("stop b", "gone b shutdown", "done b"),
        "done b",
    ]
    assert list(play.phases()) == ["a", "c"]


def test_a_second_start_of_the_same_id_waits_for_the_outcome_of_the_first(script):
    play = script.pool()
    play.slow = {"w"}
    play.start_child("pool", "w")
    assert play.start_child("pool", "w") == []
    play.slow.clear()
    assert play.start_failed("w") == ["gone w start_failed", "refused start_failed", "start w", "done w"]


def test_a_call_that_is_open_when_the_supervisor_goes_down_is_answered(script):
    play = script.of("abc")
    play.slow = {"d"}
    play.start_child("root", "d")
    play.terminate("d")
    lines = play.shutdown()
    assert lines[:5] == ["stop d", "gone d shutdown", "refused shutting_down", "refused not_found", "stop c"]
    assert play.open_calls == set()


def test_a_terminate_does_not_wait_until_a_sibling_is_up(script):
    play = script.of("abc")
    play.slow = {"c"}
    play.exit("c")
    assert play.terminate("a") == ["stop a", "gone a shutdown", "done a"]


def test_a_whole_supervisor_is_started_by_hand_and_answered_when_it_is_up(script):
    play = script.of("abc")
    play.slow = {"y"}
    assert play.start_child("root", script.supervisor("s", ["x", "y"])) == ["start x", "start y"]
    assert play.started("y") == ["done s"]
    play.fails = {"v": 1}
    lines = play.start_child("root", script.supervisor("t", ["u", "v"]))
    assert lines == ["start u", "start v", "stop u", "gone u shutdown", "gone v start_failed", "refused start_failed"]
    assert play.running() == ["a", "b", "c", "x", "y"]
    assert list(play.phases()) == ["a", "b", "c", "s"]


def test_a_contradiction_in_what_is_to_be_started_is_refused(script):
    play = script.of("abc")
    significant = script.agent("d", restart="transient", significant=True)
    assert play.start_child("root", significant) == ["refused invalid_spec"]
    assert "'d' is significant under 'root'" in play.outcome().detail
    assert play.start_child("root", script.supervisor("s", ["x", "x"])) == ["refused invalid_spec"]
