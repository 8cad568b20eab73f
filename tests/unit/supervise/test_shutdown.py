"""G7: how children are stopped, what happens to those who will not, and how all of it ends."""

import pytest

from scr.messages import ExitReason
from scr.specs import Restart
from scr.supervise.exits import is_shutdown_error
from scr.supervise.facts import ChildExited


def test_g7_01_static_children_stop_one_at_a_time_in_reverse_each_on_its_own_budget(script):
    specs = [script.agent(name, shutdown_s=0.25) for name in "abc"]
    play = script.of(specs)
    play.deaf = set("abc")
    assert play.shutdown() == ["stop c"]
    assert play.due == 0.25
    assert play.tick(0.1) == []
    assert play.tick(0.25) == ["kill c", "stop b"]
    assert play.tick(0.5) == ["kill b", "stop a"]
    assert play.tick(0.75)[0] == "kill a"
    assert play.running() == []


def test_g7_02_dynamic_children_stop_all_at_once(script):
    play = script.pool()
    for name, budget in [("u", 0.1), ("v", 0.3), ("w", 0.1)]:
        play.start_child("pool", script.agent(name, shutdown_s=budget))
    play.deaf = set("uvw")
    assert play.shutdown() == ["stop z", "stop u", "stop v", "stop w"]
    assert play.tick(0.1) == ["kill u", "kill w", "gone u killed", "gone w killed"]
    assert play.tick(0.3)[:2] == ["kill v", "gone v killed"]
    assert play.running() == []


def test_g7_03_a_child_that_obeys_ends_with_shutdown_and_is_not_killed(script):
    play = script.of("abc")
    assert play.terminate("b") == ["stop b", "gone b shutdown", "done b"]
    assert play.due is None


def test_g7_04_a_child_that_does_not_obey_is_killed_on_its_deadline_and_the_supervisor_goes_on(script):
    play = script.of(["a", script.agent("b", shutdown_s=2.0), "c"])
    play.deaf = {"b"}
    assert play.terminate("b") == ["stop b"]
    assert play.due == 2.0
    assert play.tick(1.99) == []
    assert play.tick(2.0) == ["kill b", "gone b killed", "done b"]
    assert play.running() == ["a", "c"]
    assert play.due is None


def test_g7_05_with_no_time_at_all_the_kill_follows_at_once(script):
    play = script.of(["a", script.agent("b", shutdown_s=0), "c"])
    play.deaf = {"b"}
    assert play.terminate("b") == ["stop b", "kill b", "gone b killed", "done b"]


def test_g7_06_kill_means_no_request_at_all(script):
    play = script.of(["a", script.agent("b", shutdown_s="kill"), "c"])
    assert play.terminate("b") == ["kill b", "gone b killed", "done b"]


def test_g7_07_infinity_waits_as_long_as_it_takes(script):
    play = script.of(["a", script.agent("b", shutdown_s="infinity"), "c"])
    play.deaf = {"b"}
    assert play.terminate("b") == ["stop b"]
    assert play.due is None
    assert play.tick(1e6) == []
    assert play.exit("b", "shutdown") == ["gone b shutdown", "done b"]


def test_g7_08_what_survives_sigkill_is_reported_and_the_tree_goes_on_without_it(script):
    play = script.of(["a", script.agent("b", shutdown_s="kill"), "c"], strategy="one_for_all")
    play.immortal = {"b"}
    assert play.exit("a") == ["stop c", "kill b"]
    assert play.due == 5.0
    assert play.tick(4.9) == []
    assert play.tick(5.0) == ["unkillable b", "start a", "start c"]
    assert play.running() == ["a", "b", "c"]
    assert play.phases()["b"] == "restarting"
    assert play.live["b"] == 1


def test_g7_08_it_is_started_again_once_its_old_process_is_gone_and_not_before(script):
    play = script.of(["a", script.agent("b", shutdown_s="kill"), "c"], strategy="one_for_all")
    play.immortal = {"b"}
    play.exit("a")
    play.tick(5.0)
    assert play.tick(600.0) == []
    play.immortal.clear()
    assert play.exit("b", "killed") == ["start b"]
    assert play.live["b"] == 2


def test_g7_08_nobody_waits_for_it_at_the_end(script):
    play = script.of(["a", script.agent("b", shutdown_s="kill"), "c"])
    play.immortal = {"b"}
    play.shutdown()
    lines = play.tick(5.0)
    assert lines[:2] == ["unkillable b", "stop a"]
    assert lines[-1] == "finish requested"


