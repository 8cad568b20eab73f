"""The job: what is due when, and that the outcome depends on nothing but the results."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scr.apps.research.facets import plan_for
from scr.apps.research.job import Job, absorb, due, give_up, outcome
from scr.apps.research.outcome import why_nothing
from scr.apps.research.pipeline import research
from scr.apps.research.text.index import Index
from scr.apps.research.work import perform

QUESTION = "How do Heron and Osprey recover when a worker crashes?"


def start(index, question=QUESTION):
    return Job(plan=plan_for(question, index), stats=index.stats)


def ids(job):
    return [piece.piece_id for piece in due(job)]


def run(job, index, choose=lambda pieces: pieces[0], refuse=()):
    """Drive a job to its end, one piece after the other in the order of `choose`; `refuse` names pieces that fail."""
    while pieces := due(job):
        piece = choose(pieces)
        if piece.piece_id in refuse:
            job = give_up(job, piece.piece_id, "quarantined after 3 deliveries")
        else:
            job = absorb(job, piece.piece_id, perform(piece.kind, piece.input, lambda: index))
    return job


def test_research_is_due_at_once_then_analysis_then_critique_and_at_last_the_report(index):
    job = start(index)
    assert ids(job) == [facet.subtask_id for facet in job.plan.facets]
    order = []
    while pieces := due(job):
        order.append(pieces[0].piece_id)
        job = absorb(job, pieces[0].piece_id, perform(pieces[0].kind, pieces[0].input, lambda: index))
    assert order[len(job.plan.facets) :][:2] == ["analysis", "critique-1"]
    assert order[-1] == "synthesis"
    assert len(order) == len(set(order))


def test_a_result_that_comes_twice_changes_nothing(index):
    job = start(index)
    once = absorb(job, "research-1", {"first": 1})
    assert absorb(once, "research-1", {"second": 2}) is once
    assert give_up(once, "research-1", "late") is once


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """An index for many examples."""
    from_corpus = tmp_path_factory.mktemp("shared")
    folder = from_corpus / "docs"
    folder.mkdir()
    for n, name in enumerate(["Heron", "Osprey", "Kestrel"]):
        (folder / f"{name.lower()}.md").write_text(
            f"# {name}\n\nWhen a worker of {name} crashes, the supervisor restarts it within {n} seconds.\n"
            f"It keeps a journal, so that recovery after a crash of {name} repeats no finished step.\n\n"
            f"## Queue\n\nThe queue of {name} survives the crash of a worker, whereas its memory is lost.\n"
        )
    with Index.open_or_build(folder, from_corpus / "index") as index:
        yield index


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_outcome_does_not_depend_on_the_order_in_which_pieces_are_done(shared, seed):
    chance = random.Random(seed)
    straight = outcome(run(start(shared), shared))
    shuffled = outcome(run(start(shared), shared, chance.choice))
    assert shuffled == straight
    assert shuffled.model_dump_json() == straight.model_dump_json()


def test_a_job_survives_its_way_through_json_at_every_point(index):
    job = start(index)
    while pieces := due(job):
        assert Job.model_validate_json(job.model_dump_json()) == job
        job = absorb(job, pieces[-1].piece_id, perform(pieces[-1].kind, pieces[-1].input, lambda: index))
    assert outcome(Job.model_validate_json(job.model_dump_json())) == outcome(job)


def test_research_that_failed_is_told_and_the_rest_goes_on(index):
    done = outcome(run(start(index), index, refuse={"research-2"}))
    assert done.failed == ("Heron: quarantined after 3 deliveries",)
    assert any("A part of the work failed: Heron" in line for line in done.not_found)
    assert done.claims


def test_an_analysis_that_failed_costs_the_comparison_only(index):
    done = outcome(run(start(index), index, refuse={"analysis"}))
    assert done.claims
    assert "## Comparison" not in done.report.body


def test_nothing_unchecked_is_stated_when_the_critic_failed(index):
    done = outcome(run(start(index), index, refuse={"critique-1"}))
    assert {judged.verdict for judged in done.claims} == {"dropped"}
    assert done.report.claims == 0


def test_why_nothing_can_be_stated_names_each_reason_once_with_the_first_of_its_parts(index):
    facets = [facet.subtask_id for facet in start(index).plan.facets]
    lost = outcome(run(start(index), index, refuse={*facets, "analysis"}))
    assert lost.error == (
        f"nothing can be stated: {len(facets) + 1} parts failed (“Agreements, contrasts, comparison”, “Overview” and"
        f" {len(facets) - 1} more): quarantined after 3 deliveries"
    )
    assert why_nothing([("A, B", "no disk"), ("C: D", "no disk"), ("E", "no time")]) == (
        "nothing can be stated: 2 parts failed (“A, B” and “C: D”): no disk; 1 part failed (“E”): no time"
    )
    assert "error" not in outcome(run(start(index), index)).model_dump()


def test_a_revision_that_failed_drops_what_was_to_be_revised(index):
    whole = outcome(run(start(index), index))
    done = outcome(run(start(index), index, refuse={"revision-1"}))
    assert whole.revisions == 2
    assert done.revisions == 0
    assert done.dropped > whole.dropped


def test_without_a_report_there_is_no_outcome(index):
    job = run(start(index), index, refuse={"synthesis"})
    assert job.done
    assert outcome(job) is None


def test_a_question_without_an_answer_goes_straight_to_its_report(index):
    job = start(index, "Who painted the ceiling?")
    assert ids(job) == ["synthesis"]
    done = outcome(run(job, index))
    assert "do not answer this question" in done.report.body
    assert done.claims == done.sources == ()


def test_one_process_does_the_same_as_the_job_driven_by_hand(birds, index, tmp_path):
    assert research(QUESTION, birds, tmp_path / "other.index") == outcome(run(start(index), index))


def test_the_report_is_the_same_byte_for_byte_whatever_the_order_of_sets(birds, tmp_path):
    script = (
        "import sys; from pathlib import Path; from scr.apps.research.pipeline import research; "
        "print(research(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])).model_dump_json())"
    )
    root = Path(__file__).parents[3]
    told = {
        subprocess.run(
            [sys.executable, "-c", script, QUESTION, str(birds), str(tmp_path / f"index-{seed}")],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    here = research(QUESTION, birds, tmp_path / "index").model_dump_json()
    assert told == {f"{here}\n".encode()}
