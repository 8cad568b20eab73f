"""G10: supervisors whose children are all added while they run."""

from tests.unit.supervise.counting import count_children


def full(script, **fields):
    play = script.pool(max_children=2, **fields)
    for name in "uv":
        play.start_child("pool", name)
    return play


def test_g10_01_a_full_supervisor_refuses_and_one_of_size_zero_refuses_all(script):
    play = full(script)
    assert play.start_child("pool", "w") == ["refused max_children"]
    assert script.pool(max_children=0).start_child("pool", "w") == ["refused max_children"]
    play.terminate("u")
    assert play.start_child("pool", "w") == ["start w", "done w"]


def test_g10_02_a_restarting_child_keeps_its_place(script):
    play = full(script)
    play.slow = {"u"}
    play.exit("u")
    assert play.start_child("pool", "w") == ["refused max_children"]


def test_g10_03_a_restart_is_never_refused_and_the_count_stays_right(script):
    play = full(script)
    for _ in range(3):
        assert play.exit("u") == ["start u"]
    assert count_children(play.tree, "pool").specs == 2
    assert play.start_child("pool", "w") == ["refused max_children"]
    play.terminate("u")
    assert play.start_child("pool", "w")[-1] == "done w"


def test_g10_04_extra_options_lie_beneath_the_childs_own(script):
    play = script.pool(extra_options={"model": "small", "n": 1})
    play.start_child("pool", script.agent("w", options={"n": 2}))
    assert play.starts[-1].options == {"model": "small", "n": 2}
    assert play.tree.children["w"].spec.options == {"model": "small", "n": 2}


def test_g10_05_an_id_given_twice_is_refused_because_it_is_an_address(script):
    play = script.pool()
    play.start_child("pool", "w")
    assert play.start_child("pool", "w") == ["refused already_started"]
    assert play.live == {"z": 1, "w": 1}


def test_g10_06_a_dynamic_supervisor_starts_empty_and_cannot_fail(script):
    play = script.pool()
    assert play.phases() == {"pool": "up", "z": "up"}
    assert play.phases("pool") == {}


def test_g10_07_a_one_off_is_a_temporary_child_and_has_five_seconds_to_stop(script):
    play = script.pool()
    play.deaf = {"job"}
    play.start_child("pool", script.agent("job", restart="temporary"))
    assert play.terminate("job") == ["stop job"]
    assert play.tick(4.9) == []
    assert play.tick(5.0) == ["kill job", "gone job killed", "done job"]


def test_g10_08_a_one_off_that_is_done_is_gone_once_with_normal(script):
    play = script.pool()
    play.start_child("pool", script.agent("job", restart="temporary"))
    assert play.exit("job", "normal") == ["gone job normal"]
    assert play.tick(9.0) == []


def test_g10_09_a_refused_start_leaves_nothing_behind(script):
    play = full(script)
    before = play.tree
    assert play.start_child("pool", script.agent("w", restart="temporary")) == ["refused max_children"]
    assert play.tree == before


def test_g10_10_a_permanent_one_off_that_ends_on_purpose_runs_again(script):
    play = script.pool()
    play.start_child("pool", script.agent("job", restart="permanent"))
    assert play.exit("job", "shutdown") == ["start job"]


def test_a_dynamic_supervisor_that_gave_up_loses_its_children_and_comes_back_empty(script):
    play = script.pool(max_restarts=1)
    for name in "uvw":
        play.start_child("pool", name)
    play.exit("v")
    assert play.exit("v") == [
        *("gave_up pool", "gone v error", "stop u", "stop w"),
        *("gone u shutdown", "gone w shutdown"),
    ]
    assert play.phases() == {"pool": "up", "z": "up"}
    assert play.phases("pool") == {}
    assert play.start_child("pool", "v") == ["start v", "done v"]
    assert play.live == {"z": 1, "v": 3}


def test_ids_that_come_and_go_leave_a_bounded_memory(script):
    play = script.pool()
    for n in range(1100):
        play.start_child("pool", script.agent(f"job{n}", restart="temporary"))
        play.exit(f"job{n}", "normal")
    assert len(play.tree.past) == 1024
    assert len(play.tree.children) == 3
    assert play.tree.due == {}
    assert play.tree.reserved.keys() == {"pool", "z"}


def test_what_a_queued_call_wants_gone_is_not_started_first(script):
    play = script.of("abc")
    play.slow = {"x"}
    play.start_child("root", script.supervisor("s", ["x"]))
    play.terminate("s")
    play.start_child("s", "y")
    lines = play.started("x")
    assert lines == ["done s", "gone y shutdown", "refused shutting_down", "stop x", "gone x shutdown", "done s"]
    assert play.running() == ["a", "b", "c"]
    assert "y" not in [spec.id for spec in play.starts]


def test_a_forgotten_child_is_told_gone_once_though_its_supervisor_comes_and_goes(script):
    inner = script.supervisor("s", ["b", script.agent("t", restart="temporary")], max_restarts=0)
    play = script.of(["a", inner, "d"], strategy="one_for_all")
    assert play.exit("t", "normal") == ["gone t normal"]
    play.slow = {"b"}
    play.exit("b")
    play.deaf = {"b"}
    assert "gone t shutdown" not in play.shutdown() + play.exit("b", "shutdown")
