"""What cannot be resumed says why, and starts nothing."""

import pytest

from scr.apps.research.tree import RESEARCH_TREE
from scr.messages import CLIENT, Task, origin
from scr.store.archive.archive import open_archive
from tests.unit.store.story import opened, told


@pytest.fixture
def create(store):
    """A run of research that nobody has begun."""

    def make(run, given):
        task = Task(
            payload={"task_id": run, "kind": "research", "input": given},
            **origin(message_id=run, sender=CLIENT, to="planner", at=1.0),
        )
        with open_archive(store, create=True) as archive:
            archive.create(run, RESEARCH_TREE, task, title="Why?")

    return make


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        (1, "nothing was accepted, so nothing is lost: start again with `scr run`"),
        (None, "is a program's own: start that program again, with run='mine' and its store"),
    ],
)
def test_a_run_that_is_not_of_scr_run_says_whose_it_is(scr, store, calls, words):
    told(store, "mine", calls=calls)
    said = scr("resume", "mine", "--store", store)
    assert (said.code, said.out) == (2, "")
    assert words in said.err


def test_a_cancelled_run_stays_so(scr, store):
    told(store, "half", calls=12)
    scr("cancel", "half", "--store", store)
    said = scr("resume", "half", "--store", store, "--json")
    assert said.code == 5
    assert said.json["error"].startswith("the run half was cancelled; `scr fork half --at SEQ`")


def test_a_run_that_somebody_works_on_is_left_to_him(scr, store, monkeypatch):
    monkeypatch.setattr("scr.cli.select_run.DYING_S", 0.0)
    kept = opened(store, "busy")
    said = scr("resume", "busy", "--store", store)
    kept.close()
    assert said.code == 5
    assert "the runtime test works on the run busy" in said.err


def test_a_run_that_asks_for_something_else_is_told_apart(scr, store, create):
    create("odd", {"question": "Why?"})
    said = scr("resume", "odd", "--store", store)
    assert said.code == 2
    assert "odd is no run of `scr run`: not a valid research task: docs: " in said.err


def test_without_index_and_documents_a_run_waits_for_one_of_them(scr, store, create, tmp_path):
    index = tmp_path / "gone" / "index.sqlite"
    create("bare", {"question": "Why?", "docs": str(tmp_path / "nodocs"), "index": str(index), "workers": 2})
    said = scr("resume", "bare", "--store", store)
    assert said.code == 2
    assert "nodocs" in said.err
    assert "put one of them back, and resume again" in said.err
