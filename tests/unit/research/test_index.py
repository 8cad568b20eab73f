from __future__ import annotations

import errno
import gc
import os
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from scr.apps.research.text import index as indexes
from scr.apps.research.text.documents import read_folder
from scr.apps.research.text.index import Index, build, match_any
from scr.errors import InvalidDocuments


def test_passages_are_found_with_their_place(index):
    hits = index.search(["journal"], 10)
    assert {hit.passage.path for hit in hits} == {"heron.md", "osprey.md", "theory.md"}
    best = next(hit.passage for hit in hits if hit.passage.path == "heron.md")
    assert best.titles == "Heron \u203a Recovery"
    assert (best.first_line, best.last_line) == (7, 9)
    assert "journal" in index.lines("heron.md", 8, 8)


def test_forms_of_a_word_are_found(index):
    assert index.count("crashes") == index.count("crash") > 0
    assert index.count("recover") >= index.count("recovery") > 0


@pytest.mark.parametrize("term", ['"', "a OR b", "NEAR(", "*", "-", "x'y", "\u00e4"])
def test_no_term_is_syntax(index, term):
    index.search([term], 5)
    assert index.count(term) >= 0


def test_a_search_for_nothing_finds_nothing(index):
    assert match_any([]) == ""
    assert index.search([], 5) == []


def test_the_place_of_a_character_is_its_line(index):
    passage = index.search(["unfinished"], 1)[0].passage
    for offset in range(len(passage.text)):
        word = passage.text[offset:].split()[0] if passage.text[offset:].split() else ""
        if offset == 0 or passage.text[offset - 1] == " ":
            line = index.lines(passage.path, passage.line_at(offset), passage.line_at(offset))
            assert word in line


def test_lines_that_do_not_exist_are_none(index):
    assert index.lines("heron.md", 1, 1) == "# Heron"
    assert index.lines("heron.md", 0, 1) is None
    assert index.lines("heron.md", 5, 4) is None
    assert index.lines("heron.md", 1, 1000) is None
    assert index.lines("nowhere.md", 1, 1) is None


def test_an_index_that_is_there_is_opened_and_not_built_again(birds, tmp_path, monkeypatch):
    path = tmp_path / "run" / "index"
    Index.open_or_build(birds, path).close()
    monkeypatch.setattr(indexes, "build", None)
    with Index.open_or_build(birds, path) as again:
        assert again.stats.documents == 3


def test_an_index_that_is_dropped_in_another_thread_is_closed_there(birds, tmp_path, monkeypatch):
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    held = [Index.open_or_build(birds, tmp_path / "index")]
    thread = threading.Thread(target=lambda: (held.clear(), gc.collect()))
    thread.start()
    thread.join()
    assert not complaints


def test_an_index_of_another_folder_is_replaced(birds, write, tmp_path):
    path = tmp_path / "index"
    Index.open_or_build(birds, path).close()
    with Index.open_or_build(write({"one.md": "Only one document."}, folder="other"), path) as other:
        assert other.stats.documents == 1


def test_a_builder_that_dies_in_the_middle_leaves_no_index_and_the_next_one_builds_it(birds, tmp_path, monkeypatch):
    path = tmp_path / "index"

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(indexes, "split", die)
        build(read_folder(birds), birds, path)
    assert not path.exists()
    with Index.open_or_build(birds, path) as index:
        assert index.stats.documents == 3


def test_a_reader_keeps_its_index_while_another_builder_replaces_the_file(birds, tmp_path):
    path = tmp_path / "index"
    with Index.open_or_build(birds, path) as first:
        build(read_folder(birds), birds, path)
        assert first.count("journal") == 3
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["index"]


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"\0" * 200])
def test_a_file_that_is_no_index_is_refused_and_built_over(birds, tmp_path, content):
    path = tmp_path / "index"
    path.write_bytes(content)
    with pytest.raises(InvalidDocuments):
        Index(path)
    with Index.open_or_build(birds, path) as index:
        assert index.stats.documents == 3


def test_a_disk_that_refuses_is_told_in_one_sentence(birds, tmp_path, monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(indexes, "_write", full)
    with pytest.raises(InvalidDocuments, match=r"cannot be written to .* disk is full"):
        Index.open_or_build(birds, tmp_path / "index")


def test_an_index_cannot_be_written_by_its_readers(index):
    with pytest.raises(sqlite3.OperationalError):
        index._database.execute("DELETE FROM passage")


def test_subjects_are_what_titles_announce(index):
    assert index.subjects == {"Heron", "Osprey"}


def test_while_the_index_is_built_it_is_told_how_many_documents_are_read(write, tmp_path):
    folder = write({f"{n:02}.md": f"# Pond {n}\n\nPonds freeze in winter." for n in range(25)}, folder="many")
    told = []
    Index.open_or_build(folder, tmp_path / "many.index", lambda *how_far: told.append(how_far)).close()
    assert told == [
        (10, 25, "opening documents"),
        (20, 25, "opening documents"),
        (10, 25, "reading documents"),
        (20, 25, "reading documents"),
    ]


def test_an_index_that_several_need_at_once_is_built_by_one(birds, tmp_path, monkeypatch):
    built, path = [], tmp_path / "run" / "index"
    original = indexes.build
    monkeypatch.setattr(indexes, "build", lambda *given: built.append(1) or original(*given))
    begin = threading.Barrier(4)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: (begin.wait(20), Index.ensure(birds, path).stats.documents)[1], range(4)))
    assert (found, built) == ([3] * 4, [1])


def test_an_index_is_built_where_the_file_system_has_no_locks(birds, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(indexes.fcntl, "flock", refuse)
    with Index.ensure(birds, tmp_path / "index") as index:
        assert index.stats.documents == 3


def test_an_index_is_not_built_where_the_documents_are_not(birds, tmp_path):
    with pytest.raises(InvalidDocuments, match=r"gone' is not on this machine: there is no folder") as refused:
        Index.ensure(tmp_path / "gone", tmp_path / "index")
    assert str(refused.value).count(str(tmp_path / "gone")) == 1
    Index.ensure(birds, tmp_path / "index").close()
    birds.rename(tmp_path / "moved")
    with Index.ensure(birds, tmp_path / "index") as index:
        assert index.stats.documents == 3, "what is there is enough"


def test_an_index_that_cannot_be_made_here_says_so(birds, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidDocuments, match="the index cannot be written"):
        Index.ensure(birds, tmp_path / "file" / "index")
