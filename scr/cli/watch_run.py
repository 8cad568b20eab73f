"""A run, shown while it goes on, and what is said when it is over: what the commands that carry out a run share."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from scr.apps.research.running.interrupts import STOPPING
from scr.apps.research.running.run_result import code_of, described, report_of
from scr.apps.research.running.session import FinishedRun, ResearchSession, RunFailure, Screen, Signals
from scr.cli.output import say_json, say_trouble
from scr.cli.streams import say_status
from scr.cli.terminal.lazy import draw, live_view
from scr.cli.terminal.plain import Lines, Silence
from scr.exit_codes import ExitCode
from scr.views.columns import room


def watched(
    title: str, signals: Signals, session: Callable[[Screen], ResearchSession], *, as_json: bool
) -> FinishedRun:
    """Carry out the session and show it on stderr; what it brings is in its folder then."""
    began = time.monotonic()
    with signals.noted():
        with ExitStack() as shown:
            screen: Screen = Silence() if as_json else Lines(began)
            if sys.stderr.isatty() and not as_json:
                screen = shown.enter_context(live_view(f"scr: {title}", began))
            ended = session(screen).run()
        if not isinstance(ended.answer, RunFailure):
            ended.folder.keep(ended.answer, report_of(ended, ended.answer))
    if ended.is_kept:
        STOPPING.kept = f"the run is kept: scr resume {ended.run_id}"
    return ended


def print_end(ended: FinishedRun, *, as_json: bool) -> ExitCode:
    """Say all there is to say of a run that is over."""
    if as_json:
        say_json(described(ended))
    else:
        say_report(ended)
    return concluded(ended)


def concluded(ended: FinishedRun) -> ExitCode:
    """Say what is left to be said, and how it ended."""
    if isinstance(ended.answer, RunFailure):
        say_trouble(ended.answer.why)
        say_kept(ended)
        if ended.answer.resumable:
            say_trouble(f"the run is kept: scr resume {ended.run_id}")
    if ended.folder.trouble:
        say_trouble(ended.folder.trouble)
    if ended.processes_left:
        say_trouble(f"{ended.processes_left} processes of this run are still running; `ps` shows them as “scr: …”")
    return code_of(ended)


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
