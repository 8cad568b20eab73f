"""Runs of research, as a server carries them out: the same folder and the same files as those of `scr run`."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, JsonValue, ValidationError

from scr.apps.research.agents.planner import ResearchTask
from scr.apps.research.outcome import ResearchOutcome
from scr.apps.research.preload import RESEARCH
from scr.apps.research.question import clean
from scr.apps.research.running.request import RUNS, WORKERS_MAX, checked, new_run_id, prepare_folder
from scr.apps.research.running.run_folder import INDEX, RunFolder
from scr.apps.research.running.session import Answer, RunFailure, read_answer
from scr.apps.research.tree import RESEARCH_TREE
from scr.errors import InvalidInput
from scr.runtime.tree import PLANNER
from scr.specs import AgentSpec, walk
from scr.telemetry.events import Record
from scr.values import Frozen, complaint
from scr.views.retold import Retold

KIND = "research"
EVENTS = "events.jsonl"


class SubmittedQuestion(Frozen):
    """What is submitted."""

    question: str
    docs: str
    workers: Annotated[int, Field(ge=1, le=WORKERS_MAX)]


class ResearchTrade:
    """A `Trade`.  The index of a run lies in its folder from its first turn on until it is finished."""

    kind = KIND
    tree = RESEARCH_TREE
    to = PLANNER
    preload = RESEARCH

    def name(self) -> str:
        """As `scr run` names its own."""
        return new_run_id()

    def title(self, asked: JsonValue) -> str:
        """The question."""
        return clean(_read_submission(asked).question)

    def begin(self, run: str, asked: JsonValue) -> JsonValue:
        """The planner's task."""
        wanted = _read_submission(asked)
        job = checked(wanted.question, Path(wanted.docs), wanted.workers)
        index = prepare_folder(RUNS / run) / INDEX
        request = ResearchTask(question=job.question, docs=str(job.docs), index=str(index), workers=job.workers)
        return request.model_dump(mode="json")

    def abandon(self, run: str) -> None:
        """Nothing is in the folder yet."""
        shutil.rmtree(RUNS / run, ignore_errors=True)

    def agents(self, given: JsonValue) -> int:
        """The whole team."""
        return sum(isinstance(spec, AgentSpec) for spec in walk(RESEARCH_TREE)) + _request(given).workers

    def why(self, output: JsonValue) -> str:
        """The error that is in it."""
        answer = read_answer(output)
        return answer.why if isinstance(answer, RunFailure) else "its answer does not say why"

    def finish(self, given: JsonValue, output: JsonValue, records: Iterable[Record]) -> str:
        """Write the report and all it rests on, and every event from the store; then remove the index."""
        path = prepare_folder(Path(self.folder(given)))
        (path / EVENTS).unlink(missing_ok=True)
        folder, told = RunFolder(path), Retold()
        for record in records:
            folder.event(record)
            told = told.after(record)
        answer = read_answer(output) if output is not None else None
        if isinstance(answer, ResearchOutcome):
            folder.keep(answer, answer.render(restarts=told.view.restarts, duration_s=told.duration_s))
        folder.close()
        return folder.trouble or _left(answer, path)

    def folder(self, given: JsonValue) -> str:
        """Beside the index."""
        return str(Path(_request(given).index).parent)

    def unfinished(self) -> Sequence[str]:
        """Those that have an index."""
        return sorted(path.parent.name for path in RUNS.glob(f"*/{INDEX}"))


def _left(answer: Answer | None, path: Path) -> str:
    match answer:
        case ResearchOutcome(report=report):
            return f"{report.claims} claims, {report.cited} cited: {path / 'report.md'}"
        case RunFailure(why=why):
            return f"{why}; what happened is in {path / EVENTS}"
        case None:
            return f"what happened is in {path / EVENTS}"


def _read_submission(asked: JsonValue) -> SubmittedQuestion:
    try:
        return SubmittedQuestion.model_validate(asked)
    except ValidationError as error:
        raise InvalidInput(complaint("run of research", error)) from error


def _request(given: JsonValue) -> ResearchTask:
    try:
        return ResearchTask.model_validate(given)
    except ValidationError as error:
        raise InvalidInput(complaint("research task", error)) from error
