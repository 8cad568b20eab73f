"""A run of a server, watched from outside: its events as they come, then what it has brought."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from scr.apps.research.running.run_folder import RunFolder
from scr.apps.research.running.session import Answer, FinishedRun, RunFailure, Screen, read_answer
from scr.cli.output import say_json, say_trouble
from scr.cli.terminal.lazy import live_view
from scr.cli.terminal.plain import Lines, Silence
from scr.cli.watch_run import print_end
from scr.client.server import Client
from scr.exit_codes import ExitCode
from scr.protocol.server import Followed
from scr.telemetry.events import Record
from scr.views.retold import Retold

TICK_S, WAIT_S = 0.1, 10.0


class Objects:
    """Prints each event as an object on a line of its own."""

    def show(self, _before: Any, _view: Any, record: Record) -> None:
        """Print it."""
        say_json(record.as_dict())

    def tick(self) -> None:
        """Nothing changes with time alone."""


def attend(client: Client, run: str, *, as_json: bool, with_events: bool) -> ExitCode:
    """Follow the run until it is over, and say all there is to say of it; Ctrl-C only looks away."""
    try:
        ended = follow(client, run, as_json=as_json, with_events=with_events)
    except KeyboardInterrupt:
        say_trouble(f"detached; the run goes on: scr attach {run}")
        return ExitCode.INTERRUPTED
    return print_end(ended, as_json=as_json)


def follow(client: Client, run: str, *, as_json: bool, with_events: bool) -> FinishedRun:
    """Show the run from its first event on, until it is over.  Raises RuntimeGone, UnknownRun, KeyboardInterrupt."""
    with ExitStack() as shown:
        is_live = sys.stderr.isatty() and not as_json
        screen: Screen | None = (Objects() if with_events else Silence()) if as_json else None
        past, stands = Retold(), ""
        while True:
            found = client.follow(run, past.seq, stands, TICK_S if is_live else WAIT_S)
            for record in found.records:
                screen = screen or _screen(shown, found.title, record, is_live=is_live)
                before, past = past, past.after(record)
                screen.show(before.view, past.view, record)
            if screen:
                screen.tick()
            if found.end:
                return _ended(found, past)
            if found.stands != stands and not as_json:
                say_trouble(standing(found))
            stands = found.stands


def _screen(shown: ExitStack, title: str, first: Record, *, is_live: bool) -> Screen:
    if is_live:
        since = time.monotonic() - max(0.0, time.time() - first.time)
        return shown.enter_context(live_view(f"scr: {title}", since))
    return Lines(first.at)


def standing(found: Followed) -> str:
    """Where a run stands, for people."""
    ahead = "" if found.ahead is None else ", next" if found.ahead == 0 else f", {found.ahead} before it"
    return f"{found.run} is {found.state}{ahead}"


def _ended(found: Followed, past: Retold) -> FinishedRun:
    folder = RunFolder(Path(found.folder))
    folder.close(keep_index=True)
    return FinishedRun(
        run_id=found.run,
        answer=answer_of(found),
        view=past.view,
        duration_s=past.duration_s,
        processes_left=0,
        folder=folder,
    )


def answer_of(found: Followed) -> Answer:
    """What a run that is over has brought."""
    if found.end == "done":
        return read_answer(found.output)
    return RunFailure(f"the run {found.run} has no result: {found.why}", resumable=found.end == "aside")
