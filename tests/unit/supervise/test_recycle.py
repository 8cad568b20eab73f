"""A fresh process for a child, by hand: nothing is counted, and nobody hears that it was gone."""

import pytest

from scr.specs import Backoff
from scr.supervise.orders import StartProcess


def test_a_running_child_goes_down_and_comes_up_and_is_answered_then(script):
    play = script.of("abc")
    play.deaf, play.slow = {"b"}, {"b"}
    assert play.recycle("b") == ["stop b"]
    assert play.exit("b", "shutdown") == ["start b"]
    assert play.started("b") == ["done b"]
    assert play.phases() == {"a": "up", "b": "up", "c": "up"}
    assert play.live["b"] == 2


def test_it_is_not_counted_and_its_siblings_are_not_touched(script):
    for strategy in ("one_for_one", "one_for_all", "rest_for_one"):
        play = script.of("abc", strategy=strategy, max_restarts=0)
        for _ in range(3):
            assert play.recycle("b") == ["stop b", "start b", "done b"]
        assert play.tree.teams["root"].stamps == ()
        assert play.live == {"a": 1, "b": 4, "c": 1}


def test_a_child_that_parks_has_nothing_counted_either(script):
    play = script.of(["a", script.agent("b", park=True), "c"], max_restarts=1)
    assert play.recycle("b") == ["stop b", "start b", "done b"]
    assert play.tree.children["b"].stamps == ()


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
def test_a_dynamic_child_of_any_kind_keeps_its_place(script, restart):
    play = script.pool()
    for name in "uvw":
        play.start_child("pool", script.agent(name, restart=restart))
    assert play.recycle("v") == ["stop v", "start v", "done v"]
    assert list(play.phases("pool")) == ["u", "v", "w"]
    assert play.live["v"] == 2


def test_one_that_does_not_stop_in_time_is_killed_and_comes_up(script):
    play = script.of(["a", script.agent("b", shutdown_s=2.0), "c"])
    play.deaf = {"b"}
    assert play.recycle("b") == ["stop b"]
    assert play.tick(2.0) == ["kill b", "start b", "done b"]


def test_one_that_is_down_or_parked_is_started(script):
    play = script.of(["a", "b", script.agent("c", park=True)], max_restarts=0)
    play.terminate("b")
    assert play.recycle("b") == ["start b", "done b"]
    assert play.exit("c") == ["gone c error"]
    assert play.phases()["c"] == "parked"
    play.fails = {"c": 1}
    assert play.recycle("c") == ["start c", "gone c start_failed", "refused start_failed"]
    assert play.phases()["c"] == "parked"
    assert play.recycle("c") == ["start c", "done c"]


def test_one_that_is_being_started_is_fresh_and_is_answered_when_it_is_up(script):
    play = script.of("abc")
    play.slow = {"b"}
    play.exit("b")
    assert play.recycle("b") == []
    assert play.started("b") == ["done b"]
    assert play.live["b"] == 2


def test_a_pause_before_a_restart_is_cut_short(script):
    pause = Backoff(base_s=1.0, cap_s=1.0, jitter="none")
    play = script.of(["a", script.agent("b", backoff=pause), "c"])
    assert play.exit("b") == []
    assert play.recycle("b") == ["start b", "done b"]
    assert play.due is None


def test_one_that_goes_down_with_its_group_is_answered_when_it_is_back(script):
    play = script.of("abc", strategy="one_for_all")
    play.deaf = {"c"}
    assert play.exit("a") == ["stop c"]
    assert play.recycle("b") == []
    assert play.exit("c", "shutdown") == ["stop b", "start a", "start b", "done b", "start c"]


def test_a_start_that_fails_then_is_a_failed_restart_and_is_tried_again(script):
    play = script.of("abc")
    play.fails = {"b": 2}
    assert play.recycle("b") == ["stop b", "start b", "start b", "start b", "done b"]
    assert len(play.tree.teams["root"].stamps) == 2


def test_a_start_that_keeps_failing_ends_the_supervisor_and_the_caller_is_told(script):
    play = script.of(["a", script.supervisor("s", "bcd"), "e"])
    play.fails = {"c": 4}
    lines = play.recycle("c")
    assert "gave_up s" in lines
    assert "refused shutting_down" in lines
    assert play.open_calls == set()


def test_a_temporary_child_whose_fresh_start_fails_is_forgotten_and_the_caller_is_told(script):
    play = script.of(["a", script.agent("b", restart="temporary", park=True), "c"], max_restarts=0)
    play.fails = {"b": 1}
    assert play.recycle("b") == ["stop b", "start b", "gone b start_failed", "refused start_failed"]
    assert play.phases() == {"a": "up", "c": "up"}


def test_one_that_chooses_not_to_start_again_is_down(script):
    play = script.of("abc")
    play.ignores = {"b"}
    assert play.recycle("b") == ["stop b", "start b", "gone b normal", "done None"]
    assert play.phases()["b"] == "down"


