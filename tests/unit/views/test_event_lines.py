from dataclasses import replace
from functools import reduce

import pytest

from scr.telemetry.events import (
    AgentExited,
    AgentGoneEvent,
    AgentParkedEvent,
    AgentStarting,
    AgentUnkillable,
    AgentUp,
    Logged,
    MessageAccepted,
    MessageBuried,
    MessageDelivered,
    MessageParked,
    Printed,
    StepRecorded,
    SupervisorGaveUp,
    TurnCommitted,
    TurnFailed,
)
from scr.views.event_lines import is_trouble, lines_of_event
from scr.views.run import RunView

BEGUN = (
    AgentStarting(agent="worker-2", incarnation=1, supervisor="workers", code="WorkerAgent"),
    AgentUp(agent="worker-2", incarnation=1, pid=4121),
    MessageAccepted(message_id="m1", type="task", sender="planner", to="worker-2", title="research: Ponds"),
    MessageDelivered(message_id="m1", agent="worker-2", incarnation=1),
)
KILLED = AgentExited(
    agent="worker-2",
    incarnation=1,
    pid=4121,
    reason="killed",
    detail="by SIGKILL from outside",
    asked="nothing",
    in_hand="m1",
    deliveries=1,
)


@pytest.fixture
def last_lines(record):
    """What is said of the last of these events."""

    def say(*events):
        *before, last = map(record, events)
        return lines_of_event(reduce(RunView.after, before, RunView()), last)

    return say


def test_the_story_of_a_kill_is_told_with_pids_and_figures(last_lines):
    up = AgentUp(agent="worker-2", incarnation=2, pid=4188, down_ms=2.34)
    again = MessageDelivered(message_id="m1", agent="worker-2", incarnation=2, deliveries=2, steps_reused=1)
    told_lines = [last_lines(*BEGUN[:n]) for n in (2, 4)]
    told_lines += [
        last_lines(*BEGUN, KILLED),
        last_lines(*BEGUN, KILLED, up),
        last_lines(*BEGUN, KILLED, up, again),
        last_lines(*BEGUN, KILLED, up, again, TurnCommitted(message_id="m1", agent="worker-2", incarnation=2)),
    ]
    assert told_lines == [
        ("worker-2 up, pid 4121",),
        ("worker-2 working on research: Ponds",),
        ("worker-2 KILLED (pid 4121: by SIGKILL from outside), in the middle of research: Ponds",),
        ("worker-2: pid 4188 took over after 2.3 ms",),
        ("worker-2 working on research: Ponds again (delivery 2, 1 step reused)",),
        ("worker-2 finished research: Ponds",),
    ]


def test_what_an_agent_was_asked_to_do_is_not_news(last_lines):
    stopped = AgentExited(agent="worker-2", incarnation=1, pid=4121, reason="shutdown", asked="stop")
    assert last_lines(*BEGUN, stopped) == ()
    assert last_lines(*BEGUN, AgentGoneEvent(agent="worker-2", reason="shutdown")) == ()
    assert last_lines(*BEGUN, AgentGoneEvent(agent="worker-2", reason="killed", fate="stopped")) == ()


def test_an_end_that_the_runtime_ordered_is_told_as_its_own_doing_and_once(last_lines):
    ordered = replace(KILLED, detail="by its supervisor", asked="kill")
    (line,) = last_lines(*BEGUN, ordered)
    assert line.startswith("worker-2 stopped, in the middle of research: Ponds (pid 4121: it had not ended in time")
    assert (
        last_lines(*BEGUN, ordered, AgentGoneEvent(agent="worker-2", reason="killed", detail="by its supervisor")) == ()
    )
    never_up = replace(ordered, pid=4188, in_hand=None)
    assert last_lines(*BEGUN[:1], never_up) == (
        "worker-2 stopped (pid 4188: it had not started in time, so the runtime killed it)",
    )


def test_an_error_is_told_with_the_end_of_its_traceback(last_lines):
    tail = "Traceback\n" + "\n".join(f"line {n}" for n in range(20)) + "\nValueError: no pond"
    failed = replace(KILLED, reason="error", detail="ValueError: no pond\nmore", tail=tail)
    first, *rest = last_lines(*BEGUN, failed)
    assert first == "worker-2 ERROR (pid 4121: ValueError: no pond), in the middle of research: Ponds"
    assert rest[-1] == "  worker-2 | ValueError: no pond"
    assert len(rest) == 5


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            AgentUnkillable(agent="worker-2", incarnation=1, pid=9),
            "worker-2 (pid 9) is still there after SIGKILL; the others go on without it",
        ),
        (AgentGoneEvent(agent="worker-2", reason="error", detail="x"), "worker-2 is gone for good (error): x"),
        (
            AgentGoneEvent(agent="worker-2", reason="error", detail="x", fate="forgotten"),
            "worker-2 is down, its mail waits (error): x",
        ),
        (AgentParkedEvent(agent="worker-2", reason="error", detail="five"), "worker-2 is parked, its mail waits: five"),
        (
            MessageParked(message_id="m1", agent="worker-2", step="pay", detail="the bank is silent"),
            "step pay of worker-2 is in doubt, its task waits for a person (scr doubts): the bank is silent",
        ),
        (
            TurnFailed(message_id="m1", agent="worker-2", incarnation=1, error="ValueError: no pond", attempts=2),
            "worker-2 failed in research: Ponds (try 2): ValueError: no pond",
        ),
        (Printed(agent="worker-2", stream="stderr", text="hello"), "worker-2 | hello"),
        (
            MessageBuried(message_id="m1", type="task", to="worker-2", reason="quarantined", deliveries=3),
            "set aside, not handled by worker-2: research: Ponds (quarantined)",
        ),
    ],
)
def test_other_news_is_one_line(last_lines, event, line):
    assert last_lines(*BEGUN, event) == (line,)


def test_giving_up_is_told_with_its_causes(last_lines):
    event = SupervisorGaveUp(supervisor="workers", causes=("worker-2: killed", "worker-2: killed again"))
    assert last_lines(event) == (
        "supervisor workers gave up: too many restarts",
        "  worker-2: killed",
        "  worker-2: killed again",
    )


@pytest.mark.parametrize(
    "event",
    [
        StepRecorded(message_id="m1", agent="worker-2", step="retrieve"),
        Logged(agent="worker-2", text="retrieve"),
        AgentStarting(agent="worker-3", incarnation=1, supervisor="workers"),
        MessageAccepted(message_id="m2", type="status", sender="planner", to="memory"),
        MessageDelivered(message_id="m2", agent="memory", incarnation=1),
        TurnCommitted(message_id="m2", agent="memory", incarnation=1),
    ],
)
def test_most_events_are_no_news(last_lines, event):
    assert last_lines(*BEGUN, event) == ()


def test_a_kill_and_its_mending_are_trouble_and_ordinary_work_is_none(record):
    up = AgentUp(agent="worker-2", incarnation=2, pid=4188, down_ms=2.34)
    again = MessageDelivered(message_id="m1", agent="worker-2", incarnation=2, deliveries=2)
    stopped = AgentExited(agent="worker-2", incarnation=1, pid=4121, reason="shutdown", asked="stop")
    assert all(is_trouble(record(event)) for event in (KILLED, up, again))
    assert not any(is_trouble(record(event)) for event in (*BEGUN, stopped))
