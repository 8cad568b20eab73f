"""What a reader gets: the report on a folder, from its front matter to its list of sources."""

from __future__ import annotations

import re

import pytest

from scr.apps.research.checks import plain
from scr.apps.research.outcome import ResearchOutcome
from scr.apps.research.pipeline import research
from scr.apps.research.text.terms import stems

QUESTION = "How do Heron and Osprey recover when a worker crashes?"


@pytest.fixture
def outcome(birds, tmp_path):
    return research(QUESTION, birds, tmp_path / "index")


def test_every_statement_carries_a_mark_and_every_mark_has_a_source(outcome):
    body, _, sources = outcome.report.body.partition("## Sources")
    bullets = [line for line in body.split("## What was not found")[0].splitlines() if line.startswith("- ")]
    assert bullets
    assert all(re.search(r"\[\d+\]$", line) for line in bullets)
    marks = {int(mark) for mark in re.findall(r"\[(\d+)\]", body)}
    listed = {int(number) for number in re.findall(r"^(\d+)\. `", sources, re.MULTILINE)}
    assert marks == listed == set(range(1, len(outcome.sources) + 1))


def test_every_claim_stands_in_the_lines_that_it_cites(outcome, birds):
    for judged in outcome.claims:
        for citation in judged.claim.citations:
            lines = (birds / citation.path).read_text().split("\n")
            cited = "\n".join(
                [*(lines[n - 1] for n in citation.titles), *lines[citation.first_line - 1 : citation.last_line]]
            )
            if judged.claim.kind in {"finding", "cell"}:
                assert set(stems(judged.claim.text)) <= set(stems(plain(cited)))


def test_the_front_matter_counts_what_the_report_holds(outcome):
    matter = dict(
        line.split(": ", 1) for line in outcome.render(restarts=2, duration_s=1.234).split("---\n")[1].splitlines()
    )
    assert matter["question"] == f'"{QUESTION}"'
    assert matter["mode"] == "offline extractive"
    assert matter["claims"] == matter["cited"] == str(outcome.report.claims)
    assert (matter["dropped"], matter["revisions"]) == (str(outcome.dropped), str(outcome.revisions))
    assert matter["sources"] == str(len(outcome.sources))
    assert (matter["restarts"], matter["duration_s"]) == ("2", "1.23")


def test_the_report_begins_with_the_answer_and_has_a_section_for_each_facet_that_adds_to_it(outcome):
    titles = re.findall(r"^## (.+)$", outcome.report.body, re.MULTILINE)
    assert titles == ["In short", "Journal", "Contrasts", "What was not found", "Sources"]
    assert [facet.title for facet in outcome.plan.facets[1:3]] == ["Heron", "Osprey"]
    assert "Nothing on \u201cHeron\u201d beyond what other sections say." in outcome.not_found


def test_no_sentence_is_told_twice_in_the_sections(outcome):
    findings = [judged.claim.text for judged in outcome.claims if judged.claim.kind == "finding"]
    assert len(findings) == len(set(findings)) > 3


def test_what_the_documents_do_not_mention_is_said(birds, tmp_path):
    done = research("How do Heron and Penguin recover when a worker crashes?", birds, tmp_path / "index")
    assert "No document mentions \u201cpenguin\u201d." in done.not_found


def test_a_question_about_something_else_gets_no_claims(birds, tmp_path):
    done = research("What is the capital of France?", birds, tmp_path / "index")
    assert "**The documents do not answer this question.**" in done.report.body
    assert done.report.claims == done.report.cited == 0


def test_skipped_files_are_told(birds, tmp_path):
    (birds / "image.txt").write_bytes(b"\0\0")
    done = research(QUESTION, birds, tmp_path / "index")
    assert "1 file skipped: 1 binary." in done.not_found
    assert [skip.path for skip in done.skipped] == ["image.txt"]


def test_other_documents_give_another_report(birds, write, tmp_path, outcome):
    other = write({"heron.md": (birds / "heron.md").read_text().replace("3 seconds", "9 minutes")}, folder="other")
    done = research(QUESTION, other, tmp_path / "other.index")
    assert "9 minutes" in done.report.body
    assert done.report.body != outcome.report.body


def test_things_that_differ_are_set_against_each_other(outcome):
    assert "## Contrasts" in outcome.report.body
    pairs = [judged.claim for judged in outcome.claims if judged.claim.kind == "contrast"]
    assert any({citation.path for citation in claim.citations} == {"heron.md", "osprey.md"} for claim in pairs)


def test_an_outcome_survives_json(outcome):
    assert ResearchOutcome.model_validate_json(outcome.model_dump_json()) == outcome


def test_markup_in_a_claim_cannot_break_the_report(write, tmp_path):
    text = "The queue of a crashed worker <b is kept | by the supervisor of *all crashed workers in the cluster."
    done = research(
        "Who keeps the queue of a crashed worker?", write({"a.txt": text}, folder="odd"), tmp_path / "index"
    )
    assert "<b" not in done.report.body
