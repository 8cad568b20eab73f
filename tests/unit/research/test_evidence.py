from __future__ import annotations

import pytest

from scr.apps.research.evidence import Aim, aim_at, extract, retrieve, shape
from scr.apps.research.focus import focus_on
from scr.apps.research.text.index import Index


def find(index, question, query=""):
    aim = aim_at(focus_on(question, index, index.stats.passages), query, index.names)
    return extract(aim, index, retrieve(aim, index))


def test_evidence_is_a_sentence_as_it_stands_with_its_lines(index):
    found = find(index, "What happens when a worker of Heron crashes?")
    best = found[0]
    assert best.sentence == "When a Heron worker crashes, the coordinator restarts the worker within 3 seconds."
    assert (best.citation.path, best.citation.first_line, best.citation.last_line) == ("heron.md", 7, 7)
    assert best.citation.heading == "Heron \u203a Recovery"


def test_evidence_of_a_facet_speaks_of_the_facet(index):
    found = find(index, "How does a worker recover from a crash?", "journal")
    assert found
    assert all("journal" in evidence.sentence for evidence in found)


def test_evidence_is_about_what_the_question_names(index):
    found = find(index, "What does Heron do when a worker crashes?")
    assert found[0].citation.path == "heron.md"


def test_a_sentence_that_does_not_name_its_subject_is_given_it_with_the_line_of_the_title(index):
    leaning = next(
        e for e in find(index, "What is lost after a crash of a worker?") if e.sentence.startswith("It loses")
    )
    assert (leaning.subject, leaning.citation.titles) == ("Heron", (1,))
    assert leaning.antecedent.startswith("Heron keeps the journal")
    assert leaning.antecedent_line == 8


def test_nothing_near_the_question_is_no_evidence(index):
    assert find(index, "Who painted the ceiling?") == []


def test_no_two_pieces_of_evidence_say_the_same(write, tmp_path):
    text = "A crashed worker is restarted by the supervisor of the worker at once."
    folder = write({f"{n}.md": text.replace("at once", f"at once, or {n} later") for n in range(9)}, folder="same")
    with Index.open_or_build(folder, tmp_path / "same.index") as opened:
        assert len(find(opened, "Who restarts a crashed worker?")) == 1


def test_retrieval_takes_from_the_facet_alone_too(index):
    focus = focus_on("tasks", index, index.stats.passages)
    with_facet = retrieve(Aim(focus, ("journal",)), index, 2)
    paths = {index.passage(passage_id).path for passage_id in with_facet}
    assert len(with_facet) == 2
    assert paths <= {"heron.md", "osprey.md", "theory.md"}


@pytest.mark.parametrize(
    "worse",
    [
        "It restarts a crashed worker within a few seconds on another machine.",
        "You can restart a crashed worker within a few seconds on another machine.",
        "Please restart a crashed worker within a few seconds on another machine.",
        "The supervisor restarts such a worker within a few seconds on a machine.",
        "The table below shows when a crashed worker is restarted on a machine.",
    ],
)
def test_a_sentence_that_leans_or_speaks_to_its_reader_counts_less(worse):
    assert shape(worse) < shape("The supervisor restarts a crashed worker within a few seconds somewhere.")
