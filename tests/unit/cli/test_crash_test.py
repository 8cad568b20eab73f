from dataclasses import replace

import pytest

from scr.apps.research.running.crash_test import is_right, story, verdict
from scr.apps.research.running.kill_worker import Shot
from scr.apps.research.running.session import RunFailure
from scr.exit_codes import ExitCode

SHOT = Shot(
    "worker-1",
    101,
    "m1",
    "research: Ponds",
    "retrieve",
    killed_at=10.0,
    exited_at=10.001,
    hit=True,
    reason="killed",
    replacement_pid=201,
    resumed_at=10.0025,
    recovered_at=10.03,
    deliveries=2,
    steps_reused=1,
)


def test_a_recovery_with_the_same_report_is_right_and_has_its_figures(ended):
    found = verdict(ended(), ended(), SHOT)
    assert is_right(found)
    assert (found["detected_ms"], found["resumed_ms"], found["recovered_ms"]) == (1.0, 2.5, 30.0)
    assert (found["killed_pid"], found["replacement_pid"], found["agent"]) == (101, 201, "worker-1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"recovered_at": 0.0},
        {"exited_at": 0.0},
        {"replacement_pid": 101},
        {"replacement_pid": 0},
        {"deliveries": 3},
        {"steps_reused": 0},
    ],
)
def test_anything_less_is_wrong(ended, wrong):
    assert not is_right(verdict(ended(), ended(), replace(SHOT, **wrong)))


def test_it_is_wrong_when_nobody_was_hit(ended):
    found = verdict(ended(), ended(), None)
    assert not is_right(found)
    assert "No worker could be hit" in next(story(found, None))


def test_it_is_wrong_when_the_reports_differ_or_a_process_is_left_or_a_part_is_missing(ended, outcome):
    assert not is_right(verdict(ended(), ended(outcome(body="other")), SHOT))
    assert not is_right(verdict(ended(processes_left=1), ended(), SHOT))
    assert not is_right(verdict(ended(), ended(outcome(dropped=1)), SHOT))
    assert not is_right(verdict(ended(RunFailure("x", ExitCode.FAILED)), ended(RunFailure("x", ExitCode.FAILED)), SHOT))


def test_the_story_has_the_times_and_ends_with_what_was_checked(ended):
    lines = list(story(verdict(ended(), ended(), SHOT), SHOT))
    assert "      1.0 ms  the supervisor knew: killed, by the kernel's word" in lines
    assert "      2.5 ms  pid 201 had the same task in hand, 1 step reused" in lines
    assert [line[:4] for line in lines[-5:]] == ["ok  "] * 5
    bad = list(story(verdict(ended(), ended(processes_left=2), SHOT), SHOT))
    assert bad[-1] == "FAIL 2 processes are left running"
