"""G5: how many restarts are too many, what is counted, and what is left when a supervisor gives up."""

import pytest

from scr.specs import Backoff, Strategy
from scr.supervise.intensity import add_restart, pause_s


def crashes(play, name, times):
    """The lines of the last of these crashes."""
    lines = []
    for at in times:
        lines = play.exit(name, at=at)
    return lines


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_g5_01_the_restart_after_the_last_allowed_one_ends_the_supervisor(script, strategy, limit):
    play = script.of("abc", strategy=strategy, max_restarts=limit)
    assert "finish gave_up" not in crashes(play, "b", [0.1] * limit)
    lines = play.exit("b")
    assert lines[0] == "gave_up root"
    assert lines[-1] == "finish gave_up"
    assert not any(line.startswith("start") for line in lines)
    assert play.running() == []


def test_g5_02_with_a_limit_of_zero_the_first_crash_ends_the_supervisor(script):
    play = script.of("abc", max_restarts=0)
    assert play.exit("b")[:3] == ["gave_up root", "stop c", "stop a"]
    assert play.running() == []


def test_g5_02_with_a_limit_of_zero_an_end_that_needs_no_restart_is_fine(script):
    play = script.of(["a", script.agent("b", restart="transient"), "c"], max_restarts=0)
    assert play.exit("b", "normal") == ["gone b normal"]
    assert play.running() == ["a", "c"]


def test_g5_03_the_count_is_the_supervisors_and_shared_by_its_children(script):
    play = script.of("abc", max_restarts=2)
    play.exit("a")
    play.exit("b")
    assert play.exit("c")[0] == "gave_up root"


def test_g5_03_the_counts_of_two_supervisors_do_not_mix(script):
    play = script.of([script.supervisor("l", ["a", "b"]), script.supervisor("r", ["c"]), "d"], max_restarts=1)
    for name in "abacccd":
        play.exit(name)
    assert play.running() == ["a", "b", "c", "d"]


@pytest.mark.parametrize(("last", "gives_up"), [(4.9, True), (5.0, True), (5.001, False), (9.0, False)])
def test_g5_04_a_restart_exactly_one_period_ago_still_counts(script, last, gives_up):
    play = script.of("abc", max_restarts=1, within_s=5.0)
    assert ("gave_up root" in crashes(play, "b", [0.0, last])) is gives_up


@pytest.mark.parametrize(("start", "gap", "survives"), [(0.03, 1.90, True), (0.90, 1.15, True), (0.9, 0.99, False)])
def test_g5_05_the_window_is_the_period_and_knows_no_whole_seconds(script, start, gap, survives):
    play = script.of("abc", max_restarts=1, within_s=1.0)
    crashes(play, "b", [start, start + gap])
    assert (play.running() == ["a", "b", "c"]) is survives


def test_g5_06_crashes_that_are_far_enough_apart_go_on_for_ever(script):
    play = script.of("abc", max_restarts=1, within_s=1.0)
    crashes(play, "b", [2.0 * n for n in range(50)])
    assert play.live == {"a": 1, "b": 51, "c": 1}
    assert len(play.tree.teams["root"].stamps) == 1


def test_g5_07_what_is_asked_for_by_hand_is_not_counted(script):
    play = script.of("abc", max_restarts=0)
    for _ in range(3):
        play.terminate("b")
        play.restart("b")
        play.start_child("root", "d")
        play.terminate("d")
        play.delete("d")
    assert play.running() == ["a", "b", "c"]
    assert play.tree.teams["root"].stamps == ()


def test_g5_07_a_failed_attempt_is_counted_as_a_crash_is(script):
    play = script.of("abc", max_restarts=3)
    play.fails = {"b": 2}
    assert play.exit("b") == ["start b", "start b", "start b"]
    assert len(play.tree.teams["root"].stamps) == 3


def test_g5_08_giving_up_stops_the_others_in_reverse_each_with_its_own_budget(script):
    quick, slow = script.agent("c", shutdown_s="kill"), script.agent("b", shutdown_s=2.0)
    play = script.of(["a", slow, quick, "d"], max_restarts=0)
    play.deaf = {"b"}
    assert play.exit("d", detail="boom") == ["gave_up root", "kill c", "stop b"]
    assert play.due == 2.0
    lines = play.tick(2.0)
    assert lines[:2] == ["kill b", "stop a"]
    assert lines[-1] == "finish gave_up"
    assert play.running() == []
    assert play.causes("root") == ("'root' may restart 0 times in 5 s, and this was one more", "'d': error: boom")


def test_g5_08_every_agent_below_is_gone_once_when_the_root_gave_up(script):
    play = script.of(["a", script.supervisor("s", ["b", "c"]), "d"], max_restarts=0)
    lines = play.exit("d")
    assert [line for line in lines if "gone" in line] == [
        "gone a shutdown",
        "gone b shutdown",
        "gone c shutdown",
        "gone d error",
    ]


