"""G2: the order of starts, starts that fail, agents that choose not to start, ids that are taken."""

import pytest

from scr.errors import InvalidSpec
from scr.messages import ExitReason
from scr.supervise.facts import ChildExited, ChildIgnored, ChildStartFailed, Started
from scr.supervise.orders import CallDone, CallRefused, Refusal
from scr.supervise.tree import Tree
from tests.unit.supervise.counting import count_children


def test_g2_01_children_start_from_left_to_right_each_when_the_last_is_up(script):
    play = script.of("abc", begin=False, world={"slow": {"a", "b", "c"}})
    assert play.tick() == ["start a"]
    assert play.tick(9.0) == []
    assert play.started("a") == ["start b"]
    assert play.started("b") == ["start c"]
    assert str(play.tree.children["root"].phase) == "starting"
    assert play.started("c") == []
    assert str(play.tree.children["root"].phase) == "up"


def test_g2_01_a_supervisor_is_up_when_all_below_it_are_and_only_then_is_its_sibling_started(script):
    inner = script.supervisor("s", ["b", "c"])
    play = script.of(["a", inner, "d"], begin=False, world={"slow": {"b", "c"}})
    assert play.tick() == ["start a", "start b"]
    assert play.started("b") == ["start c"]
    assert play.started("c") == ["start d"]


def test_g2_02_a_start_that_fails_takes_down_what_was_started_and_nothing_later_is_tried(script):
    play = script.of("abcd", begin=False, world={"fails": {"c": 1}})
    lines = play.tick()
    assert lines[:5] == ["start a", "start b", "start c", "stop b", "stop a"]
    assert lines[-1] == "finish start_failed"
    assert "start d" not in lines
    assert play.running() == []
    assert "'c': start_failed: c cannot start" in play.orders[-1].causes


def test_g2_02_the_failure_of_a_nested_start_is_the_failure_of_all_above(script):
    play = script.of(["a", script.supervisor("s", ["b", "c"]), "d"], begin=False, world={"fails": {"c": 1}})
    lines = play.tick()
    assert lines[:5] == ["start a", "start b", "start c", "stop b", "stop a"]
    assert lines[5:] == [
        "gone a shutdown",
        "gone b shutdown",
        "gone c start_failed",
        "gone d shutdown",
        "finish start_failed",
    ]


def test_g2_03_a_supervisor_none_of_whose_children_wants_to_start_is_up_and_idle(script):
    play = script.of("abc", begin=False, world={"ignores": {"a", "b", "c"}})
    play.tick()
    assert str(play.tree.children["root"].phase) == "up"
    assert play.running() == []


def test_g2_04_a_supervisor_is_data_and_bad_data_starts_nothing(script):
    with pytest.raises(InvalidSpec):
        Tree.of(script.supervisor("root", ["a", "b", "a"]))


@pytest.mark.parametrize("restart", ["permanent", "transient"])
def test_g2_05_a_child_that_chose_not_to_start_is_kept_and_the_next_is_started(script, restart):
    play = script.of(["a", script.agent("b", restart=restart), "c"], begin=False, world={"ignores": {"b"}})
    assert play.tick() == ["start a", "start b", "gone b normal", "start c"]
    assert play.phases() == {"a": "up", "b": "down", "c": "up"}
    counts = count_children(play.tree, "root")
    assert (counts.specs, counts.active, counts.supervisors, counts.workers) == (3, 2, 0, 3)
    play.ignores.clear()
    assert play.restart("b") == ["start b", "done b"]


def test_g2_06_a_temporary_child_that_chose_not_to_start_is_forgotten(script):
    job = script.agent("b", restart="temporary")
    play = script.of(["a", job, "c"], begin=False, world={"ignores": {"b"}})
    play.tick()
    assert play.phases() == {"a": "up", "c": "up"}
    assert play.start_child("root", job) == ["start b", "gone b normal", "done None"]
    assert play.phases() == {"a": "up", "c": "up"}


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
def test_g2_07_a_dynamic_child_that_chose_not_to_start_is_forgotten_whatever_its_type(script, restart):
    play = script.pool()
    play.ignores = {"w"}
    lines = play.start_child("pool", script.agent("w", restart=restart))
    assert lines == ["start w", "gone w normal", "done None"]
    assert play.phases("pool") == {}


def test_g2_08_a_child_whose_start_fails_is_discarded_and_harms_nobody(script):
    play = script.of("abc", max_restarts=0)
    play.fails = {"d": 1}
    assert play.start_child("root", "d") == ["start d", "gone d start_failed", "refused start_failed"]
    assert play.phases() == {"a": "up", "b": "up", "c": "up"}
    assert play.start_child("root", "d") == ["start d", "done d"]


def test_g2_09_whatever_the_agent_says_instead_of_ready_is_passed_on_as_the_reason(script):
    play = script.of("abc")
    play.slow = {"d"}
    play.start_child("root", "d")
    play.start_failed("d")
    assert play.outcome() == CallRefused(Refusal.START_FAILED, "start_failed: late")


def test_g2_10_an_agent_that_raises_in_its_start_is_a_failed_start(script):
    play = script.of("abc")
    play.slow = {"d"}
    play.start_child("root", "d")
    assert play.exit("d", "error", detail="ValueError: no") == ["gone d start_failed", "refused start_failed"]
    assert "ValueError: no" in play.outcome().detail
    assert play.running() == ["a", "b", "c"]


def test_g2_12_an_id_that_runs_is_already_started_and_the_new_specification_is_discarded(script):
    play = script.of("abc")
    assert play.start_child("root", script.agent("b", options={"new": 1})) == ["refused already_started"]
    assert play.tree.children["b"].spec.options == {}
    assert play.live == {"a": 1, "b": 1, "c": 1}


