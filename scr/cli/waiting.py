"""A server's runs as lines: what `scr queue` shows.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from scr.serve.requests import RunStatus, ServerStatus

TITLE = 50
STATES = {
    "open": "serving",
    "paused": "paused, `scr queue unpause` goes on",
    "draining": "draining, and then it ends",
}


def lines_of(status: ServerStatus, now: float) -> Iterator[str]:
    """The server in two lines, then a row for each run; `now` is wall clock."""
    running = sum(run.state == "running" for run in status.runs)
    yield f"server {status.server} (pid {status.pid}): {STATES[status.state]}; runs of {status.store}"
    yield (
        f"{running} of {status.runs_most} runs, {status.agents} of {status.agents_most} agents,"
        f" {status.waiting} of {status.queue_most} waiting"
    )
    if status.runs:
        yield ""
        yield from table([HEAD, *(cells(run, now) for run in status.runs)])


HEAD = ("run", "state", "priority", "agents", "for", "submitter", "title")


def cells(run: RunStatus, now: float) -> tuple[str, ...]:
    """One run."""
    title = run.title if len(run.title) <= TITLE else f"{run.title[: TITLE - 1]}…"
    what = f"{title} ({run.detail})" if run.detail else title
    return (run.run, run.state, run.priority, str(run.agents), age(now - run.since), run.submitter or "-", what)


def age(seconds: float) -> str:
    """A duration, short."""
    whole = max(0, int(seconds))
    match whole:
        case _ if whole < 120:
            return f"{whole} s"
        case _ if whole < 7200:
            return f"{whole // 60} min"
        case _:
            return f"{whole // 3600} h"


def table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """The rows as lines, each column as wide as its widest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
