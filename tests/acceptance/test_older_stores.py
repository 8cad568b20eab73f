"""A store and an export that SCR has written before its modules had the names of today.

`of_048d2af.sqlite` holds three runs: research that is done, research whose
runtime and keeper were killed, and a program that was killed with an agent of
its own in the middle of a task.  That agent and another travelled as bytes.
`of_048d2af.scr` is the export of the first, `of_52f22ee.scr` of one like it
from the last commit with the old names.  Paths in them are relative.
"""

import gzip
import sys
from importlib import import_module
from pathlib import Path

import pytest

import scr as public
from scr.moved import MOVED

DATA = Path(__file__).parents[1] / "data"
STORE = "sqlite:///048d2af.sqlite"
DONE, INTERRUPTED = "20261128-060705-ae2dc8", "20261128-060708-4af611"
DOCUMENTS = {
    "harbour.md": """# The harbour

## How the harbour keeps its ships

The harbour keeps its ships behind a breakwater of stone. The breakwater stops the waves of the winter storms.
A pilot boards each ship before it enters the harbour. The pilot knows where the sand lies.
The harbour master writes the name of each ship in a ledger. The ledger is kept for ten years.
""",
    "lighthouse.md": """# The lighthouse

## How the lighthouse warns ships

The lighthouse warns ships of the rocks by its light. The light turns once in ten seconds.
A keeper cleans the lens each morning. The keeper writes the hours of fog in a ledger.
When the lamp fails, the keeper lights a second lamp. The second lamp burns oil.
""",
}
BYTECODE = (3, 11)


@pytest.fixture
def old(tmp_path):
    """The folder in which the runs are, with their store and the documents."""
    (tmp_path / "docs").mkdir()
    for name, text in DOCUMENTS.items():
        (tmp_path / "docs" / name).write_text(text)
    for file in DATA.glob("of_*.gz"):
        (tmp_path / file.stem.removeprefix("of_")).write_bytes(gzip.decompress(file.read_bytes()))
    return tmp_path


def found_in(report):
    """The sentences that a report found: its part above what was not found, which is told otherwise today."""
    return report.split("# How", 1)[1].split("## What was not found")[0]


def test_an_interrupted_run_is_resumed_and_finds_what_one_that_was_not_interrupted_found(scr, old):
    resumed = scr("resume", INTERRUPTED, "--store", STORE, "--json").json
    undisturbed = scr("resume", DONE, "--store", STORE, "--json").json
    assert resumed["status"] == undisturbed["status"] == "done"
    assert found_in(resumed["report"]) == found_in(undisturbed["report"])
    assert scr("doctor", "--store", STORE).code == 0


@pytest.mark.parametrize(("agent", "turns"), [("worker-1", 3), ("critic", 1)])
def test_agents_whose_code_only_moved_are_replayed_without_a_difference(scr, old, agent, turns):
    found = scr("replay", DONE, "--agent", agent, "--store", STORE, "--json").json
    assert (found["is_same"], found["turns"]) == (True, turns)


def test_an_export_is_imported_and_its_report_is_shown(scr, old):
    assert scr("import", "048d2af.scr", "--as", "back").code == 0
    assert scr("resume", "back", "--json").json["status"] == "done"
    assert scr("replay", "back", "--agent", "worker-1").code == 0


def test_a_run_of_the_last_state_before_the_move_is_replayed_without_any_difference(scr, old):
    assert scr("import", "52f22ee.scr", "--as", "back").code == 0
    found = scr("replay", "back", "--json").json
    assert found["is_same"]
    assert {agent["agent"] for agent in found["agents"]} == {"planner", "critic", "worker-1"}


@pytest.mark.skipif(sys.version_info[:2] != BYTECODE, reason="code that travels as bytes is bytecode of one Python")
def test_a_program_goes_on_with_the_agents_that_it_had_sent_as_bytes(old, monkeypatch):
    monkeypatch.chdir(old)
    (old / "open").touch()
    with public.Runtime(run="shop", store=STORE) as runtime:
        assert runtime.submit("till", "pear", key="a pear").result() == {"total": 9, "deliveries": 2}
        assert runtime.ask("purse", 4) == 4
    assert not (old / "looked-up").exists(), "the step was recorded"


@pytest.mark.parametrize(("before", "now"), MOVED.items())
def test_a_module_of_before_is_not_there_and_that_of_today_is(before, now):
    with pytest.raises(ModuleNotFoundError):
        import_module(before)
    assert import_module(now)
