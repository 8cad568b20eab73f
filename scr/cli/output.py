"""What a command says at its end: the report on stdout; where it is, what was kept, what went wrong on stderr."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from scr.apps.research.running.run_result import report_of
from scr.apps.research.running.session import FinishedRun, RunFailure
from scr.cli.streams import say_status
from scr.cli.terminal.lazy import draw
from scr.views.columns import room


def say_report(ended: FinishedRun) -> None:
    """Print the report, drawn on a terminal and as it is otherwise; then say where it is, even if stdout is lost."""
    if isinstance(ended.answer, RunFailure):
        return
    try:
        if sys.stdout.isatty():
            print()
            draw(ended.answer.report.body)
            print()
        else:
            sys.stdout.write(report_of(ended, ended.answer))
        sys.stdout.flush()
    finally:
        say_summary(ended)


def say_summary(ended: FinishedRun) -> None:
    """Say the numbers of a run with an outcome, and where its report is."""
    assert not isinstance(ended.answer, RunFailure)
    report, outcome = ended.answer.report, ended.answer
    dropped = f", {outcome.dropped} dropped" if outcome.dropped else ""
    say_status(
        f"{report.claims} claims, {report.cited} cited{dropped}, {len(outcome.sources)} sources,"
        f" {len(ended.view.agents)} agents, {ended.view.restarts} restarts, {ended.duration_s:.1f} s"
    )
    for line in located("report:", ended.folder.path / "report.md", room(sys.stderr)):
        say_status(line)


def say_kept(ended: FinishedRun) -> None:
    """Say what is in the folder of a run without an outcome, if there is anything."""
    if held := ended.folder.held():
        for line in located(f"kept: {', '.join(held)} in", ended.folder.path, room(sys.stderr)):
            say_status(line)


def located(words: str, path: Path, width: int | None) -> list[str]:
    """The words and the path on a line; where there is no room for both, each has its own, and the path is short."""
    line = f"{words} {path}"
    if width is None or len(line) <= width:
        return [line]
    with suppress(ValueError):
        path = path.relative_to(Path.cwd())
    line = f"{words} {path}"
    return [line] if len(line) <= width else [words, str(path)]
