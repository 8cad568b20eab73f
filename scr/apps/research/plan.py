"""The plan: subtasks, what each depends on, and which may start.  Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum

from scr.apps.research.text.mentions import Mention
from scr.values import Frozen


class Kind(StrEnum):
    """What is asked of somebody: a critique of the critic, everything else of a worker."""

    RESEARCH = "research"
    ANALYSIS = "analysis"
    CRITIQUE = "critique"
    REVISION = "revision"
    SYNTHESIS = "synthesis"


class Subtask(Frozen):
    """One piece of the plan.  `query` holds the words of its facet; it is given the results of `depends_on`."""

    subtask_id: str
    kind: Kind
    title: str
    query: str = ""
    depends_on: tuple[str, ...] = ()


class Plan(Frozen):
    """What is to be done about a question.

    `answerable` is false when no passage comes near the question; then nothing is
    researched.  `missing` are words of the question that no document holds, `elsewhere` the
    words that no passage holds, each with where it is.  `researched` is the question as far
    as the documents can answer it, empty when that is the whole; `left_out` are its other
    parts.  `nearest` are the places that come nearest to the question.
    """

    question: str
    subtasks: tuple[Subtask, ...]
    answerable: bool = True
    missing: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()
    elsewhere: tuple[Mention, ...] = ()
    researched: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def asked(self) -> str:
        """The question that is researched."""
        return self.researched or self.question

    @property
    def facets(self) -> tuple[Subtask, ...]:
        """The research subtasks, in order."""
        return tuple(subtask for subtask in self.subtasks if subtask.kind is Kind.RESEARCH)

    def subtask(self, subtask_id: str) -> Subtask:
        """The subtask of that id.  Raises KeyError."""
        return {subtask.subtask_id: subtask for subtask in self.subtasks}[subtask_id]


OVERVIEW = "research-1"
ANALYSIS = "analysis"
SYNTHESIS = "synthesis"


def make_plan(question: str, facets: Sequence[tuple[str, str]], missing: tuple[str, ...] = ()) -> Plan:
    """The plan for a question: an overview, one research for each facet (title, query), analysis, synthesis."""
    research = tuple(
        Subtask(subtask_id=f"research-{n}", kind=Kind.RESEARCH, title=title, query=query)
        for n, (title, query) in enumerate([("Overview", ""), *facets], 1)
    )
    ids = tuple(subtask.subtask_id for subtask in research)
    rest = (
        Subtask(subtask_id=ANALYSIS, kind=Kind.ANALYSIS, title="Agreements, contrasts, comparison", depends_on=ids),
        Subtask(subtask_id=SYNTHESIS, kind=Kind.SYNTHESIS, title="Report", depends_on=(*ids, ANALYSIS)),
    )
    return Plan(question=question, subtasks=research + rest, missing=missing)


def plan_without_answer(question: str, missing: tuple[str, ...], nearest: tuple[str, ...]) -> Plan:
    """The plan for a question that the documents do not answer: only the report that says so."""
    synthesis = Subtask(subtask_id=SYNTHESIS, kind=Kind.SYNTHESIS, title="Report")
    return Plan(question=question, subtasks=(synthesis,), answerable=False, missing=missing, nearest=nearest)


def ready(plan: Plan, done: Collection[str]) -> tuple[Subtask, ...]:
    """The subtasks that are not done and whose dependencies are, in the order of the plan."""
    return tuple(
        subtask
        for subtask in plan.subtasks
        if subtask.subtask_id not in done and all(needed in done for needed in subtask.depends_on)
    )
