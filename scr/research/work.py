"""What a worker can do: research, analysis, revision, synthesis, each a function of its input and the index."""

from __future__ import annotations

from collections.abc import Sequence

from scr.research import analysis as analyses
from scr.research import evidence
from scr.research.claims import Findings, draft
from scr.research.focus import Focus, focus_on
from scr.research.index import Index
from scr.research.plan import Subtask


def focus_of(question: str, index: Index) -> Focus:
    """The focus of the question in this index."""
    return focus_on(question, index, index.stats.passages)


def retrieve(question: str, subtask: Subtask, index: Index) -> list[int]:
    """First half of research: the ids of the passages to read."""
    return evidence.retrieve(evidence.aim_at(focus_of(question, index), subtask.query), index)


def extract(question: str, subtask: Subtask, passage_ids: Sequence[int], index: Index) -> Findings:
    """Second half: sentences from these passages, as claims and as reserve."""
    aim = evidence.aim_at(focus_of(question, index), subtask.query)
    found = evidence.extract(aim, index, passage_ids)
    return draft(subtask.subtask_id, subtask.title, found, len(passage_ids))


def analyse(question: str, findings: Sequence[Findings], index: Index) -> analyses.Analysis:
    """Compare what was found."""
    return analyses.analyse(findings, focus_of(question, index), index)
