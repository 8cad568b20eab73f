"""G8: supervisors that end when their significant children have."""

import pytest

ON_PURPOSE = ["normal", "shutdown"]


def child(script, name, restart="transient", significant=True):
    return script.agent(name, restart=restart, significant=significant)


def stopped(lines):
    return [line for line in lines if line.startswith("stop") or "finish" in line]


@pytest.mark.parametrize("mode", ["never", "any_significant", "all_significant"])
@pytest.mark.parametrize("restart", ["transient", "temporary"])
def test_g8_01_a_child_that_is_not_significant_ends_nobody(script, mode, restart):
    play = script.of(["a", child(script, "b", restart, significant=False), "c"], auto_shutdown=mode)
    play.exit("b", "normal")
    assert play.running() == ["a", "c"]


@pytest.mark.parametrize("reason", ["normal", "error", "killed"])
def test_g8_02_any_significant_temporary_child_ends_the_supervisor_however_it_ended(script, reason):
    specs = ["a", child(script, "b", "temporary"), child(script, "c")]
    play = script.of(specs, auto_shutdown="any_significant")
    lines = play.exit("b", reason)
    assert stopped(lines) == ["stop c", "stop a", "finish auto_shutdown"]
    assert play.running() == []


@pytest.mark.parametrize("reason", ON_PURPOSE)
def test_g8_03_any_significant_transient_child_that_ended_on_purpose_ends_the_supervisor(script, reason):
    play = script.of(["a", child(script, "b"), "c"], auto_shutdown="any_significant")
    assert stopped(play.exit("b", reason)) == ["stop c", "stop a", "finish auto_shutdown"]


@pytest.mark.parametrize("reason", ["error", "killed"])
def test_g8_04_a_significant_transient_child_that_crashed_is_restarted(script, reason):
    play = script.of(["a", child(script, "b"), "c"], auto_shutdown="any_significant", max_restarts=1)
    assert play.exit("b", reason) == ["start b"]
    assert play.exit("b", reason)[-1] == "finish gave_up"


@pytest.mark.parametrize("restart", ["transient", "temporary"])
def test_g8_05_all_significant_waits_for_the_last_of_them(script, restart):
    specs = ["a", child(script, "b", restart), child(script, "c", restart)]
    play = script.of(specs, auto_shutdown="all_significant")
    play.exit("b", "normal")
    assert play.running() == ["a", "c"]
    assert stopped(play.exit("c", "normal")) == ["stop a", "finish auto_shutdown"]


@pytest.mark.parametrize("mode", ["any_significant", "all_significant"])
@pytest.mark.parametrize("restart", ["transient", "temporary"])
def test_g8_06_a_significant_child_that_was_terminated_ends_nobody(script, mode, restart):
    play = script.of(["a", child(script, "b", restart), "c"], auto_shutdown=mode)
    play.terminate("b")
    assert play.running() == ["a", "c"]


def test_g8_07_when_the_last_was_terminated_the_supervisor_stays_until_one_ends_by_itself(script):
    play = script.of(["a", child(script, "b"), child(script, "c")], auto_shutdown="all_significant")
    play.exit("b", "normal")
    play.terminate("c")
    assert play.running() == ["a"]
    play.restart("c")
    assert stopped(play.exit("c", "normal")) == ["stop a", "finish auto_shutdown"]


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
@pytest.mark.parametrize("restart", ["transient", "temporary"])
def test_g8_08_a_significant_bystander_ends_nobody(script, strategy, restart):
    specs = ["a", child(script, "b", restart), "c"]
    play = script.of(specs, auto_shutdown="any_significant", strategy=strategy)
    play.exit("a")
    assert {"a", "c"} <= set(play.running())


@pytest.mark.parametrize(("significant", "left"), [(True, []), (False, ["a", "d"])])
def test_g8_09_a_significant_supervisor_that_ended_ends_the_one_above(script, significant, left):
    inner = script.supervisor(
        "s",
        ["b", child(script, "c")],
        auto_shutdown="any_significant",
        restart="transient",
        significant=significant,
    )
    play = script.of(["a", inner, "d"], auto_shutdown="any_significant")
    play.exit("c", "normal")
    assert play.running() == left


def test_g8_10_a_restarting_significant_child_is_still_there(script):
    play = script.of(["a", child(script, "b"), child(script, "c")], auto_shutdown="all_significant")
    play.slow = {"b"}
    play.exit("b")
    assert play.exit("c", "normal") == ["gone c normal"]
    assert play.running() == ["a", "b"]


def test_g8_11_a_permanent_supervisor_that_shuts_itself_down_burns_the_limit_above(script):
    inner = script.supervisor("s", ["b", child(script, "c")], auto_shutdown="any_significant")
    play = script.of(["a", inner, "d"], max_restarts=2)
    for _ in range(2):
        assert "start c" in play.exit("c", "normal")
    assert play.exit("c", "normal")[-1] == "finish gave_up"


def test_a_significant_child_that_chose_not_to_start_ends_nobody(script):
    specs = ["a", child(script, "b"), "c"]
    play = script.of(specs, auto_shutdown="any_significant", begin=False, world={"ignores": {"b"}})
    play.tick()
    assert play.running() == ["a", "c"]
