from __future__ import annotations

from scr.apps.research.analysis import analyse, short
from scr.apps.research.claims import draft
from scr.apps.research.evidence import aim_at, extract, retrieve
from scr.apps.research.focus import focus_on
from scr.apps.research.text.index import Index

PAGES = {
    "heron.md": """# Heron

## Restarts

Heron restarts a crashed worker within a second, and the operator is told.

## Queue

The queue of Heron keeps the waiting tasks of a crashed worker on disk.
""",
    "osprey.md": """# Osprey

## Restarts

Osprey does not restart a crashed worker, and the operator is told after a minute.

## Queue

The waiting tasks of a crashed worker stay on the disk in the queue of Osprey for seven days.
Unlike Heron, Osprey gives a crashed worker no second chance in its queue.
""",
    "kestrel.md": """# Kestrel

## Restarts

After a crash of a worker, the restart is left to the user of Kestrel.
""",
}


def analysis_of(folder, path, question="What happens to the queue when a worker crashes?"):
    with Index.open_or_build(folder, path) as index:
        focus = focus_on(question, index, index.stats.passages)
        findings = []
        for n, query in enumerate(["", "queue", "restart"], 1):
            aim = aim_at(focus, query, index.names)
            found = extract(aim, index, retrieve(aim, index))
            findings.append(draft(f"research-{n}", query.capitalize() or "Overview", found, 1))
        return analyse(findings, focus, index)


def of_kind(analysis, kind):
    return [claim for claim in analysis.claims if claim.kind == kind]


def test_the_things_compared_are_the_subjects_of_the_documents(write, tmp_path):
    assert set(analysis_of(write(PAGES), tmp_path / "index").things) >= {"Heron", "Osprey"}


def test_the_things_that_the_question_names_are_compared_alone(write, tmp_path):
    question = "What happens to the queue of Heron and of Osprey when a worker crashes?"
    assert analysis_of(write(PAGES), tmp_path / "index", question).things == ("Heron", "Osprey")


def test_a_cell_says_one_thing_about_one_facet_and_cites_it(write, tmp_path):
    cells = of_kind(analysis_of(write(PAGES), tmp_path / "index"), "cell")
    queue = {cell.thing: cell for cell in cells if cell.facet == "research-2"}
    assert queue["Heron"].text == "The queue of Heron keeps the waiting tasks of a crashed worker on disk."
    assert queue["Heron"].citations[0].path == "heron.md"
    assert len({(cell.thing, cell.facet) for cell in cells}) == len(cells)


def test_what_one_says_and_another_denies_is_a_contrast(write, tmp_path):
    texts = [claim.text for claim in of_kind(analysis_of(write(PAGES), tmp_path / "index"), "contrast")]
    assert any("Unlike Heron, Osprey" in text for text in texts)
    assert any("Heron restarts" in text and "Osprey does not restart" in text for text in texts)


def test_what_two_say_alike_is_an_agreement_with_a_citation_for_each(write, tmp_path):
    (agreement, *_) = of_kind(analysis_of(write(PAGES), tmp_path / "index"), "agreement")
    assert len(agreement.text.split("\n")) == len(agreement.citations) == 2
    assert agreement.citations[0].path != agreement.citations[1].path


def test_documents_about_one_thing_give_nothing_to_compare(write, tmp_path):
    analysis = analysis_of(write({"heron.md": PAGES["heron.md"]}), tmp_path / "index")
    assert analysis.things == ()
    assert analysis.claims == ()


def test_a_cell_is_shortened_at_a_clause_and_never_in_the_middle_of_one():
    text = "A full queue refuses new tasks with an error, " + "and " + "so on " * 40 + "it goes."
    assert short(text) == "A full queue refuses new tasks with an error."
    assert short("However, a short one stays as it is, but for its opening.") == (
        "A short one stays as it is, but for its opening."
    )