def test_g7_08_its_id_is_not_given_to_another_while_it_is_there(script):
    play = script.pool()
    play.start_child("pool", script.agent("w", shutdown_s="kill"))
    play.immortal = {"w"}
    play.terminate("w")
    assert play.tick(5.0) == ["unkillable w", "gone w killed", "done w"]
    assert play.start_child("pool", "w") == ["refused already_started"]
    assert play.exit("w", "killed") == []
    assert play.start_child("pool", "w") == ["start w", "done w"]
    assert play.live["w"] == 2


def test_g7_08_restarting_it_by_hand_is_refused_while_it_is_there(script):
    play = script.of(["a", script.agent("b", shutdown_s="kill"), "c"])
    play.immortal = {"b"}
    play.terminate("b")
    play.tick(5.0)
    assert play.restart("b") == ["refused running"]
    play.exit("b", "killed")
    assert play.restart("b") == ["start b", "done b"]


@pytest.mark.parametrize("reason", ["normal", "shutdown", "error", "crashed"])
def test_g7_09_a_child_that_ends_by_itself_during_the_shutdown_is_not_restarted(script, reason):
    play = script.of("abc")
    play.deaf = {"c"}
    play.shutdown()
    assert play.exit("a", reason) == []
    lines = play.exit("c", reason)
    assert lines == ["stop b", f"gone a {reason}", "gone b shutdown", f"gone c {reason}", "finish requested"]


@pytest.mark.parametrize(
    ("budget", "restart", "fine"),
    [
        (5.0, "permanent", {"shutdown"}),
        (5.0, "transient", {"shutdown", "normal"}),
        ("infinity", "temporary", {"shutdown", "normal"}),
        ("kill", "permanent", {"killed"}),
        ("kill", "transient", {"killed", "shutdown", "normal"}),
    ],
)
def test_g7_10_which_ends_are_errors_of_the_shutdown(budget, restart, fine):
    for reason in ExitReason:
        assert is_shutdown_error(Restart(restart), budget, reason) is (reason not in fine)


def test_g7_11_every_dynamic_child_has_its_own_budget_and_mode(script):
    play = script.pool()
    for name, budget in [("u", "kill"), ("v", 1.0), ("w", "infinity"), ("x", 0)]:
        play.start_child("pool", script.agent(name, shutdown_s=budget))
    play.deaf = set("vwx")
    lines = play.shutdown()
    assert lines[:6] == ["stop z", "kill u", "stop v", "stop w", "stop x", "kill x"]
    assert play.tick(1.0)[0] == "kill v"
    assert play.running() == ["w"]
    assert play.exit("w", "shutdown")[-1] == "finish requested"


def test_g7_12_a_supervisor_is_waited_for_until_all_below_it_are_down(script):
    inner = script.supervisor("s", [script.agent("b", shutdown_s=60.0), script.agent("c", shutdown_s=60.0)])
    play = script.of(["a", inner, "d"])
    play.deaf = {"b", "c"}
    assert play.shutdown() == ["stop d", "stop c"]
    assert play.tick(60.0) == ["kill c", "stop b"]
    assert play.tick(120.0)[:2] == ["kill b", "stop a"]


def test_g7_13_only_the_end_of_the_process_ends_the_wait(script):
    play = script.of("abc")
    play.deaf = {"b"}
    play.terminate("b")
    assert play.tell(ChildExited("b", 2, 0.0, ExitReason.SHUTDOWN)) == []
    assert play.phases()["b"] == "stopping"
    assert play.exit("b", "shutdown") == ["gone b shutdown", "done b"]


def test_g7_15_a_supervisor_does_not_end_because_somebody_says_so(script):
    play = script.of(["a", script.supervisor("s", ["b"]), "c"])
    assert play.tell(ChildExited("s", 0, 0.0, ExitReason.KILLED)) == []
    assert play.tell(ChildExited("root", 0, 0.0, ExitReason.KILLED)) == []
    assert play.running() == ["a", "b", "c"]


@pytest.mark.parametrize("reason", ["normal", "the keeper went away"])
def test_g7_16_when_what_is_above_ends_all_below_end_and_the_reason_is_passed_on(script, reason):
    play = script.of(["a", script.supervisor("s", ["b", "c"]), "d"])
    lines = play.shutdown(reason)
    assert lines[:4] == ["stop d", "stop c", "stop b", "stop a"]
    assert lines[-1] == f"finish {reason}"


