"""The whole job in one process, in the order of the plan: what the agents do together, without agents.

It is the yardstick: a run of agents, however disturbed, must end in the same outcome.
"""

from __future__ import annotations

from pathlib import Path

from scr.research import work
from scr.research.analysis import Analysis
from scr.research.checks import Review, review
from scr.research.claims import Claim, Findings
from scr.research.facets import plan_for
from scr.research.index import Index
from scr.research.outcome import Judged, Outcome, outcome_of
from scr.research.plan import Plan
from scr.research.report import Material, write
from scr.research.revision import ROUNDS_MAX, revise


def research(question: str, folder: Path, index_path: Path) -> Outcome:
    """Answer a question from a folder.  Raises InvalidInput and InvalidDocuments."""
    with Index.open_or_build(folder, index_path) as index:
        plan = plan_for(question, index)
        findings = [work.extract(plan.question, s, work.retrieve(plan.question, s, index), index) for s in plan.facets]
        analysis = work.analyse(plan.question, findings, index) if findings else Analysis()
        claims = (*(claim for found in findings for claim in found.claims), *analysis.claims)
        return conclude(plan, index, findings, analysis, claims)


def conclude(
    plan: Plan, index: Index, findings: list[Findings], analysis: Analysis, claims: tuple[Claim, ...]
) -> Outcome:
    """Check, revise at most twice, drop what still fails, write."""
    facets = [facet.subtask_id for facet in plan.facets]
    by_id = {found.subtask_id: found for found in findings}
    judged = review(claims, facets, index)
    revisions = 0
    for _ in range(ROUNDS_MAX):
        if not judged.objections and not judged.uncovered:
            break
        revised = revise(claims, judged.objections, judged.uncovered, by_id)
        claims, revisions = revised.claims, revisions + revised.changed
        judged = review(claims, facets, index)
    return finish(plan, index, claims, analysis, judged, revisions)


def finish(
    plan: Plan, index: Index, claims: tuple[Claim, ...], analysis: Analysis, judged: Review, revisions: int
) -> Outcome:
    """The outcome once nothing more is revised."""
    kept, dropped = sort_out(claims, judged)
    material = Material(
        plan=plan,
        stats=index.stats,
        claims=kept,
        analysis=analysis,
        dropped=tuple(lost.claim.claim_id for lost in dropped),
        revisions=revisions,
    )
    return outcome_of(material, write(material), dropped)


def sort_out(claims: tuple[Claim, ...], judged: Review) -> tuple[tuple[Claim, ...], tuple[Judged, ...]]:
    """The claims that hold, and those that do not with the reasons."""
    reasons = {
        claim_id: tuple(o.reason for o in judged.objections if o.claim_id == claim_id) for claim_id in judged.failing
    }
    kept = tuple(claim for claim in claims if claim.claim_id not in reasons)
    dropped = tuple(
        Judged(claim=claim, verdict="dropped", reasons=reasons[claim.claim_id])
        for claim in claims
        if claim.claim_id in reasons
    )
    return kept, dropped
