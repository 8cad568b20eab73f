"""From a fault to the moment when the one that it hit works again."""

import pytest

from scr.chaos.inject.fault_result import Landed
from scr.chaos.judge.evidence import RunEvent
from scr.chaos.judge.recovery import percentile, recoveries

EVENTS = [
    RunEvent(seq, at, kind, body)
    for seq, (at, kind, body) in enumerate(
        (
            (0.0, "runtime_up", {}),
            (1.0, "agent_up", {"agent": "hand-1"}),
            (1.5, "turn_committed", {"agent": "hand-1"}),
            (2.0, "agent_up", {"agent": "hand-1"}),
            (2.5, "turn_committed", {"agent": "hand-1"}),
            (2.8, "message_buried", {"agent": "victim"}),
            (3.0, "turn_committed", {"agent": "hand-2"}),
            (4.0, "runtime_up", {}),
            (4.5, "agent_up", {"agent": "hand-1"}),
            (4.6, "agent_resumed", {"agent": "hand-2"}),
            (5.0, "turn_committed", {"agent": "hand-1"}),
        )
    )
]


@pytest.mark.parametrize(
    ("kind", "target", "at", "until", "after"),
    [
        ("kill", "hand-1", 1.2, 1.2, 0.8),
        ("stop", "hand-2", 1.0, 1.0, 3.6),
        ("stop_cont", "hand-1", 1.2, 1.4, 0.1),
        ("kill", "runtime", 3.0, 3.0, 2.0),
        ("store_slow", "runtime", 1.0, 2.9, 0.1),
        ("poison", "victim", 2.0, 2.0, 0.8),
        ("kill", "zygote", 3.5, 3.5, 0.5),
        ("fork_refused", "zygote", 3.0, 3.5, 0.0),
        ("stop_cont", "table", 2.6, 2.7, 0.1),
        ("kill", "hand-2", 1.0, 1.0, 3.6),
        ("kill", "hand-3", 1.0, 1.0, None),
        ("kill", "runtime", 4.2, 4.2, None),
    ],
)
def test_it_is_over_when_the_one_that_was_hit_is_seen_at_work(kind, target, at, until, after):
    fault = Landed(1, kind, target.rstrip("-0123456789"), target, 1, at, until)
    [recovery] = recoveries(EVENTS, [fault])
    assert recovery.after_s == (None if after is None else pytest.approx(after))


def test_a_helper_is_there_again_when_it_was_seen():
    [recovery] = recoveries(EVENTS, [Landed(1, "kill", "standby", "standby", 1, 1.0, 1.0, seen_at=1.25)])
    assert recovery.after_s == 0.25


def test_percentiles():
    assert percentile([], 0.5) == 0
    assert [percentile(range(100), share) for share in (0.5, 0.99, 1.0)] == [50, 99, 99]
