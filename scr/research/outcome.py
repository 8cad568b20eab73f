"""The outcome of a run of research: the report, and all that it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from scr.messages import Frozen
from scr.research.claims import Claim
from scr.research.documents import Skipped
from scr.research.plan import Plan
from scr.research.report import Material, Report, Source, render


class Judged(Frozen):
    """A claim and what became of it."""

    claim: Claim
    verdict: Literal["supported", "dropped"]
    reasons: tuple[str, ...] = ()


class Outcome(Frozen):
    """Everything that a run leaves.  The same question and documents give the same outcome, byte for byte."""

    report: Report
    claims: tuple[Judged, ...]
    sources: tuple[Source, ...]
    plan: Plan
    dropped: int
    revisions: int
    not_found: tuple[str, ...]
    skipped: tuple[Skipped, ...]

    def render(self, *, restarts: int, duration_s: float) -> str:
        """The report as a file, with the numbers of this run."""
        return render(self.report, restarts=restarts, duration_s=duration_s)


def outcome_of(material: Material, report: Report, dropped: Sequence[Judged]) -> Outcome:
    """The outcome of a finished run."""
    held = (Judged(claim=claim, verdict="supported") for claim in material.claims)
    return Outcome(
        report=report,
        claims=(*held, *dropped),
        sources=report.sources,
        plan=material.plan,
        dropped=len(dropped),
        revisions=material.revisions,
        not_found=report.not_found,
        skipped=material.stats.skipped,
    )
