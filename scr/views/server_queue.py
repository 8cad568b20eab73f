"""A server's runs as lines: what `scr queue` shows.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from scr.protocol.server import RunStatus, ServerStatus
from scr.views.agents import span
from scr.views.columns import aligned

HEADS = ("RUN", "STATE", "PRIORITY", "AGENTS", "AGE", "SUBMITTER", "TITLE")
STATES = {
    "open": "serving",
    "paused": "paused, `scr queue unpause` goes on",
    "draining": "draining, and then it ends",
}


def lines_of(status: ServerStatus, now: float, width: int | None) -> Iterator[str]:
    """The server in two lines, then a row for each run; `now` is wall clock, `width` that of the terminal."""
    running = sum(run.state == "running" for run in status.runs)
    yield f"server {status.server} (pid {status.pid}): {STATES[status.state]}; runs of {status.store}"
    yield (
        f"{running} of {status.runs_most} runs, {status.agents} of {status.agents_most} agents,"
        f" {status.waiting} of {status.queue_most} waiting"
    )
    if status.runs:
        yield ""
        yield from aligned(HEADS, [cells(run, now) for run in status.runs], width)


def cells(run: RunStatus, now: float) -> tuple[str, ...]:
    """One run."""
    what = f"{run.title} ({run.detail})" if run.detail else run.title
    return (
        run.run,
        run.state,
        run.priority,
        str(run.agents),
        span(max(0.0, now - run.since)),
        run.submitter or "-",
        what,
    )
