"""The worker: does one piece of research at a time, in recorded steps."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from scr.agent.agent import Agent
from scr.agent.context import Context
from scr.apps.research.plan import Kind
from scr.apps.research.text.index import Index
from scr.apps.research.work import perform
from scr.errors import InvalidDocuments, InvalidInput
from scr.messages import ResultPayload, Task


class WorkerAgent(Agent):
    """Answers a task of any `Kind` but a critique; its input names the documents and the index, and holds the piece.

    A worker that is killed in the middle goes on after the last finished step.  The index is
    opened read-only, once per process, by the first step that reads it, and built where this machine has none.
    """

    _index: Index | None = None

    def on_task(self, ctx: Context, message: Task) -> None:
        """Do the piece and reply with its result, or with why this machine cannot do it.

        Raises InvalidDocuments where a step finds no index and the task names no documents.
        """
        given: dict[str, Any] = dict(message.payload.input)  # type: ignore[arg-type]
        opened = partial(self._open, Path(given["index"]), given.get("docs"))

        def step(name: str, fn: Any, *args: Any) -> Any:
            ctx.log(f"{message.payload.task_id}: {name}")
            return ctx.step(name, fn, *args)

        try:
            output = perform(Kind(message.payload.kind), given["piece"], opened, step)
        except InvalidDocuments as error:
            if "docs" not in given:
                raise
            ctx.reply(refusal(message, error))
            return
        ctx.reply(output)
        ctx.log(f"{message.payload.task_id}: done")

    def _open(self, path: Path, docs: str | None) -> Index:
        if self._index is None or self._index.path != path:
            self._index = Index.ensure(Path(docs), path) if docs else Index(path)
        return self._index


def refusal(task: Task, error: InvalidDocuments) -> ResultPayload:
    """Say that a piece cannot be done on this machine, and why."""
    return ResultPayload(task_id=task.payload.task_id, output={"error": told_of(task, error)}, failed=True)


def told_of(task: Task, error: InvalidInput) -> str:
    """The error; where documents are away, with how the run is done again once they are back."""
    if not (isinstance(error, InvalidDocuments) and task.run_id):
        return str(error)
    return f"{error}; when they are back: `scr fork {task.run_id} --at 1`, then `scr resume` the run that it makes"
