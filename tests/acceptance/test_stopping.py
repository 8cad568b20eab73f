import os
import re
import signal
from pathlib import Path

import pytest

from tests.acceptance.processes import alive, children_of
from tests.conftest import until


def read_until(process, words):
    for line in process.stderr:
        if words in line:
            return
    pytest.fail(f"it ended without {words!r}")


@pytest.fixture
def midway(command):
    """A run with its workers in the middle of their work, and all its processes."""
    process = command("run", "How are crashed agents restarted?", "--workers", "3")
    try:
        read_until(process, "worker-3 working on")
        family = children_of(process.pid)
        assert len(family) >= 7
        yield process, family
    finally:
        process.kill()
        process.communicate()


def command_of(pid):
    """What a process runs; nothing when it has ended meanwhile, as the first parent of an agent does."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_stops_everything_and_says_what_is_kept(midway, tmp_path, number):
    process, family = midway
    process.send_signal(number)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert not alive(family)
    (folder,) = (tmp_path / ".scr" / "runs").iterdir()
    assert f"stopped by {number.name}" in err
    assert f"kept: events.jsonl, index.sqlite in {folder}" in err
    assert f"scr resume {folder.name}" in err
    assert "Traceback" not in err
    assert sorted(path.name for path in folder.iterdir()) == ["events.jsonl", "index.sqlite"]


def test_when_scr_itself_is_killed_nothing_is_left(midway):
    process, family = midway
    process.kill()
    until(lambda: not alive(family))


def test_when_the_runtime_is_killed_another_one_goes_on_with_the_run(midway, tmp_path):
    process, family = midway
    (runtime,) = [pid for pid in family if b"scr: runtime" in command_of(pid)]
    os.kill(runtime, signal.SIGKILL)
    _, err = process.communicate(timeout=20)
    assert process.returncode in {0, 3}, err
    assert not alive(family)
    assert len(re.findall(r"runtime \S+ up, pid \d+", err)) == 1, "the first one was told of before"
    assert list(tmp_path.glob(".scr/runs/*/report.md"))


def test_a_reader_that_goes_away_costs_the_run_nothing_but_what_is_printed(midway, tmp_path):
    process, family = midway
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(timeout=20) == 141
    assert not alive(family)
    assert "Traceback" not in err
    (report,) = tmp_path.glob(".scr/runs/*/report.md")
    assert err.splitlines()[-1] == f"report: {report}"


def test_a_status_that_has_no_reader_costs_the_run_nothing(midway, tmp_path):
    process, family = midway
    process.stderr.close()
    out = process.stdout.read()
    assert process.wait(timeout=20) in {0, 3}
    assert not alive(family)
    (report,) = tmp_path.glob(".scr/runs/*/report.md")
    assert out == report.read_text()
