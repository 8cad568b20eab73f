"""One question from plan to report: what is due next, and what each result changes.  Pure.

Whoever drives it (one process, or a planner with its workers and a critic) takes the pieces
that are due, has them done in any order, and gives the results back.  The job's value depends
only on which results it holds, never on when they came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from pydantic import JsonValue

from scr.apps.research.analysis import Analysis
from scr.apps.research.checks import Review
from scr.apps.research.claims import Claim, Findings
from scr.apps.research.outcome import Judged, ResearchOutcome, why_nothing
from scr.apps.research.plan import ANALYSIS, SYNTHESIS, Kind, Plan, ready
from scr.apps.research.report import Material, Report
from scr.apps.research.revision import ROUNDS_MAX, Revision
from scr.apps.research.text.index import IndexStats
from scr.values import Frozen


class Piece(Frozen):
    """One piece of work with all that is needed to do it, but the index."""

    piece_id: str
    kind: Kind
    title: str
    input: dict[str, JsonValue]


class Job(Frozen):
    """Where the work on one question stands.  `results` are by piece; `failed` says why a piece has none."""

    plan: Plan
    stats: IndexStats
    results: dict[str, JsonValue] = {}
    failed: dict[str, str] = {}

    @property
    def ended(self) -> frozenset[str]:
        """The pieces that are done or will never be."""
        return frozenset(self.results) | frozenset(self.failed)

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return SYNTHESIS in self.ended


def due(job: Job) -> tuple[Piece, ...]:
    """What can be done now, in the order of the plan.  Pieces that are under way are due until they end."""
    subtasks = [s for s in ready(job.plan, job.ended) if s.subtask_id != SYNTHESIS]
    return tuple([_piece(job, s.kind, s.subtask_id) for s in subtasks] or _closing(job))


def absorb(job: Job, piece_id: str, output: JsonValue) -> Job:
    """The job with the result of a piece.  A second result of the same piece changes nothing."""
    if piece_id in job.ended:
        return job
    return job.model_copy(update={"results": {**job.results, piece_id: output}})


def give_up(job: Job, piece_id: str, reason: str) -> Job:
    """The job without a piece that cannot be done."""
    if piece_id in job.ended:
        return job
    return job.model_copy(update={"failed": {**job.failed, piece_id: reason}})


def outcome(job: Job) -> ResearchOutcome | None:
    """The outcome of a job that is done; None when its report could not be written."""
    if SYNTHESIS not in job.results:
        return None
    report = Report.model_validate(job.results[SYNTHESIS])
    material, dropped = conclude(job)
    held = (Judged(claim=claim, verdict="supported") for claim in material.claims)
    return ResearchOutcome(
        report=report,
        claims=(*held, *dropped),
        sources=report.sources,
        plan=job.plan,
        dropped=len(dropped),
        revisions=material.revisions,
        not_found=report.not_found,
        skipped=job.stats.skipped,
        failed=material.failed,
        error=why_nothing(_failed(job)) if job.failed and not report.claims else "",
    )


def findings(job: Job) -> tuple[Findings, ...]:
    """What research has brought, in the order of the plan; a facet whose research failed has none."""
    return tuple(
        Findings.model_validate(job.results[facet.subtask_id])
        if facet.subtask_id in job.results
        else Findings(subtask_id=facet.subtask_id, title=facet.title)
        for facet in job.plan.facets
    )


def conclude(job: Job) -> tuple[Material, tuple[Judged, ...]]:
    """What the report is made of, and the claims that are left out with the reasons."""
    draft = _draft(job)
    reasons = {claim.claim_id: _reasons(draft.review, claim) for claim in draft.claims}
    dropped = tuple(
        Judged(claim=claim, verdict="dropped", reasons=reasons[claim.claim_id])
        for claim in draft.claims
        if reasons[claim.claim_id]
    )
    kept = {claim.facet for claim in draft.claims if claim.kind == "finding" and not reasons[claim.claim_id]}
    material = Material(
        plan=job.plan,
        stats=job.stats,
        claims=tuple(claim for claim in draft.claims if not reasons[claim.claim_id]),
        analysis=_analysis(job),
        dropped=tuple(judged.claim.claim_id for judged in dropped),
        revisions=draft.revisions,
        failed=tuple(map(": ".join, _failed(job))),
        repeated=tuple(f.subtask_id for f in findings(job) if f.evidence and f.subtask_id not in kept),
    )
    return material, dropped


def _failed(job: Job) -> Iterator[tuple[str, str]]:
    """Yield the title of each part that failed, and why."""
    for piece, reason in sorted(job.failed.items()):
        yield _title(job, piece), reason


class _Draft(Frozen):
    """The claims as they stand after the rounds of critique so far, with the last review of exactly these."""

    claims: tuple[Claim, ...]
    review: Review | None = None
    revisions: int = 0
    pending: str = ""


def _draft(job: Job) -> _Draft:
    """Follow critique and revision, round by round.  `pending` is the piece that is due next, if any."""
    claims = (*(claim for found in findings(job) for claim in found.claims), *_analysis(job).claims)
    review: Review | None = None
    revisions = 0
    for n in range(1, ROUNDS_MAX + 2):
        critique, revision = f"critique-{n}", f"revision-{n}"
        if critique not in job.ended:
            return _Draft(claims=claims, revisions=revisions, pending=critique)
        review = Review.model_validate(job.results[critique]) if critique in job.results else None
        if review is None or review.sound or n > ROUNDS_MAX:
            break
        if revision not in job.results:
            pending = "" if revision in job.failed else revision
            return _Draft(claims=claims, review=review, revisions=revisions, pending=pending)
        claims, revisions = Revision.model_validate(job.results[revision]).claims, n
    return _Draft(claims=claims, review=review, revisions=revisions)


def _closing(job: Job) -> Iterator[Piece]:
    """What follows when all research and the analysis have ended."""
    if job.done:
        return
    waiting = any(s.subtask_id not in job.ended for s in job.plan.subtasks if s.subtask_id != SYNTHESIS)
    pending = _draft(job).pending if job.plan.answerable else ""
    kind = Kind(pending.split("-")[0]) if pending else Kind.SYNTHESIS
    if not waiting:
        yield _piece(job, kind, pending or SYNTHESIS)


def _piece(job: Job, kind: Kind, piece_id: str) -> Piece:
    return Piece(piece_id=piece_id, kind=kind, title=_title(job, piece_id), input=_INPUTS[kind](job, piece_id))


def _for_research(job: Job, piece_id: str) -> dict[str, JsonValue]:
    return {"question": job.plan.asked, "subtask": job.plan.subtask(piece_id).model_dump(mode="json")}


def _for_analysis(job: Job, _piece_id: str) -> dict[str, JsonValue]:
    return {"question": job.plan.asked, "findings": _dump(findings(job))}


def _for_critique(job: Job, _piece_id: str) -> dict[str, JsonValue]:
    facets: list[JsonValue] = [found.subtask_id for found in findings(job) if found.evidence]
    return {"claims": _dump(_draft(job).claims), "facets": facets}


def _for_revision(job: Job, _piece_id: str) -> dict[str, JsonValue]:
    draft = _draft(job)
    review = draft.review.model_dump(mode="json") if draft.review else None
    return {"claims": _dump(draft.claims), "review": review, "findings": _dump(findings(job))}


def _for_synthesis(job: Job, _piece_id: str) -> dict[str, JsonValue]:
    return {"material": conclude(job)[0].model_dump(mode="json")}


_INPUTS: Mapping[Kind, Callable[[Job, str], dict[str, JsonValue]]] = MappingProxyType(
    {
        Kind.RESEARCH: _for_research,
        Kind.ANALYSIS: _for_analysis,
        Kind.CRITIQUE: _for_critique,
        Kind.REVISION: _for_revision,
        Kind.SYNTHESIS: _for_synthesis,
    }
)


def _analysis(job: Job) -> Analysis:
    return Analysis.model_validate(job.results[ANALYSIS]) if ANALYSIS in job.results else Analysis()


def _reasons(review: Review | None, claim: Claim) -> tuple[str, ...]:
    """Why a claim is left out; nothing unchecked is ever stated."""
    if review is None:
        return ("it was not checked, because the critic failed",)
    return tuple(objection.reason for objection in review.objections if objection.claim_id == claim.claim_id)


def _title(job: Job, piece_id: str) -> str:
    titles = {s.subtask_id: s.title for s in job.plan.subtasks}
    return titles.get(piece_id, piece_id.replace("-", " ").capitalize())


def _dump(values: tuple[Frozen, ...]) -> list[JsonValue]:
    return [value.model_dump(mode="json") for value in values]
