"""The command `scr resume`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError

from scr.apps.research.agents.planner import ResearchTask
from scr.apps.research.running.interrupts import STOPPING
from scr.apps.research.running.request import RUNS, ResearchRequest, prepare_folder
from scr.apps.research.running.run_folder import RunFolder
from scr.apps.research.running.run_result import report_of
from scr.apps.research.running.session import (
    Answer,
    FinishedRun,
    ResearchSession,
    RunFailure,
    Screen,
    Signals,
    read_answer,
)
from scr.apps.research.text.documents import Tell, tell_nothing
from scr.apps.research.text.index import Index
from scr.cli.options import AsJson, Run, Store
from scr.cli.output import guarded, say_trouble
from scr.cli.select_run import chosen, once_free, owner
from scr.cli.terminal.plain import Count
from scr.cli.watch_run import print_end, watched
from scr.client.spawn import Spawned
from scr.errors import InvalidDocuments, InvalidInput, RunCancelled, RunOwned
from scr.exit_codes import ExitCode
from scr.messages import Failure, Message, Result, Task
from scr.protocol.status import RunState
from scr.runtime.tree import PLANNER
from scr.specs import walk
from scr.store.archive.archive import Archive, open_archive
from scr.store.archive.summaries import ListedRun
from scr.store.url import DEFAULT_STORE
from scr.telemetry.events import Record
from scr.values import complaint
from scr.views.next_commands import is_programs
from scr.views.retold import Retold

EVENTS = "events.jsonl"


@dataclass(frozen=True, slots=True)
class StoredResearch:
    """A run of research as the store has it: what was asked, what happened, how it was answered.

    `stats` is what was found in the documents when they were indexed.
    """

    run: ListedRun
    request: ResearchTask
    records: tuple[Record, ...]
    answer: Message | None
    stats: Any

    @property
    def path(self) -> Path:
        """The run's folder: where its index is, but for one that was made of another run."""
        return RUNS / self.run.run if self.run.first_id != self.run.run else Path(self.request.index).parent


