"""The critic: checks claims against the lines that they cite."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from scr.agent.agent import Agent
from scr.agent.context import Context
from scr.apps.research.agents.worker import refusal
from scr.apps.research.checks import Review
from scr.apps.research.plan import Kind
from scr.apps.research.text.index import Index
from scr.apps.research.work import perform
from scr.errors import InvalidDocuments
from scr.messages import CritiquePayload, Task

UNCOVERED = "uncovered"


class CriticAgent(Agent):
    """Answers a task of kind "critique" (documents, their index, claims) with a critique; keeps nothing in between."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """Check every claim, or reply why this machine cannot.

        Raises InvalidDocuments where there is no index and the task names no documents.
        """
        given: dict[str, Any] = dict(message.payload.input)  # type: ignore[arg-type]
        try:
            with ExitStack() as self._open_files:
                opened = partial(self._open, Path(given["index"]), given.get("docs"))
                judged = Review.model_validate(perform(Kind.CRITIQUE, given["piece"], opened, ctx.step))
        except InvalidDocuments as error:
            if "docs" not in given:
                raise
            ctx.reply(refusal(message, error))
            return
        critique = critique_of(judged, message.payload.task_id)
        ctx.log(f"{message.payload.task_id}: {critique.comment}")
        ctx.reply(critique)

    def _open(self, path: Path, docs: str | None) -> Index:
        return self._open_files.enter_context(Index.ensure(Path(docs), path) if docs else Index(path))


def critique_of(judged: Review, task_id: str) -> CritiquePayload:
    """A review as the payload of a critique."""
    objections = [objection.model_dump(mode="json") for objection in judged.objections]
    uncovered = [{"facet": facet, "fault": UNCOVERED} for facet in judged.uncovered]
    return CritiquePayload(
        task_id=task_id,
        score=judged.score,
        failing=(*objections, *uncovered),
        comment=f"{len(judged.failing)} of {judged.checked} claims fail, {len(uncovered)} facets uncovered",
    )


def review_of(critique: CritiquePayload) -> dict[str, Any]:
    """The review in a critique, as JSON.  Raises nothing: what does not fit is refused when it is read."""
    entries: list[Any] = list(critique.failing)
    return {
        "score": critique.score,
        "objections": [entry for entry in entries if entry.get("fault") != UNCOVERED],
        "uncovered": [entry["facet"] for entry in entries if entry.get("fault") == UNCOVERED],
    }