def test_g5_09_a_permanent_supervisor_that_gave_up_is_restarted_and_counts_once_above(script):
    inner = script.supervisor("s", ["b", "c"], max_restarts=0)
    play = script.of(["a", inner, "d"], max_restarts=3)
    assert play.exit("b") == ["gave_up s", "stop c", "start b", "start c"]
    assert play.live == {"a": 1, "b": 2, "c": 2, "d": 1}
    assert len(play.tree.teams["root"].stamps) == 1
    assert play.tree.teams["s"].stamps == ()


def test_g5_09_giving_up_escalates_and_the_chain_of_causes_is_told(script):
    inner = script.supervisor("t", ["x", "y"], max_restarts=0)
    middle = script.supervisor("s", ["b", inner], max_restarts=0)
    play = script.of(["a", middle, "d"], max_restarts=0)
    lines = play.exit("x", detail="boom")
    assert [line for line in lines if "gave" in line or "stop" in line] == [
        *("gave_up t", "stop y"),
        *("gave_up s", "stop b"),
        *("gave_up root", "stop d", "stop a"),
        "finish gave_up",
    ]
    assert play.causes("root") == (
        "'root' may restart 0 times in 5 s, and this was one more",
        "'s': shutdown: it gave up",
        "'s' may restart 0 times in 5 s, and this was one more",
        "'t': shutdown: it gave up",
        "'t' may restart 0 times in 5 s, and this was one more",
        "'x': error: boom",
    )
    assert play.orders[-1].causes == play.causes("root")


def test_g5_10_a_transient_supervisor_that_gave_up_stays_down(script):
    inner = script.supervisor("s", ["b", "c"], max_restarts=0, restart="transient")
    play = script.of(["a", inner, "d"])
    assert play.exit("b") == ["gave_up s", "stop c", "gone b error", "gone c shutdown"]
    assert play.phases() == {"a": "up", "s": "down", "d": "up"}
    assert play.running() == ["a", "d"]
    assert play.restart("s") == ["start b", "start c", "done s"]


def test_g5_11_a_temporary_supervisor_that_gave_up_is_forgotten(script):
    inner = script.supervisor("s", ["b", "c"], max_restarts=0, restart="temporary")
    play = script.of(["a", inner, "d"])
    assert play.exit("b") == ["gave_up s", "stop c", "gone b error", "gone c shutdown"]
    assert play.phases() == {"a": "up", "d": "up"}
    assert set(play.tree.children) == {"root", "a", "d"}


def test_g5_12_a_restarted_supervisor_has_what_its_specification_lists_and_nothing_else(script):
    inner = script.supervisor("s", ["b", "c"], max_restarts=0)
    play = script.of(["a", inner, "d"])
    play.start_child("s", "added")
    play.terminate("b")
    play.delete("b")
    lines = play.exit("c")
    assert lines == ["gave_up s", "stop added", "gone added shutdown", "start b", "start c"]
    assert play.phases("s") == {"b": "up", "c": "up"}
    assert "added" not in play.tree.children
    assert play.live["b"] == 2


def test_g5_13_nested_budgets_multiply(script):
    inner = script.supervisor("s", ["b", "c"], max_restarts=10)
    play = script.of(["a", inner, "d"], max_restarts=10)
    ends = 0
    while "finish gave_up" not in play.exit("b"):
        ends += 1
    assert ends == 11 * 11 - 1
    assert play.running() == []


def test_g5_14_time_is_what_the_facts_say_and_nothing_else(script):
    play = script.of("abc", max_restarts=1, within_s=5.0)
    crashes(play, "b", [1e9, 1e9 + 6.0])
    assert play.running() == ["a", "b", "c"]


def test_g5_15_without_a_backoff_the_restart_is_at_once(script):
    play = script.of("abc")
    assert play.exit("b", at=1.0) == ["start b"]


def test_g5_15_with_a_backoff_the_restart_waits_and_the_pause_doubles_up_to_the_cap(script):
    slow = script.agent("b", backoff=Backoff(base_s=0.5, cap_s=1.5, jitter="none", reset_after_s=60.0))
    play = script.of(["a", slow, "c"], max_restarts=9, within_s=100.0)
    for at, pause in [(10.0, 0.5), (20.0, 1.0), (30.0, 1.5), (40.0, 1.5)]:
        assert play.exit("b", at=at) == []
        assert play.phases()["b"] == "restarting"
        assert play.due == at + pause
        assert play.tick(at + pause - 0.01) == []
        assert play.tick(at + pause) == ["start b"]
    assert play.live == {"a": 1, "b": 5, "c": 1}


def test_g5_15_a_pause_is_counted_when_it_begins(script):
    slow = script.agent("b", backoff=Backoff(base_s=0.5, cap_s=0.5, jitter="none"))
    play = script.of(["a", slow, "c"], max_restarts=1, within_s=5.0)
    play.exit("b", at=10.0)
    assert play.tree.teams["root"].stamps == (10.0,)
    play.tick(10.5)
    assert play.exit("b", at=10.6)[0] == "gave_up root"