def test_g7_18_a_supervisor_that_went_down_is_restarted_and_its_ids_are_free(script):
    play = script.of(["a", script.supervisor("s", ["b", "c"], max_restarts=0), "d"])
    play.start_child("s", "e")
    play.exit("c")
    assert play.live == {"a": 1, "b": 2, "c": 2, "d": 1}
    assert play.start_child("s", "e") == ["start e", "done e"]
    assert play.live["e"] == 2


def test_g7_19_the_end_is_told_once_when_nothing_lives_with_the_first_reason(script):
    play = script.of("abc")
    play.deaf = {"c"}
    assert play.shutdown("first") == ["stop c"]
    assert play.shutdown("second") == []
    assert play.exit("c", "shutdown")[-1] == "finish first"
    assert play.shutdown("third") == []
    assert play.tick(9.0) == []


def test_g7_20_every_fact_of_a_large_start_and_stop_touches_one_child(script):
    play = script.pool()
    for n in range(1000):
        assert len(play.start_child("pool", f"w{n}")) == 2
    lines = play.shutdown()
    assert lines.count("stop z") == 1
    assert len([line for line in lines if line.startswith("stop w")]) == 1000
    assert len([line for line in lines if line.startswith("gone w")]) == 1000
    assert play.running() == []


def test_the_whole_shutdown_ends_within_its_budget(script):
    inner = script.supervisor("s", [script.agent("b", shutdown_s="infinity"), "c"])
    play = script.of(["a", inner, script.agent("d", shutdown_s=60.0)])
    play.deaf = set("abcd")
    assert play.shutdown(within_s=3.0) == ["stop d"]
    assert play.due == 3.0
    lines = play.tick(3.0)
    assert [line for line in lines if line.startswith("kill")] == ["kill a", "kill b", "kill c", "kill d"]
    assert lines[-1] == "finish requested"
    assert play.running() == []


def test_a_shorter_budget_replaces_a_longer_one(script):
    play = script.of("abc")
    play.deaf = set("abc")
    play.shutdown(within_s=4.0)
    play.shutdown(within_s=1.0)
    play.shutdown(within_s=9.0)
    assert play.due == 1.0


def test_nothing_is_started_after_the_budget_of_the_shutdown_is_spent(script):
    inner = script.supervisor("s", ["b", "c"])
    play = script.of(["a", inner, script.agent("d", shutdown_s="infinity")])
    play.deaf, play.immortal = {"d"}, {"a", "b", "d"}
    play.shutdown(within_s=3.0)
    play.slow = {"b"}
    play.exit("b")
    lines = play.tick(3.0)
    assert lines == ["kill a", "kill b", "kill c", "kill d"]
    assert play.tick(8.0)[-1] == "finish requested"


def test_a_child_that_is_starting_is_stopped_too(script):
    play = script.of("abc", begin=False, world={"slow": {"b"}})
    play.tick()
    assert play.shutdown()[:2] == ["stop b", "stop a"]


def test_a_shutdown_before_the_start_starts_nothing(script):
    play = script.of("abc", begin=False)
    lines = play.shutdown()
    assert lines == ["gone a shutdown", "gone b shutdown", "gone c shutdown", "finish requested"]


def test_who_waits_for_a_child_whose_old_process_will_not_die_is_answered(script):
    play = script.of(["a", script.agent("b", shutdown_s="kill"), "c"], strategy="one_for_all")
    play.terminate("b")
    play.slow, play.immortal = {"b"}, {"b"}
    assert play.restart("b") == ["start b"]
    assert play.exit("a") == ["stop c", "kill b"]
    assert play.delete("b") == []
    lines = play.tick(5.0)
    assert lines == ["unkillable b", "refused start_failed", "refused restarting", "start a", "start c"]
    assert play.exit("b", "killed") == ["start b"]


def test_the_budget_of_the_shutdown_ends_added_supervisors_too(script):
    play = script.of("abc")
    play.start_child("root", script.supervisor("s", [script.agent("x", shutdown_s="infinity")]))
    play.start_child("s", script.supervisor("t", ["y", "z"]))
    play.deaf = {"z"}
    play.shutdown(within_s=0.0)
    lines = play.tick(0.0)
    assert lines[-1] == "finish requested"
    assert play.running() == []