def resume(ctx: typer.Context, run: Run, store: Store = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """Go on with a run that was interrupted, stopped or never begun, as if nothing had happened.

    What had been done is not done again.  Of a run that is done, the report
    is shown again.

    [bold]Examples[/bold]

      scr resume 20260101-120000-a1b2c3

      scr resume 20260101 --json      as much of a name as no other run begins with

    Exit codes: 0 done; 2 there is no such run, or it cannot be gone on with; 3 done, but claims were dropped or a
    part is missing; 5 failed, or another runtime works on it.
    """

    def command() -> ExitCode:
        with open_archive(store) as archive:
            name = _free(archive, run)
            STOPPING.kept = f"the run is kept: scr resume {name}"
            kept = _read_research(archive, name)
        ended = _shown_again(kept) if kept.answer else _gone_on_with(kept, store, ctx.obj, as_json=as_json)
        return print_end(ended, as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def _free(archive: Archive, name: str) -> ListedRun:
    """The run that is meant.  Raises RunOwned, RunCancelled."""
    run = once_free(archive, chosen(archive, name))
    if run.is_owned:
        with owner(run) as client:
            pid = client.status().pid if client else None
        raise RunOwned(
            f"the runtime {run.runtime} (pid {pid}) works on the run {run.run}: `scr top --runtime {run.runtime}` looks"
            f" at it, `scr attach {run.run}` follows one of a server, `scr cancel {run.run}` ends it"
        )
    if run.state is RunState.CANCELLED:
        raise RunCancelled(f"the run {run.run} was cancelled; `scr fork {run.run} --at SEQ` goes on from before that")
    return run


def _read_research(archive: Archive, run: ListedRun) -> StoredResearch:
    """Everything about the run.  Raises InvalidInput for one that is not of this command's kind."""
    if not archive.messages(run.run, limit=1) and not is_programs(run):
        raise InvalidInput(f"of the run {run.run} nothing was accepted, so nothing is lost: start again with `scr run`")
    if all(spec.id != PLANNER for spec in walk(run.tree)):
        raise InvalidInput(
            f"the run {run.run} is a program's own: start that program again, with run={run.run!r} and its store"
        )
    first = archive.message(run.run, run.first_id).message
    try:
        request = ResearchTask.model_validate(first.payload.input if isinstance(first, Task) else None)
    except ValidationError as error:
        raise InvalidInput(f"{run.run} is no run of `scr run`: {complaint('research task', error)}") from error
    indexed = f"{first.payload.task_id}/index" if isinstance(first, Task) else ""
    stats = next((entry.value for entry in archive.entries(run.run) if entry.key == indexed), None)
    return StoredResearch(run, request, tuple(_records(archive, run)), archive.answer(run.run), stats)


def _records(archive: Archive, run: ListedRun) -> Iterator[Record]:
    page = archive.events(run.run)
    while page:
        yield from page
        page = archive.events(run.run, page[-1].seq)


def _shown_again(kept: StoredResearch) -> FinishedRun:
    """A run that has its answer: its files are written if they are not there, and no runtime is started."""
    ended = _ended(kept, _answer_of(kept), _folder(kept))
    if not isinstance(ended.answer, RunFailure) and "report.md" not in ended.folder.held():
        ended.folder.keep(ended.answer, report_of(ended, ended.answer))
    ended.folder.close()
    return ended


def _ended(kept: StoredResearch, answer: Answer, folder: RunFolder) -> FinishedRun:
    past = _past(kept)
    return FinishedRun(kept.run.run, answer, past.view, past.duration_s, processes_left=0, folder=folder)


def _answer_of(kept: StoredResearch) -> Answer:
    match kept.answer:
        case Result(payload=payload):
            return read_answer(payload.output)
        case Failure(payload=payload):
            again = f"`scr dead {kept.run.run}` lists what could not be handled"
            return RunFailure(f"the run failed ({payload.reason}: {payload.detail}); {again}")
        case _:
            return RunFailure(
                f"the run ended with a {kept.answer.type if kept.answer else 'nothing'}, which is no answer"
            )


def _gone_on_with(kept: StoredResearch, store: str, spawned: Spawned | None, *, as_json: bool) -> FinishedRun:
    """The run, from where it was."""
    request, run, signals = kept.request, kept.run, Signals()
    job = ResearchRequest(request.question, Path(request.docs), request.workers)
    is_ours = _prepare_index(kept, tell_nothing if as_json else Count().tell)
    folder = _folder(kept)

    def session(screen: Screen) -> ResearchSession:
        view, key = _past(kept).view, kept.run.first_id
        return ResearchSession(job, run.run, folder, screen, signals, None, spawned, store=store, past=view, key=key)

    ended = watched(job.question, signals, session, as_json=as_json)
    if is_ours and not (isinstance(ended.answer, RunFailure) and ended.answer.resumable):
        Path(request.index).unlink(missing_ok=True)
    return ended


def _past(kept: StoredResearch) -> Retold:
    past = Retold()
    for record in kept.records:
        past = past.after(record)
    return past


def _folder(kept: StoredResearch) -> RunFolder:
    """The run's folder, with the events that the store has: whoever wrote them there may have missed the last."""
    path = prepare_folder(kept.path)
    (path / EVENTS).unlink(missing_ok=True)
    folder = RunFolder(path)
    for record in kept.records:
        folder.event(record)
    return folder


def _prepare_index(kept: StoredResearch, tell: Tell) -> bool:
    """See that the index is there, since agents at work expect it; whether it was made anew.

    Raises InvalidDocuments when it cannot be made.
    """
    index, docs = Path(kept.request.index), Path(kept.request.docs)
    was_there = index.exists()
    if not was_there and not docs.is_dir():
        raise InvalidDocuments(
            f"the run {kept.run.run} needs its index {str(index)!r}, which is gone, and so is the folder of documents"
            f" {str(docs)!r} that it was made of: put one of them back, and resume again"
        )
    if docs.is_dir():
        with Index.open_or_build(docs, index, tell) as found:
            stats = found.stats.model_dump(mode="json")
        if kept.stats is not None and stats != kept.stats:
            say_trouble(f"the documents in {docs} have changed since the run began; what is still to do is of the new")
    return not was_there


COMMANDS: tuple[Callable[..., None], ...] = (resume,)
