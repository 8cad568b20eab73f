"""Claims: statements of the report, made from evidence by changes that add nothing.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from scr.apps.research.evidence import Citation, Evidence
from scr.apps.research.text import sentences
from scr.values import Frozen

PER_FACET = 4
NEAR_BEST_MIN = 0.55
LONG = 230
JOINED_MAX = 420

ClaimKind = Literal["finding", "agreement", "contrast", "cell"]


class Claim(Frozen):
    """One statement with what it rests on.

    `facet` is the id of the research subtask that it belongs to, `thing` what it is about
    (in a comparison), `evidence_ids` the sentences that it was made from.
    """

    claim_id: str
    facet: str
    text: str
    citations: tuple[Citation, ...]
    kind: ClaimKind = "finding"
    thing: str = ""
    evidence_ids: tuple[str, ...] = ()
    relevance: float = 0.0


class Findings(Frozen):
    """The result of one research subtask: claims, and all evidence, used or kept for a revision."""

    subtask_id: str
    title: str
    claims: tuple[Claim, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    passages_read: int = 0


def draft(subtask_id: str, title: str, evidence: Sequence[Evidence], passages_read: int) -> Findings:
    """The findings of a subtask: its best evidence as claims, as far as it comes near the very best."""
    least = max((e.score for e in evidence), default=0.0) * NEAR_BEST_MIN
    good = [e for e in evidence if e.score >= least and not sentences.points_away(e.sentence)]
    claims = tuple(claim_from(f"{subtask_id}/{n}", subtask_id, e) for n, e in enumerate(good[:PER_FACET], 1))
    return Findings(
        subtask_id=subtask_id, title=title, claims=claims, evidence=tuple(evidence), passages_read=passages_read
    )


def claim_from(claim_id: str, facet: str, evidence: Evidence) -> Claim:
    """A claim in readable form: no leading conjunction, no aside in a long sentence, and what it is about named."""
    text = sentences.without_lead(evidence.sentence)
    if len(text) > LONG:
        text = sentences.without_asides(text)
    return Claim(
        claim_id=claim_id,
        facet=facet,
        text=with_subject(text, evidence.subject),
        citations=(evidence.citation,),
        thing=evidence.subject,
        evidence_ids=(evidence.evidence_id,),
        relevance=evidence.relevance,
    )


def with_subject(text: str, subject: str) -> str:
    """The text with its subject in front, unless it names it."""
    if not subject or subject.partition(" ")[0].lower() in text.lower():
        return text
    return f"{subject}: {text}"


def verbatim(claim: Claim, evidence: Evidence) -> Claim:
    """The claim in the very words of its source."""
    return claim.model_copy(update={"text": evidence.sentence, "citations": (evidence.citation,)})


def with_antecedent(claim: Claim, evidence: Evidence) -> Claim | None:
    """The claim together with the sentence that it leans on; None when that does not stand alone either."""
    before = evidence.antecedent
    text = f"{before} {evidence.sentence}"
    if len(text) > JOINED_MAX or not sentences.is_whole(before) or sentences.dangles(before):
        return None
    citation = evidence.citation.model_copy(update={"first_line": evidence.antecedent_line})
    return claim.model_copy(update={"text": with_subject(text, evidence.subject), "citations": (citation,)})
