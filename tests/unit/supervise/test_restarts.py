"""G3: who comes back, by restart type and by reason."""

import pytest

from scr.messages import ExitReason
from scr.specs import Restart
from scr.supervise.exits import is_worth_reporting, should_restart
from scr.supervise.facts import ChildExited, ChildStartFailed
from tests.unit.supervise.counting import count_children

ABNORMAL = ["error", "killed", "crashed", "hung", "out_of_memory", "start_failed"]
ON_PURPOSE = ["normal", "shutdown"]


def counts(play, parent="root"):
    found = count_children(play.tree, parent)
    return [found.specs, found.active, found.supervisors, found.workers]


def trio(script, restart):
    return script.of(["a", script.agent("b", restart=restart), "c"])


@pytest.mark.parametrize("reason", ON_PURPOSE)
def test_g3_01_g3_02_g3_03_a_permanent_child_comes_back_after_an_end_on_purpose_and_it_counts(script, reason):
    play = trio(script, "permanent")
    assert play.exit("b", reason) == ["start b"]
    assert counts(play) == [3, 3, 0, 3]
    assert len(play.tree.teams["root"].stamps) == 1


@pytest.mark.parametrize("reason", ABNORMAL)
def test_g3_04_g3_05_a_permanent_child_comes_back_after_an_abnormal_end_and_a_kill(script, reason):
    assert trio(script, "permanent").exit("b", reason) == ["start b"]


@pytest.mark.parametrize("reason", ON_PURPOSE)
def test_g3_06_g3_07_g3_08_a_transient_child_that_ended_on_purpose_is_kept_and_down(script, reason):
    play = trio(script, "transient")
    assert play.exit("b", reason) == [f"gone b {reason}"]
    assert counts(play) == [3, 2, 0, 3]
    assert play.phases()["b"] == "down"
    assert play.start_child("root", "b") == ["refused already_present"]
    assert play.restart("b") == ["start b", "done b"]
    assert play.tree.teams["root"].stamps == ()


@pytest.mark.parametrize("reason", ABNORMAL)
def test_g3_09_g3_10_a_transient_child_comes_back_after_an_abnormal_end_and_a_kill(script, reason):
    assert trio(script, "transient").exit("b", reason) == ["start b"]


@pytest.mark.parametrize("reason", ON_PURPOSE + ABNORMAL)
def test_g3_11_g3_12_g3_13_g3_14_a_temporary_child_never_comes_back_and_is_forgotten(script, reason):
    play = trio(script, "temporary")
    assert play.exit("b", reason) == [f"gone b {reason}"]
    assert play.phases() == {"a": "up", "c": "up"}
    assert play.start_child("root", "b") == ["start b", "done b"]


@pytest.mark.parametrize("reason", ON_PURPOSE + ABNORMAL)
def test_g3_15_a_permanent_dynamic_child_comes_back_with_the_same_specification(script, reason):
    play = script.pool()
    for name in "uvw":
        play.start_child("pool", script.agent(name, options={"for": name}))
    assert play.exit("v", reason) == ["start v"]
    assert play.live == {"z": 1, "u": 1, "v": 2, "w": 1}
    assert play.starts[-1].options == {"for": "v"}
    assert counts(play, "pool") == [3, 3, 0, 3]


@pytest.mark.parametrize("reason", ON_PURPOSE)
def test_g3_16_a_transient_dynamic_child_that_ended_on_purpose_is_forgotten(script, reason):
    play = script.pool()
    play.start_child("pool", script.agent("w", restart="transient"))
    assert play.exit("w", reason) == [f"gone w {reason}"]
    assert counts(play, "pool") == [0, 0, 0, 0]
    assert "w" not in play.tree.children


def test_g3_17_the_end_of_an_older_incarnation_or_of_a_stranger_changes_nothing(script):
    play = script.of("abc")
    play.exit("b")
    before = play.tree
    for fact in (
        ChildExited("b", 1, 0.0, ExitReason.ERROR),
        ChildStartFailed("b", 1, 0.0),
        ChildExited("b", 3, 0.0, ExitReason.ERROR),
        ChildExited("stranger", 1, 0.0, ExitReason.ERROR),
    ):
        assert play.tell(fact) == []
    assert play.tree == before


@pytest.mark.parametrize("reason", ExitReason)
@pytest.mark.parametrize("restart", Restart)
def test_g3_18_an_end_on_purpose_is_silent_unless_the_child_is_permanent(restart, reason):
    expected = restart == "permanent" or reason not in ON_PURPOSE
    assert is_worth_reporting(restart, reason) is expected


@pytest.mark.parametrize(
    ("restart", "after_a_purpose", "after_a_failure"),
    [("permanent", True, True), ("transient", False, True), ("temporary", False, False)],
)
def test_the_whole_table_of_who_comes_back(restart, after_a_purpose, after_a_failure):
    for reason in ExitReason:
        expected = after_a_purpose if reason in ON_PURPOSE else after_a_failure
        assert should_restart(Restart(restart), reason) is expected
