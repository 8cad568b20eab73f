"""Who goes first, in tables and in random histories."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scr.errors import InvalidInput, QueueFull
from scr.protocol.status import Priority
from scr.server.schedule import RANKS, ServerBounds, WaitingLine, WaitingRun, admit, plan

HIGH, NORMAL, LOW = Priority.HIGH, Priority.NORMAL, Priority.LOW
ROOMY = ServerBounds(agents=100, runs=100, queue=100)


def one_by_one(waiting, bounds=ROOMY, line=WaitingLine()):  # noqa: B008  it is frozen
    """The runs in the order in which they are started when each waits for the one before."""
    order = []
    while waiting:
        decided = plan(line, waiting, (), ServerBounds(bounds.agents, 1, bounds.queue))
        line = decided.line
        order += [run.run for run in decided.starts]
        waiting = [run for run in waiting if run not in decided.starts]
    return order


@pytest.mark.parametrize(
    ("waiting", "order"),
    [
        pytest.param([WaitingRun("a"), WaitingRun("b"), WaitingRun("c")], "abc", id="as they came"),
        pytest.param([WaitingRun("a", LOW), WaitingRun("b"), WaitingRun("c", HIGH)], "cba", id="by priority"),
        pytest.param(
            [WaitingRun("a"), WaitingRun("b", begun=True), WaitingRun("c")], "bac", id="what had begun goes on first"
        ),
        pytest.param([WaitingRun("a", HIGH), WaitingRun("b", begun=True)], "ab", id="but not before a higher priority"),
        pytest.param(
            [*(WaitingRun(run, submitter="x") for run in "abc"), WaitingRun("d", submitter="y")],
            "adbc",
            id="taking turns",
        ),
        pytest.param(
            [WaitingRun("a", submitter="x"), WaitingRun("b", submitter="x"), WaitingRun("c", LOW, submitter="y")],
            "abc",
            id="no turn for a lower priority",
        ),
    ],
)
def test_the_order_of_starts(waiting, order):
    assert "".join(one_by_one(waiting)) == order
    assert "".join(run.run for run in plan(WaitingLine(), waiting, (), ROOMY).starts) == order
    assert "".join(run.run for run in WaitingLine().order(waiting)) == order


@pytest.mark.parametrize(
    ("needs", "running", "bounds", "started"),
    [
        pytest.param([4, 4, 4], [], ServerBounds(8, 9, 9), 2, id="no more agents than may be"),
        pytest.param([1, 1, 1], [5], ServerBounds(99, 3, 9), 2, id="no more runs than may be"),
        pytest.param([6, 1, 1], [4], ServerBounds(8, 9, 9), 0, id="nobody overtakes who waits for room"),
        pytest.param([9, 2, 2], [4], ServerBounds(8, 9, 9), 2, id="what never fits is passed over"),
        pytest.param([8, 1, 1], [], ServerBounds(8, 9, 9), 1, id="just so"),
    ],
)
def test_the_room_that_there_is(needs, running, bounds, started):
    waiting = [WaitingRun(f"r{n}", agents=agents) for n, agents in enumerate(needs)]
    assert len(plan(WaitingLine(), waiting, running, bounds).starts) == started


def test_a_newcomer_waits_for_no_more_than_one_run_of_each_who_waits_already():
    line, many = WaitingLine(), [WaitingRun(f"x{n}", submitter="x") for n in range(50)]
    line = plan(line, many, (), ServerBounds(9, 1, 99)).line
    newcomers = [WaitingRun("y", submitter="y"), WaitingRun("z", submitter="z")]
    assert one_by_one([*many[1:], *newcomers], line=line)[:3] == ["x1", "y", "z"]


def test_newcomers_without_end_do_not_starve_who_waits():
    line, waiting, started = WaitingLine(), [WaitingRun(f"x{n}", submitter="x") for n in range(5)], []
    for n in range(20):
        waiting += [WaitingRun(f"new{n}{twin}", submitter=f"new{n}{twin}") for twin in "ab"]
        decided = plan(line, waiting, (), ServerBounds(9, 1, 99))
        line, waiting = decided.line, [run for run in waiting if run not in decided.starts]
        started += [run.submitter for run in decided.starts]
    assert started.count("x") >= 3


@pytest.mark.parametrize(
    ("agents", "waiting", "error", "words"),
    [(9, 0, InvalidInput, "at most 8 at once"), (8, 3, QueueFull, "submit again when some are done")],
)
def test_what_is_refused_says_what_to_do(agents, waiting, error, words):
    with pytest.raises(error, match=words):
        admit(agents, waiting, ServerBounds(agents=8, runs=1, queue=3))


def test_what_fits_is_admitted():
    admit(8, 2, ServerBounds(agents=8, runs=1, queue=3))


runs = st.lists(
    st.builds(
        WaitingRun,
        run=st.uuids().map(str),
        priority=st.sampled_from(Priority),
        submitter=st.sampled_from("xyz"),
        agents=st.integers(1, 6),
        begun=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda run: run.run,
)
bounds = st.builds(ServerBounds, agents=st.integers(1, 12), runs=st.integers(1, 5), queue=st.just(9))


@given(runs, st.lists(st.integers(1, 4), max_size=4), bounds)
def test_bounds_hold_and_no_room_is_wasted_and_no_priority_is_overtaken(waiting, running, bounds):
    starts = plan(WaitingLine(), waiting, running, bounds).starts
    assert len(set(starts)) == len(starts) and set(starts) <= set(waiting)  # noqa: PT018  one fact
    if starts:
        assert len(running) + len(starts) <= bounds.runs
        assert sum(running) + sum(run.agents for run in starts) <= bounds.agents
    left = [run for run in waiting if run not in starts and run.agents <= bounds.agents]
    if left and len(running) + len(starts) < bounds.runs:
        free = bounds.agents - sum(running) - sum(run.agents for run in starts)
        assert any(run.agents > free for run in left)
    if left and starts:
        assert max(RANKS[run.priority] for run in starts) <= min(RANKS[run.priority] for run in left)


@given(st.lists(st.sampled_from("xyz"), min_size=1, max_size=30))
def test_between_two_turns_of_one_submitter_every_other_that_waits_has_exactly_one(names):
    waiting = [WaitingRun(str(n), submitter=name) for n, name in enumerate(names)]
    by = {run.run: run.submitter for run in waiting}
    order = [by[run] for run in one_by_one(waiting)]
    left = Counter(names)
    turns = []
    for name in order:
        if name in turns:
            assert set(turns) == {other for other in by.values() if left[other] > 0 or other in turns}
            turns = []
        turns.append(name)
        left[name] -= 1
