"""What a supervisor's end forgets: children that were added, their calls, and the ids that they listed."""

import pytest

from scr.supervise.queries import in_start_order

# How a child comes to be down and kept.


def terminated(play, name):
    play.terminate(name)


def ended(play, name):
    play.exit(name, "normal")


def ignored(play, name):
    play.terminate(name)
    play.ignores = {name}
    play.restart(name)
    play.ignores = set()


def failed_by_hand(play, name):
    play.terminate(name)
    play.fails = {name: 1}
    play.restart(name)


DOWN = pytest.mark.parametrize("down", [terminated, ended, ignored, failed_by_hand])

# How its supervisor `s`, which has a child `b`, comes to go down and up again.


def gives_up(play):
    play.exit("b")


def is_hit_by_its_sibling(play):
    play.exit("a")


def is_terminated_and_restarted(play):
    play.terminate("s")
    play.restart("s")


def is_recycled(play):
    play.recycle("s")


ROUND = pytest.mark.parametrize("go_round", [gives_up, is_hit_by_its_sibling, is_terminated_and_restarted, is_recycled])


def nested(script, *, above="one_for_all", **fields):
    return script.of(["a", script.supervisor("s", ["b"], max_restarts=0, **fields), "d"], strategy=above)


def assert_consistent(play):
    """No call is open, and every child is known to its own supervisor."""
    assert play.open_calls == set()
    assert set(play.tree.children) == {child.id for child in in_start_order(play.tree)}
    for name, team in play.tree.teams.items():
        assert {play.tree.children[child].parent for child in team.children} <= {name}


@DOWN
@ROUND
def test_an_added_child_that_is_down_is_forgotten_with_its_supervisor(script, down, go_round):
    play = nested(script)
    play.start_child("s", script.agent("x", restart="transient"))
    down(play, "x")
    assert play.phases("s") == {"b": "up", "x": "down"}
    go_round(play)
    assert play.phases("s") == {"b": "up"}
    assert play.restart("x") == play.terminate("x") == play.delete("x") == play.recycle("x") == ["refused not_found"]
    assert play.start_child("s", "x") == ["start x", "done x"]
    assert_consistent(play)


@ROUND
def test_an_added_child_that_is_parked_is_forgotten_with_its_supervisor(script, go_round):
    play = nested(script)
    play.start_child("s", script.agent("x", park=True))
    play.exit("x")
    assert play.phases("s")["x"] == "parked"
    go_round(play)
    assert play.restart("x") == ["refused not_found"]
    assert play.start_child("s", "x") == ["start x", "done x"]
    assert_consistent(play)


@ROUND
def test_an_added_supervisor_that_is_down_is_forgotten_with_all_below_it(script, go_round):
    play = nested(script)
    play.start_child("s", script.supervisor("t", ["y", script.supervisor("u", ["z"])]))
    play.start_child("u", "w")
    play.terminate("w")
    play.terminate("t")
    go_round(play)
    assert [play.restart(name) for name in "tuwyz"] == [["refused not_found"]] * 5
    assert play.start_child("root", "z") == ["start z", "done z"]
    assert set(play.tree.reserved) == {"a", "s", "b", "d"}
    assert_consistent(play)


def test_a_child_that_was_added_below_a_supervisor_that_is_down_was_forgotten_when_that_went_down(script):
    play = script.of(["a", script.supervisor("s", [script.supervisor("t", ["c"])], max_restarts=0)])
    play.start_child("t", "x")
    play.terminate("x")
    play.terminate("t")
    assert play.restart("x") == ["refused not_found"]
    play.recycle("s")
    assert play.phases("t") == {"c": "up"}
    assert_consistent(play)


def test_a_forgotten_child_was_told_gone_once(script):
    play = nested(script)
    play.start_child("s", "x")
    assert "gone x shutdown" in play.terminate("x")
    assert not [line for line in play.exit("b") + play.shutdown() if line.startswith("gone x")]


def test_calls_that_wait_for_an_added_child_are_answered_when_its_supervisor_goes_down(script):
    play = nested(script)
    play.deaf = {"x"}
    play.start_child("s", "x")
    play.terminate("x")
    play.restart("x")
    play.delete("x")
    play.start_child("s", "x")
    assert play.exit("b") == ["gave_up s"]
    lines = play.exit("x", "shutdown")
    assert lines[:2] == ["gone x shutdown", "done x"]
    assert [line for line in lines if "x" not in line][:3] == ["refused not_found"] * 2 + ["refused shutting_down"]
    assert_consistent(play)


def test_what_is_listed_and_down_comes_back_with_its_supervisor(script):
    play = nested(script)
    play.terminate("b")
    is_recycled(play)
    assert play.phases("s") == {"b": "up"}
    assert_consistent(play)


# A listed supervisor that is added again.


def deleted(play):
    play.terminate("s")
    play.delete("s")


def ended_as_temporary(play):
    play.exit("b")


AWAY = pytest.mark.parametrize(
    ("restart", "go"), [("permanent", deleted), ("transient", deleted), ("temporary", ended_as_temporary)]
)


@AWAY
def test_a_listed_supervisor_that_left_the_tree_can_be_added_again_and_comes_last(script, restart, go):
    play = nested(script, restart=restart)
    go(play)
    again = script.supervisor("s", ["b", script.supervisor("t", ["c"])])
    assert play.start_child("root", again) == ["start b", "start c", "done s"]
    assert list(play.phases()) == ["a", "d", "s"]
    assert_consistent(play)


def test_a_listed_supervisor_is_added_again_inside_another_with_a_deeper_place_for_what_it_lists(script):
    play = nested(script)
    deleted(play)
    deeper = script.supervisor("n", [script.supervisor("s", [script.supervisor("t", ["b"])])])
    assert play.start_child("root", deeper) == ["start b", "done n"]
    assert_consistent(play)


def test_what_it_listed_may_not_be_added_elsewhere(script):
    play = nested(script)
    deleted(play)
    for spec in [script.agent("b"), script.supervisor("t", ["b"])]:
        assert play.start_child("root", spec) == ["refused already_present"]
    assert play.start_child("root", script.supervisor("s", ["a"])) == ["refused already_present"]
    assert_consistent(play)


def test_ids_stay_reserved_when_a_listed_supervisor_that_was_added_again_leaves_again(script):
    inner = script.supervisor("s", [script.supervisor("t", ["b"])])
    play = script.of([script.supervisor("crew", [inner, "c"], max_restarts=0), "z"])
    for spec in [inner, script.supervisor("s", ["b"])]:
        deleted(play)
        play.start_child("crew", spec)
    deleted(play)
    assert play.start_child("root", "b") == ["refused already_present"]
    assert play.start_child("root", script.supervisor("t")) == ["refused already_present"]
    play.exit("c")
    assert [child.id for child in in_start_order(play.tree)] == ["root", "crew", "s", "t", "b", "c", "z"]
    assert play.running() == ["b", "c", "z"]
    assert_consistent(play)


def test_an_id_goes_back_to_the_nearest_supervisor_that_lists_it(script):
    play = script.of([script.supervisor("s", ["b"], max_restarts=0), "z"])
    deleted(play)
    play.start_child("root", script.supervisor("s", ["c", script.supervisor("t", ["b"])]))
    play.terminate("t")
    play.delete("t")
    play.start_child("s", script.supervisor("t", ["b"]))
    play.terminate("t")
    play.delete("t")
    assert play.start_child("s", "b") == ["refused already_present"]
    play.terminate("s")
    play.delete("s")
    assert play.start_child("root", script.supervisor("s", ["b"])) == ["start b", "done s"]
    assert_consistent(play)
