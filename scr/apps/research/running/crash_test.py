"""The crash test as data and as a story: the same job twice, the second time with a worker killed in the middle.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scr.apps.research.outcome import ResearchOutcome
from scr.apps.research.running.kill_worker import Shot
from scr.apps.research.running.run_result import code_of
from scr.apps.research.running.session import FinishedRun
from scr.exit_codes import ExitCode
from scr.views.event_lines import steps


def body_of(ended: FinishedRun) -> str | None:
    """The report without times and counts of the run; None when there is none."""
    return ended.answer.report.body if isinstance(ended.answer, ResearchOutcome) else None


def verdict(undisturbed: FinishedRun, disturbed: FinishedRun, shot: Shot | None) -> dict[str, Any]:
    """The fields of the crash test.  `shot` is the one that hit, if any did."""
    recovered = shot is not None and shot.recovered_at > 0
    same = body_of(disturbed) is not None and body_of(disturbed) == body_of(undisturbed)
    return {
        "agent": shot.agent if shot else None,
        "task_id": shot.message_id if shot else None,
        "task": shot.work if shot else None,
        "killed_pid": shot.pid if shot else None,
        "replacement_pid": (shot.replacement_pid or None) if shot else None,
        "detected_ms": ms(shot, shot.exited_at) if shot else None,
        "resumed_ms": ms(shot, shot.resumed_at) if shot else None,
        "recovered_ms": ms(shot, shot.recovered_at) if shot else None,
        "deliveries": shot.deliveries if shot else 0,
        "steps_reused": shot.steps_reused if shot else 0,
        "result_ok": recovered and code_of(disturbed) is code_of(undisturbed) is ExitCode.DONE,
        "same_report_as_undisturbed": same,
        "processes_left": undisturbed.processes_left + disturbed.processes_left,
    }


def ms(shot: Shot, at: float) -> float | None:
    """From the kill to then; None for what never happened."""
    return round(shot.since_kill_ms(at), 3) if at else None


def is_right(found: dict[str, Any]) -> bool:
    """Whether everything is as it must be."""
    return bool(
        found["result_ok"]
        and found["same_report_as_undisturbed"]
        and found["processes_left"] == 0
        and found["replacement_pid"]
        and found["replacement_pid"] != found["killed_pid"]
        and found["deliveries"] == 2
        and found["steps_reused"] >= 1
        and found["detected_ms"] is not None
        and found["recovered_ms"] is not None
    )


def story(found: dict[str, Any], shot: Shot | None) -> Iterator[str]:
    """What happened, with figures, for people."""
    if shot is None:
        yield "No worker could be hit in the middle of a task: each had finished when the signal came."
    else:
        yield f"{shot.agent} (pid {shot.pid}) had “{shot.work}” in hand and had recorded its step “{shot.step}”."
        yield "SIGKILL. From then on:"
        yield from moments(found, shot)
    yield ""
    yield from (f"{'ok  ' if right else 'FAIL'} {sentence}" for right, sentence in checks(found))


def moments(found: dict[str, Any], shot: Shot) -> Iterator[str]:
    """The times of the recovery, one line each."""
    told = (
        ("detected_ms", f"the supervisor knew: {shot.reason}, by the kernel's word"),
        ("resumed_ms", f"pid {shot.replacement_pid} had the same task in hand, {steps(shot.steps_reused)} reused"),
        ("recovered_ms", "the task was finished"),
    )
    for key, sentence in told:
        if found[key] is not None:
            yield f"{found[key]:9.1f} ms  {sentence}"


def checks(found: dict[str, Any]) -> tuple[tuple[bool, str], ...]:
    """Each thing that must be right, as a sentence."""
    return (
        (found["result_ok"], "the killed task was finished by its replacement, and the run is complete"),
        (found["deliveries"] == 2, f"it was delivered {found['deliveries']} times, and no third"),
        (found["steps_reused"] >= 1, f"{steps(found['steps_reused'])} recorded before the kill, not done again"),
        (found["same_report_as_undisturbed"], "the report is the same as without the kill, byte for byte"),
        (found["processes_left"] == 0, f"{found['processes_left']} processes are left running"),
    )
