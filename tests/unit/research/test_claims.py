"""From evidence to claims, and what a revision makes of the critic's objections."""

from __future__ import annotations

import pytest

from scr.apps.research.checks import ClaimFault, Objection
from scr.apps.research.claims import Claim, Findings, claim_from, draft
from scr.apps.research.evidence import Citation, Evidence
from scr.apps.research.revision import revise


def evidence(sentence, n=1, **fields):
    citation = Citation(path="a.md", first_line=n, last_line=n)
    return Evidence(evidence_id=f"a.md:{n}", sentence=sentence, citation=citation, score=1.0, **fields)


FIRST = "A crashed worker is restarted by its supervisor within three seconds."
SECOND = "The journal keeps every finished step, so that nothing is done twice."
THIRD = "A full queue refuses new tasks with an error that the sender sees."


def found(*sentences, facet="f"):
    return draft(facet, "Facet", [evidence(text, n) for n, text in enumerate(sentences, 1)], 9)


def object_to(claim, fault):
    return Objection(claim_id=claim.claim_id, fault=fault, reason="")


def revised(findings, fault, **evidence_fields):
    return revise(findings.claims, [object_to(findings.claims[0], fault)], (), {"f": findings})


def test_claims_are_the_best_evidence_and_the_rest_is_kept():
    findings = found(*[f"{FIRST[:-1]} number {n}." for n in range(9)])
    assert [claim.claim_id for claim in findings.claims] == ["f/1", "f/2", "f/3", "f/4"]
    assert len(findings.evidence) == 9
    assert findings.passages_read == 9


def test_evidence_far_behind_the_best_is_no_claim():
    weak = evidence(SECOND, 2).model_copy(update={"score": 0.1})
    assert len(draft("f", "Facet", [evidence(FIRST), weak], 1).claims) == 1


def test_a_claim_names_the_subject_that_its_sentence_leaves_out():
    assert claim_from("c", "f", evidence(FIRST, subject="Heron")).text == f"Heron: {FIRST}"
    assert claim_from("c", "f", evidence(f"Heron: {FIRST}", subject="Heron")).text == f"Heron: {FIRST}"


def test_a_claim_leaves_out_a_leading_conjunction_and_the_aside_of_a_long_sentence():
    assert claim_from("c", "f", evidence(f"However, {FIRST[0].lower()}{FIRST[1:]}")).text == FIRST
    long = f"{FIRST[:-1]} (an aside that nobody needs to read), {SECOND[0].lower()}{SECOND[1:-1]}, and {THIRD.lower()}"
    assert "aside" not in claim_from("c", "f", evidence(long)).text


@pytest.mark.parametrize(
    "fault", [ClaimFault.UNSUPPORTED, ClaimFault.WRONG_NAME, ClaimFault.WRONG_NUMBER, ClaimFault.NEGATION]
)
def test_a_fault_of_a_change_is_undone(fault):
    findings = found(FIRST)
    changed = findings.claims[0].model_copy(update={"text": "Heron: something else."})
    result = revise((changed,), [object_to(changed, fault)], (), {"f": findings})
    assert result.claims[0].text == FIRST
    assert result.changed == 1


def test_a_claim_that_leans_on_the_sentence_before_takes_it_along_with_its_line():
    leaning = evidence("It keeps the journal of each task for as long as the task lives.", 8)
    leaning = leaning.model_copy(update={"antecedent": FIRST, "antecedent_line": 7})
    result = revised(draft("f", "Facet", [leaning], 1), ClaimFault.DANGLING)
    assert result.claims[0].text == f"{FIRST} {leaning.sentence}"
    assert (result.claims[0].citations[0].first_line, result.claims[0].citations[0].last_line) == (7, 8)


def test_a_claim_that_leans_on_what_leans_itself_is_replaced():
    leaning = evidence("It keeps the journal of each task for as long as the task lives.", 8)
    leaning = leaning.model_copy(
        update={"antecedent": "This is not a sentence that stands alone.", "antecedent_line": 7}
    )
    findings = draft("f", "Facet", [leaning], 1).model_copy(update={"evidence": (leaning, evidence(SECOND, 2))})
    assert revised(findings, ClaimFault.DANGLING).claims[0].text == SECOND


@pytest.mark.parametrize("fault", [ClaimFault.POINTS_AWAY, ClaimFault.FRAGMENT, ClaimFault.DUPLICATE])
def test_what_cannot_be_mended_is_replaced_by_the_next_evidence(fault):
    findings = found(FIRST).model_copy(update={"evidence": (evidence(FIRST), evidence(SECOND, 2))})
    result = revised(findings, fault)
    assert [(claim.claim_id, claim.text) for claim in result.claims] == [("f/1", SECOND)]


def test_a_duplicate_without_replacement_is_withdrawn_and_any_other_fault_stays_for_the_critic():
    assert revised(found(FIRST), ClaimFault.DUPLICATE).withdrawn == ("f/1",)
    kept = revised(found(FIRST), ClaimFault.POINTS_AWAY)
    assert (len(kept.claims), kept.changed, kept.withdrawn) == (1, 0, ())


def test_a_replacement_says_nothing_that_another_claim_says():
    other = Claim(claim_id="g/1", facet="g", text=SECOND, citations=(), evidence_ids=("x",))
    findings = found(FIRST).model_copy(update={"evidence": (evidence(FIRST), evidence(SECOND, 2), evidence(THIRD, 3))})
    result = revise(
        (*findings.claims, other), [object_to(findings.claims[0], ClaimFault.FRAGMENT)], (), {"f": findings}
    )
    assert [claim.text for claim in result.claims] == [THIRD, SECOND]


def test_two_claims_are_not_replaced_by_the_same_evidence():
    findings = found(FIRST, SECOND).model_copy(
        update={"evidence": (evidence(FIRST), evidence(SECOND, 2), evidence(THIRD, 3))}
    )
    objections = [object_to(claim, ClaimFault.DUPLICATE) for claim in findings.claims]
    result = revise(findings.claims, objections, (), {"f": findings})
    assert [claim.text for claim in result.claims] == [THIRD]
    assert result.withdrawn == ("f/2",)


def test_an_uncovered_facet_gets_the_next_evidence_that_it_has():
    findings = Findings(subtask_id="f", title="Facet", evidence=(evidence(FIRST),))
    result = revise((), (), ("f", "g"), {"f": findings})
    assert [(claim.claim_id, claim.facet, claim.text) for claim in result.claims] == [("f/0", "f", FIRST)]


def test_claims_without_objections_stay_as_they_are():
    findings = found(FIRST, SECOND, THIRD)
    result = revise(findings.claims, [object_to(findings.claims[1], ClaimFault.FRAGMENT)], (), {"f": findings})
    assert result.claims[0] is findings.claims[0]
    assert result.claims[2] is findings.claims[2]