def test_g5_15_who_was_stable_begins_again_at_the_base(script):
    slow = script.agent("b", backoff=Backoff(base_s=0.5, cap_s=1.5, jitter="none", reset_after_s=30.0))
    play = script.of(["a", slow, "c"], max_restarts=9, within_s=100.0)
    play.exit("b", at=10.0)
    play.tick(10.5)
    play.exit("b", at=40.0)
    assert play.due == 41.0
    play.tick(41.0)
    play.exit("b", at=71.0)
    assert play.due == 71.5


def test_g5_15_those_behind_a_pausing_child_wait_where_they_depend_on_it(script):
    slow = script.agent("a", backoff=Backoff(base_s=0.5, cap_s=0.5, jitter="none"))
    play = script.of([slow, "b", "c"], strategy="rest_for_one")
    assert play.exit("a", at=1.0) == ["stop c", "stop b"]
    assert play.tick(1.5) == ["start a", "start b", "start c"]


def test_g5_15_a_stranger_does_not_wait_for_a_pausing_child(script):
    slow = script.agent("a", backoff=Backoff(base_s=0.5, cap_s=0.5, jitter="none"))
    play = script.of([slow, "b", "c"])
    play.exit("a", at=1.0)
    assert play.exit("b", at=1.1) == ["start b"]


def test_full_jitter_lies_between_nothing_and_the_pause_and_is_the_same_for_the_same_history():
    full = Backoff(base_s=1.0, cap_s=8.0)
    drawn = [pause_s(full, 3, f"b/{n}") for n in range(200)]
    assert drawn == [pause_s(full, 3, f"b/{n}") for n in range(200)]
    assert all(0 <= pause < 4.0 for pause in drawn)
    assert max(drawn) > 3.0
    assert min(drawn) < 1.0


def test_a_pause_does_not_overflow_after_very_many_failures():
    assert pause_s(Backoff(base_s=1.0, cap_s=8.0, jitter="none"), 10**6, "b") == 8.0


def test_a_restart_that_is_one_too_many_is_not_stored():
    assert add_restart((1.0, 2.0), 3.0, max_restarts=3, within_s=5.0) == (1.0, 2.0, 3.0)
    assert add_restart((1.0, 2.0), 3.0, max_restarts=2, within_s=5.0) is None
    assert add_restart((1.0, 2.0), 6.5, max_restarts=2, within_s=5.0) == (2.0, 6.5)


def test_a_child_that_parks_stays_down_alone_and_takes_nobody_along(script):
    play = script.of(["a", script.agent("p", park=True), "c"], max_restarts=2)
    crashes(play, "p", [0.0, 0.1])
    assert play.exit("p", detail="boom") == ["gone p error"]
    assert play.phases() == {"a": "up", "p": "parked", "c": "up"}
    assert play.tick(100.0) == []


def test_a_child_that_parks_has_a_limit_of_its_own(script):
    play = script.of(["a", script.agent("p", park=True), script.agent("q", park=True), "c"], max_restarts=1)
    for name in "pqpq":
        play.exit(name)
    assert play.phases() == {"a": "up", "p": "parked", "q": "parked", "c": "up"}
    assert play.exit("a") == ["start a"]
    assert play.exit("c")[0] == "gave_up root"


def test_a_parked_child_is_restarted_by_hand_with_a_clean_record(script):
    play = script.of(["a", script.agent("p", park=True), "c"], max_restarts=1)
    crashes(play, "p", [0.0, 0.1])
    assert play.start_child("root", "p") == ["refused already_present"]
    assert play.restart("p") == ["start p", "done p"]
    assert play.exit("p") == ["start p"]
    assert play.exit("p") == ["gone p error"]


def test_a_parked_child_that_cannot_be_restarted_by_hand_stays_parked(script):
    play = script.pool(max_restarts=0)
    play.start_child("pool", script.agent("p", park=True))
    play.exit("p")
    play.fails = {"p": 1}
    assert play.restart("p") == ["start p", "gone p start_failed", "refused start_failed"]
    assert play.phases("pool") == {"p": "parked"}
    assert play.terminate("p") == ["gone p start_failed", "done p"]  # its mail ends only now
    assert play.phases("pool") == {}


def test_a_supervisor_can_park_too(script):
    inner = script.supervisor("s", ["b", "c"], max_restarts=0, park=True)
    play = script.of(["a", inner, "d"], max_restarts=1)
    play.exit("b")
    assert play.exit("b") == ["gave_up s", "stop c", "gone b error", "gone c shutdown"]
    assert play.phases() == {"a": "up", "s": "parked", "d": "up"}
    assert play.running() == ["a", "d"]
