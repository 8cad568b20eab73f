"""Where one of several must be chosen, each is told with what tells it from the others."""

import os

import pytest

from scr.errors import InvalidInput
from scr.protocol.running import Running, read, refuse_several, tell, this_process


def test_a_process_that_answers_nothing_can_be_told_from_the_others(tmp_path):
    tell(tmp_path, this_process("r-1", run="nightly", title="Why?"))
    assert read(tmp_path) == Running("r-1", os.getpid(), os.getppid(), os.getcwd(), "nightly", "Why?")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"colour": 1}'])
def test_what_cannot_be_read_leaves_the_name(tmp_path, text):
    (tmp_path / "about.json").write_text(text)
    assert read(tmp_path) == Running(tmp_path.name)


def test_those_to_choose_from_come_as_a_table_with_the_newest_first():
    old = Running("r-1", 10, 1, "/home/me/" + "x" * 50, "nightly", "Why\ndo ponds freeze?" + "x" * 99)
    error = refuse_several("runtime", "--runtime", [old, Running("r-2")])
    first, heads, *rows = str(error).splitlines()
    assert first == "2 runtimes are running: r-1, r-2; choose one with --runtime"
    assert heads.split() == ["RUNTIME", "PID", "RUN", "FOLDER", "TITLE"]
    assert [row.split()[0] for row in rows] == ["r-2", "r-1"]
    assert rows[1].split()[1:3] == ["10", "nightly"]
    assert "Why do ponds freeze?" in rows[1]
    assert max(map(len, rows)) < 150
    assert (error.option, error.newest, isinstance(error, InvalidInput)) == ("--runtime", "r-2", True)
