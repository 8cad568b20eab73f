"""Revision: what a worker does about the critic's objections.  Pure.

A fault of a change (a word, number, name or denial that the source does not have) is undone:
the claim says again what its source says.  A claim that leans on the sentence before it
takes that one along.  What cannot be mended is replaced by the next evidence of its facet;
a duplicate for which there is none is withdrawn, because what it says is in the report already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scr.apps.research.checks import SAME_MIN, ClaimFault, Objection
from scr.apps.research.claims import Claim, Findings, claim_from, verbatim, with_antecedent
from scr.apps.research.evidence import Evidence
from scr.apps.research.text import sentences
from scr.apps.research.text.terms import jaccard, stems
from scr.values import Frozen

ROUNDS_MAX = 2
_CHANGED = frozenset(
    {ClaimFault.UNSUPPORTED, ClaimFault.WRONG_NUMBER, ClaimFault.WRONG_NAME, ClaimFault.NEGATION, ClaimFault.UNCITED}
)


class Revision(Frozen):
    """The outcome: all claims as they now stand, the ids of those withdrawn, and how many were changed."""

    claims: tuple[Claim, ...]
    withdrawn: tuple[str, ...] = ()
    changed: int = 0


def revise(
    claims: Sequence[Claim],
    objections: Sequence[Objection],
    uncovered: Sequence[str],
    findings: Mapping[str, Findings],
) -> Revision:
    """Answer every objection; the order of claims stays."""
    faults = {objection.claim_id: objection.fault for objection in reversed(objections)}
    desk = _Desk(claims, faults, findings)
    revised = [desk.mend(claim, faults[claim.claim_id]) if claim.claim_id in faults else claim for claim in claims]
    kept = [claim for claim in revised if claim is not None]
    changed = sum(new is not None and new != old for new, old in zip(revised, claims, strict=True))
    for facet in uncovered:
        if not any(claim.facet == facet for claim in kept) and (extra := desk.next_for(facet, f"{facet}/0")):
            kept.append(extra)
            changed += 1
    withdrawn = tuple(claim.claim_id for claim, new in zip(claims, revised, strict=True) if new is None)
    return Revision(claims=tuple(kept), withdrawn=withdrawn, changed=changed)


class _Desk:
    """What a revision has at hand: the evidence, and what has been used already."""

    def __init__(
        self, claims: Sequence[Claim], faults: Mapping[str, ClaimFault], findings: Mapping[str, Findings]
    ) -> None:
        self._findings = findings
        self._evidence = {e.evidence_id: e for found in findings.values() for e in found.evidence}
        self._used = {evidence_id for claim in claims for evidence_id in claim.evidence_ids}
        self._said = [frozenset(stems(claim.text)) for claim in claims if claim.claim_id not in faults]

    def mend(self, claim: Claim, fault: ClaimFault) -> Claim | None:
        """The claim mended or replaced; None when it is withdrawn; itself when nothing helps."""
        if claim.kind != "finding":
            return claim
        evidence = self._evidence.get(claim.evidence_ids[0]) if claim.evidence_ids else None
        mended = _mended(claim, fault, evidence) if evidence else None
        if mended is not None and mended != claim:
            return mended
        replacement = self.next_for(claim.facet, claim.claim_id)
        if replacement is None and fault is ClaimFault.DUPLICATE:
            return None
        return replacement or claim

    def next_for(self, facet: str, claim_id: str) -> Claim | None:
        """A claim from the next evidence of the facet that says something new and stands alone."""
        found = self._findings.get(facet)
        for evidence in found.evidence if found else ():
            bag = frozenset(stems(evidence.sentence))
            fresh = evidence.evidence_id not in self._used and all(jaccard(bag, said) < SAME_MIN for said in self._said)
            if fresh and not sentences.points_away(evidence.sentence) and not sentences.dangles(evidence.sentence):
                self._used.add(evidence.evidence_id)
                self._said.append(bag)
                return claim_from(claim_id, facet, evidence)
        return None


def _mended(claim: Claim, fault: ClaimFault, evidence: Evidence) -> Claim | None:
    if fault in _CHANGED:
        return verbatim(claim, evidence)
    return with_antecedent(claim, evidence) if fault is ClaimFault.DANGLING else None