def test_g2_13_an_id_that_is_down_or_restarting_is_already_present(script):
    play = script.of("abc")
    play.terminate("b")
    assert play.start_child("root", "b") == ["refused already_present"]
    play.slow = {"c"}
    play.exit("c")
    assert play.start_child("root", "c") == ["refused already_present"]


def test_g2_14_an_id_that_belongs_to_another_supervisor_is_refused_and_nothing_is_stored(script):
    play = script.of([script.supervisor("s", ["a", "b"]), script.supervisor("t", ["c"])])
    assert play.start_child("t", "a") == ["refused already_started"]
    assert play.phases("t") == {"c": "up"}
    assert play.tree.children["a"].parent == "s"


def test_g2_14_a_listed_id_stays_reserved_for_its_supervisor_when_it_is_deleted(script):
    play = script.of([script.supervisor("s", ["a", "b"]), script.supervisor("t", ["c"])])
    play.terminate("a")
    play.delete("a")
    assert play.start_child("t", "a") == ["refused already_present"]
    assert play.start_child("s", "a") == ["start a", "done a"]


def test_g2_15_a_supervisor_cannot_take_an_id_that_is_taken(script):
    play = script.of(["a", script.supervisor("s", ["b"]), "c"])
    assert play.start_child("root", script.supervisor("s")) == ["refused already_started"]
    assert play.start_child("root", script.supervisor("t", ["x", "b"])) == ["refused already_present"]
    assert play.start_child("root", script.supervisor("t", ["x", "a"])) == ["refused already_present"]
    assert "x" not in play.tree.children
    assert play.phases() == {"a": "up", "s": "up", "c": "up"}
    assert play.start_child("root", script.supervisor("root")) != []
    assert play.outcome().code is not None


def test_g2_16_a_call_to_a_supervisor_that_does_not_exist_or_is_over_is_answered_at_once(script):
    play = script.of("abc")
    assert play.start_child("nobody", "d") == ["refused not_found"]
    assert play.start_child("a", "d") == ["refused not_found"]
    play.shutdown()
    assert play.start_child("root", "d") == ["refused shutting_down"]
    assert play.terminate("a") == ["refused shutting_down"]


def test_g2_16_a_call_to_a_supervisor_that_is_down_is_answered_at_once(script):
    play = script.of(["a", script.supervisor("s", ["b"]), "c"])
    play.terminate("s")
    assert play.start_child("s", "d") == ["refused not_found"]
    assert play.terminate("b") == ["refused not_found"]


def test_g2_17_only_the_word_of_this_incarnation_makes_a_child_up(script):
    play = script.of("abc", begin=False, world={"slow": {"a"}})
    play.tick()
    assert play.tell(Started("a", 7, 0.0)) == []
    assert play.phases()["a"] == "starting"
    assert play.tell(Started("a", 1, 0.0)) == ["start b", "start c"]


def test_g2_18_a_failed_start_is_told_once_the_process_is_gone_and_only_then_tried_again(script):
    play = script.of("abc", begin=False)
    play.tick()
    play.slow = {"b"}
    assert play.exit("b") == ["start b"]
    assert play.tick(1.0) == []
    assert play.start_failed("b") == ["start b"]
    assert play.live["b"] == 3


def test_g2_19_a_child_that_ends_before_it_is_ready_has_failed_to_start(script):
    play = script.of("abc", begin=False, world={"slow": {"b"}})
    play.tick()
    lines = play.exit("b", "normal")
    assert lines[0] == "stop a"
    assert lines[-1] == "finish start_failed"
    assert "gone b start_failed" in lines


def test_g2_20_a_start_that_takes_too_long_is_killed_and_fails_once_the_process_is_gone(script):
    play = script.of("abc")
    play.slow, play.immortal = {"d"}, {"d"}
    play.start_child("root", script.agent("d", start_timeout_s=2.0))
    assert play.due == 2.0
    assert play.tick(1.9) == []
    assert play.tick(2.0) == ["kill d"]
    assert play.tell(Started("d", 1, 2.0)) == []
    assert play.exit("d", "killed") == ["gone d start_failed", "refused start_failed"]
    assert "not ready within 2 s" in play.outcome().detail


def test_g2_20_a_restart_that_takes_too_long_is_counted_and_tried_again(script):
    play = script.of("abc", max_restarts=2)
    play.slow = {"b"}
    assert play.exit("b", at=1.0) == ["start b"]
    assert play.tick(31.0) == ["kill b", "start b"]
    assert play.tree.teams["root"].stamps == (31.0,)


def test_g2_21_every_start_has_an_end(script):
    play = script.of("abc", begin=False, world={"slow": {"a"}})
    play.tick()
    assert play.due == 30.0


def test_g2_22_facts_about_nobody_change_nothing(script):
    play = script.of("abc")
    before = play.tree
    for fact in (
        Started("nobody", 1, 0.0),
        ChildStartFailed("nobody", 1, 0.0),
        ChildIgnored("nobody", 1, 0.0),
        ChildExited("nobody", 1, 0.0, ExitReason.ERROR),
        Started("root", 0, 0.0),
        Started("b", 1, 0.0),
    ):
        assert play.tell(fact) == []
    assert play.tree == before


def test_the_numbering_of_incarnations_goes_on_where_an_earlier_life_ended(script):
    play = script(Tree.of(script.supervisor("root", ["a", "b"]), past={"b": 41, "w": 7}))
    play.tick()
    assert play.live == {"a": 1, "b": 42}
    assert play.start_child("root", "w") == ["start w", "done w"]
    assert play.live["w"] == 8
    assert play.outcome() == CallDone("w")
