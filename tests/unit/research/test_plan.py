"""Facets and plans: what is asked of whom, and in which order."""

from __future__ import annotations

import pytest

from scr.apps.research.facets import find_facets, nearest, plan_for
from scr.apps.research.focus import focus_on
from scr.apps.research.plan import Kind, make_plan, plan_without_answer, ready
from scr.apps.research.text.index import Index
from scr.errors import InvalidInput


def ids(subtasks):
    return [subtask.subtask_id for subtask in subtasks]


PLAN = make_plan("Why?", [("Restarts", "restarts"), ("Journal", "journal")])


def test_a_plan_has_an_overview_its_facets_an_analysis_and_a_synthesis():
    assert [subtask.kind for subtask in PLAN.subtasks] == [Kind.RESEARCH] * 3 + [Kind.ANALYSIS, Kind.SYNTHESIS]
    assert [facet.title for facet in PLAN.facets] == ["Overview", "Restarts", "Journal"]


def test_all_research_may_start_at_once_and_the_rest_waits_for_it():
    assert ids(ready(PLAN, ())) == ["research-1", "research-2", "research-3"]
    assert ids(ready(PLAN, {"research-1", "research-3"})) == ["research-2"]
    assert ids(ready(PLAN, {"research-1", "research-2", "research-3"})) == ["analysis"]
    assert ids(ready(PLAN, {"research-1", "research-2", "research-3", "analysis"})) == ["synthesis"]
    assert ready(PLAN, set(ids(PLAN.subtasks))) == ()


def test_a_question_without_an_answer_needs_only_its_report():
    plan = plan_without_answer("Why?", ("tea",), ("a.md:3 Tea",))
    assert ids(ready(plan, ())) == ["synthesis"]
    assert not plan.answerable
    assert plan.facets == ()


CORPUS = {
    f"{name.lower()}.md": f"# {name}\n\n"
    + "\n\n".join(
        f"## {facet}\n\nWhen {name} crashes, the {facet.lower()} of its {part} is used for recovery."
        f" After a crash of {name} its recovery depends on the {facet.lower()}, which the {part} reads."
        for facet in facets
    )
    for name, part, facets in [
        ("Heron", "coordinator", ("Journal", "Heartbeat")),
        ("Osprey", "supervisor", ("Journal", "Heartbeat")),
        ("Kestrel", "planner", ("Journal", "Quarantine")),
    ]
} | {"noise.md": "\n\n".join(f"The price of tea number {n} was high in the summer of that year." for n in range(4))}


@pytest.fixture
def opened(write, tmp_path):
    with Index.open_or_build(write(CORPUS), tmp_path / "index") as index:
        yield index


def titles(question, index):
    return [facet.title for facet in plan_for(question, index).facets]


def test_facets_are_what_the_documents_say_near_the_question(opened):
    found = titles("How does recovery from a crash work?", opened)
    assert found[0] == "Overview"
    assert {"Journal", "Heartbeat"} <= set(found)
    assert not {"Recovery", "Crash", "Tea", "Price", "Heron"} & set(found)


def test_things_that_the_question_names_are_facets_of_their_own(opened):
    assert titles("How do Heron and Osprey recover from a crash?", opened)[1:3] == ["Heron", "Osprey"]


def test_another_question_gives_another_plan(opened):
    assert titles("What was the price of tea?", opened) != titles("How does recovery from a crash work?", opened)


@pytest.mark.parametrize("question", ["Who painted the ceiling?", "How is bread baked by a worker?"])
def test_a_question_about_something_else_is_not_answerable(opened, question):
    plan = plan_for(question, opened)
    assert not plan.answerable
    assert plan.missing


def test_words_that_stand_apart_in_the_documents_are_no_answer(opened):
    plan = plan_for("What is the price of quarantine?", opened)
    assert not plan.answerable
    assert plan.missing == ()
    assert plan.nearest


def test_what_is_no_question_is_refused(opened):
    with pytest.raises(InvalidInput):
        plan_for(" ", opened)


def test_the_same_text_twice_counts_once(write, tmp_path):
    copies = {f"copy-{n}.md": CORPUS["heron.md"] for n in range(20)}
    with Index.open_or_build(write(copies, folder="copies"), tmp_path / "copies.index") as index:
        focus = focus_on("recovery after a crash of Heron", index, index.stats.passages)
        near = nearest(focus, index)
        assert len({passage.hit.passage.text for passage in near}) == len(near) == 2
        assert len(find_facets(focus, near, index)) <= 2
