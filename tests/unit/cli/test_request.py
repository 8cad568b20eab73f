from pathlib import Path

import pytest

from scr.apps.research.running import request
from scr.apps.research.running.request import CORPUS, checked, new_run_id, prepare_folder
from scr.errors import InvalidInput


def test_the_bundled_documents_and_a_question_are_a_job():
    found = checked("  How do agents\nrecover? ", CORPUS, 3)
    assert (found.question, found.docs, found.workers) == ("How do agents recover?", CORPUS.resolve(), 3)


@pytest.mark.parametrize(
    ("question", "workers", "word"),
    [
        ("", 3, "empty"),
        ("   ", 3, "empty"),
        ("x" * 100_000, 3, "100000 characters"),
        ("Why?", 0, "--workers"),
        ("Why?", 65, "--workers"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(question, workers, word):
    with pytest.raises(InvalidInput, match=word):
        checked(question, CORPUS, workers)


def test_a_folder_without_documents_is_refused(tmp_path):
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "binary.md").write_bytes(b"\0\1\2")
    with pytest.raises(InvalidInput, match="no readable document"):
        checked("Why?", tmp_path, 3)
    with pytest.raises(InvalidInput, match="there is no folder"):
        checked("Why?", tmp_path / "missing", 3)


def test_a_run_folder_is_made_with_its_parents_and_left_empty(tmp_path):
    made = prepare_folder(tmp_path / "a" / "b")
    assert made.is_dir()
    assert not list(made.iterdir())


def test_a_file_in_the_place_of_the_run_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(
        InvalidInput, match="work in a folder that can be written, or give `scr run` another one with --out"
    ):
        prepare_folder(tmp_path / "file")


def test_a_run_folder_that_cannot_be_made_is_refused():
    with pytest.raises(
        InvalidInput, match="work in a folder that can be written, or give `scr run` another one with --out"
    ):
        prepare_folder(Path("/proc/scr-runs"))


def test_a_full_disk_is_refused_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(request, "FREE_BYTES_MIN", 1 << 60)
    with pytest.raises(InvalidInput, match="MB are free"):
        prepare_folder(tmp_path)


def test_no_two_runs_have_one_name():
    assert len({new_run_id() for _ in range(50)}) == 50
