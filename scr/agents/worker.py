"""The worker: does one piece of research at a time, in recorded steps."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from scr.behaviour.agent import Agent
from scr.behaviour.context import Context
from scr.messages import Task
from scr.research.index import Index
from scr.research.plan import Kind
from scr.research.work import perform


class WorkerAgent(Agent):
    """Answers a task of any `Kind` but a critique; its input names the index (a path) and holds the piece.

    A worker that is killed in the middle goes on after the last finished step.  The index is
    opened read-only, once per process, by the first step that reads it.
    """

    _index: Index | None = None

    def on_task(self, ctx: Context, message: Task) -> None:
        """Do the piece and reply with its result.  Raises InvalidDocuments where a step finds no index."""
        given: dict[str, Any] = dict(message.payload.input)  # type: ignore[arg-type]
        opened = partial(self._open, Path(given["index"]))

        def step(name: str, fn: Any, *args: Any) -> Any:
            ctx.log(f"{message.payload.task_id}: {name}")
            return ctx.step(name, fn, *args)

        ctx.reply(perform(Kind(message.payload.kind), given["piece"], opened, step))
        ctx.log(f"{message.payload.task_id}: done")

    def _open(self, path: Path) -> Index:
        if self._index is None or self._index.path != path:
            self._index = Index(path)
        return self._index
