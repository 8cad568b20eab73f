import os

import pytest


@pytest.fixture
def folders(tmp_path):
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["", "--docs", "."], "the question is empty"),
        (["x" * 100_000], "the limit is"),
        (["Why?", "--docs", "missing"], "there is no folder"),
        (["Why?", "--docs", "empty"], "holds no readable document"),
        (["Why?", "--workers", "0"], "--workers is 0"),
        (["Why?", "--out", "/proc/nowhere"], "cannot be written"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_exit_2(scr, folders, arguments, words):
    said = scr("run", *arguments)
    assert (said.code, said.out) == (2, "")
    assert words in said.err
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err
    assert not (folders / ".scr").exists()


def test_with_json_the_sentence_is_in_the_one_object_too(scr, folders):
    said = scr("run", "Why?", "--docs", "missing", "--json")
    assert said.code == 2
    assert said.json["status"] == "bad_input"
    assert "there is no folder" in said.json["error"]


def test_files_that_cannot_be_read_are_noted_in_the_report(scr, folders):
    docs = folders / "docs"
    docs.mkdir()
    text = "A pond is a small body of still water. Ponds freeze in winter because the wind does not move them.\n"
    (docs / "ponds.md").write_text(f"# Ponds\n\n{text}")
    (docs / "binary.md").write_bytes(b"\0\1")
    (docs / "latin.txt").write_bytes(b"\xe4\xf6\xfc " * 50)
    with (docs / "large.txt").open("wb") as file:
        file.truncate(200_000_000)
    (docs / "loop").symlink_to(docs, target_is_directory=True)
    os.mkfifo(docs / "pipe.md")
    said = scr("run", "Why do ponds freeze?", "--docs", str(docs), "--json")
    assert said.code in {0, 3}
    assert "Ponds freeze in winter" in said.json["report"]
    assert "4 files skipped" in said.json["report"]
    assert said.json["processes_left"] == 0