def test_a_supervisor_is_recycled_with_all_below_it(script):
    play = script.of(["a", script.supervisor("s", "bc"), "d"], max_restarts=0)
    assert play.recycle("s") == ["stop c", "stop b", "start b", "start c", "done s"]
    assert play.live == {"a": 1, "b": 2, "c": 2, "d": 1}


def test_what_is_no_child_cannot_be_recycled(script):
    play = script.of("abc")
    assert play.recycle("nobody") == ["refused not_found"]
    assert play.recycle("root") == ["refused not_found"]
    assert play.running() == ["a", "b", "c"]


def test_one_whose_old_process_would_not_die_is_refused(script):
    play = script.of("abc")
    play.deaf = play.immortal = {"b"}
    assert play.recycle("b") == ["stop b"]
    assert play.tick(5.0) == ["kill b"]
    assert play.tick(10.0) == ["unkillable b", "refused start_failed"]
    assert play.recycle("b") == ["refused running"]


def test_a_shutdown_in_the_middle_answers_the_caller(script):
    play = script.of("abc")
    play.deaf = {"b"}
    play.recycle("b")
    assert play.shutdown() == []
    assert play.exit("b", "shutdown") == ["refused shutting_down", "stop c", "stop a", *play_end()]


def play_end():
    return ["gone a shutdown", "gone b shutdown", "gone c shutdown", "finish requested"]


def test_calls_about_one_child_wait_for_the_fresh_process(script):
    play = script.of("abc")
    play.deaf = {"b"}
    play.recycle("b")
    assert play.terminate("b") == []
    assert play.recycle("b") == []
    play.deaf.clear()
    assert play.exit("b", "shutdown")[:3] == ["start b", "done b", "stop b"]
    assert play.open_calls == set()


def starts(play):
    return [order.spec.options for order in play.orders if isinstance(order, StartProcess) and order.id == "b"]


def test_each_process_from_the_next_on_is_as_a_new_specification_says(script):
    play = script.of("abc")
    assert play.recycle("b", spec=script.agent("b", options={"n": 1})) == ["stop b", "start b", "done b"]
    assert play.exit("b") == ["start b"]
    assert starts(play) == [{}, {"n": 1}, {"n": 1}]
    play.terminate("b")
    assert play.recycle("b", spec=script.agent("b", options={"n": 2})) == ["start b", "done b"]
    assert starts(play)[3:] == [{"n": 2}]


def test_a_child_that_pauses_before_its_restart_comes_up_as_specified_anew(script):
    play = script.of(["a", script.agent("b", backoff=Backoff(base_s=1.0, cap_s=1.0, jitter="none")), "c"])
    assert play.exit("b") == []
    assert play.recycle("b", spec=script.agent("b", options={"n": 1})) == ["start b", "done b"]
    assert starts(play)[-1] == {"n": 1}


def test_a_process_that_is_on_its_way_is_replaced_for_it_knows_the_old_specification(script):
    play = script.of("abc")
    play.slow = {"b"}
    assert play.exit("b") == ["start b"]
    assert play.recycle("b", spec=script.agent("b", options={"n": 1})) == ["stop b", "start b"]
    assert play.started("b") == ["done b"]
    assert (starts(play), play.live["b"]) == ([{}, {}, {"n": 1}], 3)
    assert play.tree.teams["root"].stamps != ()


def test_a_call_that_a_child_owes_an_answer_goes_first(script):
    play = script.pool()
    play.slow = {"b"}
    assert play.start_child("pool", script.agent("b")) == ["start b"]
    assert play.recycle("b", spec=script.agent("b", options={"n": 1})) == []
    play.slow = set()
    assert play.started("b") == ["done b", "stop b", "start b", "done b"]
    assert starts(play) == [{}, {"n": 1}]


def test_a_specification_that_does_not_fit_is_refused_and_nothing_is_touched(script):
    play = script.of("abc")
    assert play.recycle("b", spec=script.agent("b", significant=True)) == ["refused invalid_spec"]
    assert play.live == {"a": 1, "b": 1, "c": 1}
    assert play.exit("b") == ["start b"]
    assert starts(play) == [{}, {}]


def test_a_recycle_to_another_specification_is_not_answered_by_the_process_that_it_replaces(script):
    play = script.of("ax")
    play.deaf, play.slow = {"a"}, {"x"}
    play.exit("x")
    play.terminate("a")
    assert play.recycle("x", spec=script.agent("x", options={"n": 1})) == []
    assert play.started("x") == []
    assert play.exit("a", "shutdown") == ["gone a shutdown", "done a", "stop x", "start x"]
    assert play.started("x") == ["done x"]
    assert play.starts[-1].options == {"n": 1}


def test_what_waits_below_a_supervisor_that_is_to_be_recycled_is_not_started_for_it(script):
    play = script.of()
    play.slow = {"a"}
    play.start_child("root", script.supervisor("outer", [script.supervisor("inner", ["a"])]))
    play.recycle("outer")
    play.start_child("inner", script.agent("b"))
    lines = play.started("a")
    assert lines == ["done outer", "gone b shutdown", "refused shutting_down", "stop a", "start a"]
