"""The commands `scr run` and `scr demo`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from scr.apps.research.running import crash_test
from scr.apps.research.running.interrupts import NOTHING_STARTED, STOPPING
from scr.apps.research.running.kill_worker import WorkerKiller
from scr.apps.research.running.request import CORPUS, RUNS, ResearchRequest, checked, new_run_id, prepare_folder
from scr.apps.research.running.run_folder import RunFolder
from scr.apps.research.running.run_result import code_of, described
from scr.apps.research.running.session import FinishedRun, ResearchSession, RunFailure, Screen, Signals
from scr.cli.options import Store
from scr.cli.output import guarded, say_found, say_json, say_trouble
from scr.cli.streams import say_status
from scr.cli.watch_run import concluded, print_end, say_summary, watched
from scr.client.spawn import Spawned
from scr.exit_codes import ExitCode
from scr.store.url import DEFAULT_STORE
from scr.telemetry.events import Record

QUESTION = "How do agent runtimes recover from crashes?"
WORKERS = 4

Workers = Annotated[int, typer.Option(help="How many workers research at the same time.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def run(
    ctx: typer.Context,
    question: Annotated[str, typer.Argument(help="What you want to know, in words.", show_default=False)],
    docs: Annotated[Path, typer.Option(help="A folder of .md, .txt, .rst or .html files.", show_default="bundled")] = (
        CORPUS
    ),
    workers: Workers = WORKERS,
    store: Store = DEFAULT_STORE,
    out: Annotated[
        Path | None,
        typer.Option(help="Where to put the report and all it rests on.", show_default=".scr/runs/<run id>"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Research a question in a folder of documents, and write a report whose every claim is cited and checked.

    [bold]Examples[/bold]

      scr run "How does Temporal recover a workflow?"

      scr run "Which settings limit memory?" --docs ./docs --workers 8

      scr run "What changed in version 3?" --docs ./docs --out ./answer --json

    Exit codes: 0 done; 2 the input cannot be used; 3 done, but claims were dropped or a part is missing; 5 failed.
    """
    raise typer.Exit(
        guarded(lambda: _run(question, docs, workers, out, store, as_json=as_json, spawned=ctx.obj), as_json=as_json)
    )


def demo(
    ctx: typer.Context,
    crash: Annotated[
        bool, typer.Option("--crash-test", help="Do it twice, and kill a worker in the middle of the second time.")
    ] = False,
    workers: Workers = WORKERS,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """See a planner, workers, a critic and a memory agent, each a process, answer a question from bundled documents.

    [bold]Examples[/bold]

      scr demo

      scr demo --crash-test        kill -9 a worker in the middle of its task, and compare the reports

      scr demo --crash-test --json | python -m json.tool
    """
    if crash:
        raise typer.Exit(
            guarded(lambda: _crash_test(workers, store, as_json=as_json, spawned=ctx.obj), as_json=as_json)
        )
    raise typer.Exit(
        guarded(lambda: _run(QUESTION, CORPUS, workers, None, store, as_json=as_json, spawned=ctx.obj), as_json=as_json)
    )


def _run(
    question: str, docs: Path, workers: int, out: Path | None, store: str, *, as_json: bool, spawned: Spawned | None
) -> ExitCode:
    job = checked(question, docs, workers)
    return print_end(_session(job, Signals(), store, as_json=as_json, out=out, spawned=spawned), as_json=as_json)


def _crash_test(workers: int, store: str, *, as_json: bool, spawned: Spawned | None) -> ExitCode:
    """The same job twice; the second time with a kill."""
    job, signals, striker = checked(QUESTION, CORPUS, workers), Signals(), WorkerKiller()
    say: Callable[[str], Any] = (lambda _: None) if as_json else say_status
    say("Crash test, first part: the job, undisturbed.")
    undisturbed = _session(job, signals, store, as_json=as_json, spawned=spawned)
    if isinstance(undisturbed.answer, RunFailure):
        return print_end(undisturbed, as_json=as_json)
    say("\nSecond part: the same job, and kill -9 for a worker in the middle of its task.")
    first = STOPPING.kept = f"the run of the first part is kept: scr resume {undisturbed.run_id}"
    disturbed = _session(job, signals, store, as_json=as_json, watch=striker.see, kept_before=first)
    if disturbed.is_kept:
        STOPPING.kept += f"; {first}"
    if code_of(disturbed) is ExitCode.INTERRUPTED:
        return _interrupted(disturbed, first, as_json=as_json)
    shot = striker.strike.shot
    found = crash_test.verdict(undisturbed, disturbed, shot)
    if as_json:
        say_json(described(disturbed) | found)
    else:
        say("")
        say_found(found, crash_test.story(found, shot), as_json=False)
        if not isinstance(disturbed.answer, RunFailure):
            say("")
            say_summary(disturbed)
    code = concluded(disturbed)
    return ExitCode.FAILED if code is ExitCode.DONE and not crash_test.is_right(found) else code


def _interrupted(disturbed: FinishedRun, first: str, *, as_json: bool) -> ExitCode:
    """Say which runs are kept of a crash test that a signal ended: there is no verdict."""
    code = print_end(disturbed, as_json=as_json)
    if disturbed.is_kept:
        say_trouble(first)
    return code


def _session(
    job: ResearchRequest,
    signals: Signals,
    store: str,
    *,
    as_json: bool,
    out: Path | None = None,
    watch: Callable[[Record], None] | None = None,
    spawned: Spawned | None = None,
    kept_before: str = NOTHING_STARTED,
) -> FinishedRun:
    """One run from its folder to its files.  Raises InvalidInput when the folder cannot be used."""
    run_id = new_run_id()
    folder = RunFolder(prepare_folder(out or RUNS / run_id))

    def session(screen: Screen) -> ResearchSession:
        return ResearchSession(
            job, run_id, folder, screen, signals, watch, spawned, store=store, kept_before=kept_before
        )

    return watched(job.question, signals, session, as_json=as_json)


COMMANDS = (demo, run)
