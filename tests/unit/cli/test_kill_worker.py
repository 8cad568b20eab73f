from signal import SIGKILL

import pytest

from scr.apps.research.running.kill_worker import SHOTS_MAX, WorkerKiller
from scr.telemetry.events import (
    AgentExited,
    AgentStarting,
    AgentUp,
    MessageAccepted,
    MessageDelivered,
    StepRecorded,
    TurnCommitted,
)


@pytest.fixture
def kills():
    return []


@pytest.fixture
def see(record, kills):
    """Three workers, up; returns how to let something happen, which returns the strike."""
    striker = WorkerKiller(lambda pid, number: kills.append((pid, number)))

    def happen(*events, at=None):
        for event in events:
            striker.see(record(event, at))
        return striker.strike

    for n in (1, 2, 3):
        happen(AgentStarting(agent=f"worker-{n}", incarnation=1, supervisor="workers"))
        happen(AgentUp(agent=f"worker-{n}", incarnation=1, pid=100 + n))
    return happen


def given(n, message_id, title="research: Ponds", sender="planner"):
    return (
        MessageAccepted(message_id=message_id, type="task", sender=sender, to=f"worker-{n}", title=title),
        MessageDelivered(message_id=message_id, agent=f"worker-{n}", incarnation=1),
    )


def step(n, message_id, name="retrieve"):
    return StepRecorded(message_id=message_id, agent=f"worker-{n}", step=name)


def exited(n, in_hand):
    return AgentExited(agent=f"worker-{n}", incarnation=1, pid=100 + n, reason="killed", in_hand=in_hand)


def test_the_first_step_of_a_research_subtask_is_the_moment(see, kills):
    see(*given(1, "m1"), *given(2, "m2"))
    assert not kills
    see(step(2, "m2"), step(1, "m1"))
    assert kills == [(102, SIGKILL)]


@pytest.mark.parametrize(
    "events",
    [
        (*given(1, "m1", title="analysis: All"), step(1, "m1")),
        (*given(1, "m1", sender="client"), step(1, "m1")),
        (step(1, "m1"), *given(1, "m1"), step(1, "m0")),
    ],
)
def test_nothing_else_is(see, kills, events):
    see(*events)
    assert not kills


def test_a_hit_is_followed_to_the_end_of_its_task_by_the_replacement(see):
    see(*given(1, "m1"), *given(2, "m2"), step(1, "m1"))
    killed_at = see().shot.killed_at
    see(exited(1, "m1"), at=killed_at + 0.001)
    see(AgentUp(agent="worker-1", incarnation=2, pid=201, down_ms=1.0))
    again = MessageDelivered(message_id="m1", agent="worker-1", incarnation=2, deliveries=2, steps_reused=1)
    see(again, at=killed_at + 0.0025)
    see(TurnCommitted(message_id="m2", agent="worker-2", incarnation=1))
    shot = see(TurnCommitted(message_id="m1", agent="worker-1", incarnation=2), at=killed_at + 0.030).shot
    assert (shot.agent, shot.pid, shot.replacement_pid, shot.message_id) == ("worker-1", 101, 201, "m1")
    assert (shot.deliveries, shot.steps_reused, shot.reason) == (2, 1, "killed")
    times = [round(shot.since_kill_ms(at), 3) for at in (shot.exited_at, shot.resumed_at, shot.recovered_at)]
    assert times == [1.0, 2.5, 30.0]


def test_a_kill_that_came_too_late_is_forgotten_and_the_next_task_is_taken(see, kills):
    see(*given(1, "m1"), *given(2, "m2"), step(1, "m1"))
    assert see(exited(1, None)).shot is None
    see(step(2, "m2"))
    assert kills == [(101, SIGKILL), (102, SIGKILL)]


def test_it_gives_up_after_so_many_misses(see, kills):
    for n in range(SHOTS_MAX + 3):
        see(*given(2, f"m{n}"), step(2, f"m{n}"), exited(2, None))
    assert len(kills) == SHOTS_MAX


def test_one_hit_is_enough(see, kills):
    see(*given(1, "m1"), *given(2, "m2"), step(1, "m1"), exited(1, "m1"), step(2, "m2"))
    assert len(kills) == 1


def test_a_worker_that_has_just_ended_by_itself_is_a_miss(record):
    def gone(_pid, _number):
        raise ProcessLookupError

    striker = WorkerKiller(gone)
    start = AgentStarting(agent="worker-1", incarnation=1, supervisor="workers")
    up = AgentUp(agent="worker-1", incarnation=1, pid=101)
    for event in (start, up, *given(1, "m1"), step(1, "m1"), exited(1, None)):
        striker.see(record(event))
    assert (striker.strike.shot, striker.strike.shots) == (None, 1)
