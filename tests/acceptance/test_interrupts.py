"""Ctrl-C before a run has begun: it is said that nothing had been started, and nothing is left."""

import signal
from pathlib import Path

import pytest

from tests.acceptance.processes import alive, children_of
from tests.conftest import until


def takes_signals(process, _folder):
    """Whether the command has taken the signals over: Python alone has no handler for SIGTERM."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("SigCgt:")[1].split()[0], 16) >> (signal.SIGTERM - 1) & 1


def has_begun_a_runtime(process, _folder):
    return children_of(process.pid)


def has_a_folder(_process, folder):
    return list(folder.glob(".scr/runs/*/events.jsonl"))


@pytest.mark.parametrize(
    ("moment", "number"),
    [(takes_signals, signal.SIGINT), (has_begun_a_runtime, signal.SIGHUP), (has_a_folder, signal.SIGTERM)],
)
def test_a_command_that_is_interrupted_early_says_what_is_kept_and_leaves_nothing(command, tmp_path, moment, number):
    with command("run", "How are crashed agents restarted?") as process:
        until(lambda: moment(process, tmp_path))
        family = children_of(process.pid)
        process.send_signal(number)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    is_kept = "the run is kept: scr resume" in err
    assert is_kept or "nothing had been started" in err
    until(lambda: not alive(family))
    assert bool(list(tmp_path.glob(".scr/runs/*"))) is is_kept
