"""The critic's checks.  Each test takes a claim that holds and breaks one thing about it."""

from __future__ import annotations

import pytest

from scr.apps.research.checks import ClaimFault, check, duplicates, in_order, plain, review
from scr.apps.research.claims import Claim
from scr.apps.research.evidence import Citation

LINES = [
    "# Heron",
    "",
    "Other words. When a **Heron** worker crashes, the [coordinator](x.html) restarts the worker",
    "within 3 seconds. Osprey does not restart a crashed worker for 30 seconds.",
    "The queue holds at most 1,500 tasks (no finished ones) for each worker of the cluster.",
]


class Document:
    """One document, `heron.md`."""

    def lines(self, path, first, last):
        if path != "heron.md" or not 1 <= first <= last <= len(LINES):
            return None
        return "\n".join(LINES[first - 1 : last])


HOLDS = "When a Heron worker crashes, the coordinator restarts the worker within 3 seconds."


def claim(text=HOLDS, *, first=3, last=4, path="heron.md", claim_id="a", **fields):
    citation = Citation(path=path, first_line=first, last_line=last, titles=fields.pop("titles", ()))
    return Claim(claim_id=claim_id, facet=fields.pop("facet", "f"), text=text, citations=(citation,), **fields)


def faults(*claims):
    return [objection.fault for one in claims for objection in check(one, Document())]


def test_a_claim_in_the_words_of_its_source_holds():
    assert faults(claim()) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (HOLDS.replace("3", "5"), ClaimFault.WRONG_NUMBER),
        (HOLDS.replace("3 seconds", "30 seconds of 2024"), ClaimFault.WRONG_NUMBER),
        (HOLDS.replace("Heron", "Celery"), ClaimFault.WRONG_NAME),
        (HOLDS.replace("Heron", "DBOS"), ClaimFault.WRONG_NAME),
        (HOLDS.replace("When a Heron worker", "Celery: when a worker"), ClaimFault.WRONG_NAME),
        ("Celery " + HOLDS[0].lower() + HOLDS[1:], ClaimFault.WRONG_NAME),
        (HOLDS.replace("restarts", "does not restart"), ClaimFault.NEGATION),
        ("Osprey does restart a crashed worker for 30 seconds.", ClaimFault.NEGATION),
        ("Every crash of a process costs its users much money and patience.", ClaimFault.UNSUPPORTED),
        ("The worker restarts the coordinator within 3 seconds when a Heron crashes.", ClaimFault.UNSUPPORTED),
    ],
)
def test_a_claim_that_says_something_else_is_rejected(text, fault):
    assert fault in faults(claim(text))


def test_a_claim_without_a_citation_is_rejected():
    assert faults(claim().model_copy(update={"citations": ()})) == [ClaimFault.UNCITED]


@pytest.mark.parametrize("place", [{"path": "other.md"}, {"last": 99}, {"first": 0}, {"titles": (77,)}])
def test_a_citation_of_lines_that_do_not_exist_is_rejected(place):
    assert faults(claim(**place)) == [ClaimFault.NO_SUCH_LINES]


def test_a_claim_that_cites_the_wrong_lines_of_the_right_document_is_rejected():
    assert ClaimFault.UNSUPPORTED in faults(claim(first=5, last=5))


def test_a_subject_put_in_front_must_stand_in_a_cited_title():
    text = "Heron: The queue holds at most 1,500 tasks (no finished ones) for each worker of the cluster."
    assert faults(claim(text, first=5, last=5, titles=(1,))) == []
    assert ClaimFault.WRONG_NAME in faults(claim(text.replace("Heron", "Osprey"), first=5, last=5, titles=(1,)))


def test_a_number_is_the_same_with_and_without_separators():
    assert (
        faults(claim("The queue holds at most 1500 tasks (no finished ones) for each worker.", first=5, last=5)) == []
    )


def test_an_aside_may_be_left_out_unless_it_denies_something():
    text = "The queue holds at most 1,500 tasks for each worker of the cluster."
    assert faults(claim(text, first=5, last=5)) == [ClaimFault.NEGATION]


@pytest.mark.parametrize(
    ("opening", "fault"),
    [("It ", ClaimFault.DANGLING), ("As Figure 3 shows, ", ClaimFault.POINTS_AWAY), ("(", ClaimFault.FRAGMENT)],
)
def test_a_claim_that_cannot_be_read_alone_is_rejected(opening, fault):
    assert fault in faults(claim(opening + HOLDS))


def test_a_claim_that_says_what_an_earlier_one_says_is_rejected():
    same = claim("The coordinator restarts a Heron worker that crashes within 3 seconds.", claim_id="b")
    (objection,) = duplicates([claim(), same])
    assert (objection.claim_id, objection.fault) == ("b", ClaimFault.DUPLICATE)
    assert "a" in objection.reason


def test_a_cell_may_repeat_a_finding_but_not_a_cell_of_its_column():
    finding, cell = claim(), claim(claim_id="b", kind="cell")
    assert duplicates([finding, cell]) == []
    assert len(duplicates([cell, claim(claim_id="c", kind="cell")])) == 1
    assert duplicates([cell, claim(claim_id="c", kind="cell", facet="g")]) == []


def test_a_review_scores_the_share_that_holds_and_names_uncovered_facets():
    wrong = claim(HOLDS.replace("3", "4"), claim_id="b", facet="g")
    judged = review([claim(), wrong], ["f", "g"], Document())
    assert (judged.score, judged.failing, judged.uncovered) == (0.5, {"b"}, ("g",))
    assert not judged.sound
    assert review([claim()], ["f"], Document()).sound


def test_a_review_of_nothing_is_no_praise():
    assert review([], ["f"], Document()).score == 0.0


def test_order_counts():
    assert in_order("abc", "xaybzc") == 1.0
    assert in_order("abcd", "dcba") == 0.25
    assert in_order("", "abc") == 0.0


def test_markup_of_the_source_does_not_count():
    assert plain(LINES[2]) == "Other words. When a Heron worker crashes, the coordinator restarts the worker"
