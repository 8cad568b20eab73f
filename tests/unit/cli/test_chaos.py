"""`scr chaos` that cannot begin, or is ended by a signal: one sentence, its exit code, and nothing left."""

import json
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from scr.apps.research.running.interrupts import SIGNALS
from scr.chaos.user.comparison_run import Trial
from scr.errors import StartFailed
from scr.launch.kernel.signals import heeded
from scr.protocol.socket_dir import scratch_root


@pytest.fixture(autouse=True)
def short(tmp_path, monkeypatch):
    """Use a short temporary directory beside `tmp_path`, and put the path of modules back."""
    assert tmp_path.is_dir()
    monkeypatch.setattr(sys, "path", list(sys.path))
    with tempfile.TemporaryDirectory(prefix="scr-t-") as place:
        monkeypatch.setattr(tempfile, "tempdir", place)
        yield Path(place)


@pytest.fixture
def compared(monkeypatch):
    """Have the comparison do this instead; the files that it was to write are noted."""
    stores = []

    def instead(deed):
        def compare(trial):
            stores.append(Path(trial.store.removeprefix("sqlite:///")))
            assert stores[0].parent.is_dir()
            deed()

        monkeypatch.setattr(Trial, "compare", compare)
        return stores

    return instead


@pytest.mark.parametrize("number", heeded(SIGNALS))
def test_a_signal_ends_it_with_one_line_and_leaves_nothing(scr, compared, short, number):
    before = signal.getsignal(number)
    stores = compared(lambda: signal.raise_signal(number))
    said = scr("chaos", "shop:f")
    assert said.code == 128 + number
    assert said.err == f"scr: stopped by {number.name}; the runs were not compared, and nothing is kept\n"
    assert not stores[0].parent.exists()
    assert list(short.iterdir()) == []
    assert signal.getsignal(number) is before


def test_with_json_a_signal_gives_an_object(scr, compared):
    compared(lambda: signal.raise_signal(signal.SIGTERM))
    assert json.loads(scr("chaos", "shop:f", "--json").out)["status"] == "interrupted"


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_an_agent_that_cannot_be_imported_is_refused_in_one_sentence(scr, compared, options):
    reason = "InvalidCode: 'nope:f' cannot be imported here: No module named 'nope'"

    def refused():
        raise StartFailed(f"start_failed: {reason}\n\nIn the agent's process:\n…")

    compared(refused)
    said = scr("chaos", "nope:f", *options)
    sentence = (
        "'nope:f' cannot be imported here: No module named 'nope'; name an agent that this folder or an installed"
        " package has"
    )
    assert (said.code, said.err) == (2, f"scr: {sentence}\n")
    assert said.out == (json.dumps({"status": "bad_input", "error": sentence}) + "\n" if options else "")


def test_an_agent_that_fails_in_its_start_is_told_whole(scr, compared):
    def failed():
        raise StartFailed("start_failed: ValueError: no\n\nIn the agent's process:\n  there")

    compared(failed)
    said = scr("chaos", "shop:f")
    assert said.code == 5
    assert said.err.endswith("  there\n")


@pytest.mark.parametrize("code", ["./shop:f", "shop.:f", ":f", "a b:f"])
def test_what_cannot_be_a_module_is_refused(scr, code):
    said = scr("chaos", code)
    assert (said.code, said.err) == (2, f"scr: {code!r} does not name an agent; write it as package.module:Class\n")
    assert not any(scratch_root().iterdir())
