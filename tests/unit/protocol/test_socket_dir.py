"""The directories of runtimes: private, short enough for a socket, and gone when their process is."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from scr.errors import InvalidInput
from scr.protocol import socket_dir
from scr.protocol.socket_dir import CONTROL, ROOT_BYTES_MAX, discard_scratch, find_runtimes, make_scratch, scratch_root
from tests.unit.runtime.listening import listening_at

HOLDS = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from scr.protocol.socket_dir import make_scratch
make_scratch(sys.argv[2])
print("made", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def place(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="scr-t-") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        yield Path(short)


@pytest.fixture
def holder(place):
    """A process that has made a directory of this name."""
    started = []

    def start(name):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDS, str(place), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_what_the_dead_left_is_removed_and_nothing_of_the_living_or_of_others(place, holder):
    holder("r-00000001")
    dead = holder("r-00000002")
    dead.kill()
    dead.wait()
    root = scratch_root()
    (root / "r-00000003").mkdir()
    (root / "notes").mkdir()
    with listening_at(root / "r-00000003" / CONTROL):
        make_scratch("r-00000004")
        assert {path.name for path in root.iterdir()} == {"notes", "r-00000001", "r-00000003", "r-00000004"}


def test_nothing_is_left_when_the_last_is_gone(place):
    make_scratch("r-00000001")
    make_scratch("s-00000002")
    discard_scratch("r-00000001")
    assert list(place.iterdir()) == [scratch_root()]
    discard_scratch("s-00000002")
    assert list(place.iterdir()) == []


def test_who_only_looks_leaves_nothing(place):
    assert find_runtimes() == []
    assert list(place.iterdir()) == []


def test_below_a_long_temporary_directory_the_sockets_are_elsewhere_and_as_private(place, tmp_path, monkeypatch):
    monkeypatch.setattr(socket_dir, "SHORT", (str(place),))
    long = tmp_path / ("x" * 100) / ("y" * 100)
    long.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    path = make_scratch("r-0000000f")
    assert path.parent.parent == place
    assert len(os.fsencode(path.parent)) <= ROOT_BYTES_MAX
    assert path.parent.stat().st_mode & 0o077 == 0
    with listening_at(path / CONTROL):
        assert path in find_runtimes()


def test_a_directory_that_a_sweep_looks_at_as_it_is_made_is_made_all_the_same(place, monkeypatch):
    held, looks = socket_dir._hold, iter([True, False])
    monkeypatch.setattr(socket_dir, "_hold", lambda path: None if next(looks, False) else held(path))
    assert make_scratch("r-00000001").is_dir()


def test_a_root_of_others_is_refused_by_who_makes_and_by_who_looks(place):
    (place / f"scr-{os.getuid()}").mkdir(mode=0o755)
    for look in (scratch_root, find_runtimes, lambda: make_scratch("r-00000001")):
        with pytest.raises(InvalidInput, match="must be a directory of yours with mode 0700"):
            look()


@pytest.mark.parametrize("place", ["/proc", "/dev/null/below"])
def test_a_place_that_takes_no_directory_is_one_sentence(place, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", place)
    monkeypatch.setattr("scr.protocol.socket_dir.SHORT", ())
    with pytest.raises(InvalidInput, match=r"cannot be made .*set TMPDIR"):
        make_scratch("r-00000001")


def test_a_machine_without_a_temporary_directory_is_one_sentence(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", list)
    with pytest.raises(InvalidInput, match="no temporary directory can be written; set TMPDIR"):
        scratch_root()


def test_the_directory_of_a_chaos_run_whose_process_was_killed_is_removed_by_the_next(place, holder):
    dead = holder("c-00000001")
    holder("c-00000002")
    dead.kill()
    dead.wait()
    (scratch_root() / "c-00000001" / "store.sqlite").touch()
    make_scratch("c-00000003")
    assert sorted(path.name for path in scratch_root().iterdir()) == ["c-00000002", "c-00000003"]
