"""A run, shown while it goes on, and what is said when it is over: what the commands that carry out a run share."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

from scr.apps.research.running.interrupts import STOPPING
from scr.apps.research.running.run_result import code_of, described, report_of
from scr.apps.research.running.session import FinishedRun, ResearchSession, RunFailure, Screen, Signals
from scr.cli.output import say_kept, say_report
from scr.cli.say import say_json, say_trouble
from scr.cli.terminal.lazy import live_view
from scr.cli.terminal.plain import Lines, Silence
from scr.exit_codes import ExitCode


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
