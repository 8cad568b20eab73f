"""The whole job in one process: what the agents do together, without agents.

It is the yardstick: a run of agents, however disturbed, must end in the same outcome.
"""

from __future__ import annotations

from pathlib import Path

from scr.apps.research.facets import plan_for
from scr.apps.research.job import Job, absorb, due, outcome
from scr.apps.research.outcome import ResearchOutcome
from scr.apps.research.text.index import Index
from scr.apps.research.work import perform
from scr.errors import RunFailed


def research(question: str, folder: Path, index_path: Path) -> ResearchOutcome:
    """Answer a question from a folder.  Raises InvalidInput and InvalidDocuments."""
    with Index.open_or_build(folder, index_path) as index:
        job = Job(plan=plan_for(question, index), stats=index.stats)
        while pieces := due(job):
            for piece in pieces:
                job = absorb(job, piece.piece_id, perform(piece.kind, piece.input, lambda: index))
    result = outcome(job)
    if result is None:
        raise RunFailed(f"the report on {question!r} could not be written: {job.failed}")
    return result
