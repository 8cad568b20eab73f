import json
import os

from scr.apps.research.running.run_folder import RunFolder
from scr.telemetry.events import RECORD, RuntimeUp


def test_a_run_leaves_its_report_and_all_that_it_rests_on(tmp_path, outcome, record):
    folder = RunFolder(tmp_path)
    placed = [record(RuntimeUp(runtime="r-1", pid=n)) for n in (1, 2, 3)]
    for one in placed:
        folder.event(one)
    folder.keep(outcome(), "the report")
    folder.close()
    assert folder.held() == ["claims.jsonl", "events.jsonl", "plan.json", "report.md", "sources.jsonl"]
    assert [RECORD.validate_json(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()] == placed
    assert (tmp_path / "report.md").read_text() == "the report"
    assert json.loads((tmp_path / "sources.jsonl").read_text())["path"] == "ponds.md"
    assert json.loads((tmp_path / "claims.jsonl").read_text())["claim"]["text"] == "Ponds freeze."
    assert json.loads((tmp_path / "plan.json").read_text())["question"] == "Why?"
    assert not folder.trouble


def test_events_are_on_disk_as_soon_as_they_are_known(tmp_path, record):
    folder = RunFolder(tmp_path)
    folder.event(record(RuntimeUp(runtime="r-1", pid=1)))
    assert (tmp_path / "events.jsonl").read_text().endswith("\n")
    folder.close()


def test_the_index_is_removed_at_the_end_with_what_belongs_to_it(tmp_path):
    folder = RunFolder(tmp_path)
    for suffix in ("", "-wal", "-shm"):
        folder.index.with_name(folder.index.name + suffix).write_bytes(b"x")
    folder.close()
    assert folder.held() == ["events.jsonl"]


def test_a_disk_that_fills_up_is_one_sentence_and_costs_only_the_files(tmp_path, outcome, record):
    os.symlink("/dev/full", tmp_path / "events.jsonl")
    folder = RunFolder(tmp_path)
    for n in (1, 2, 3):
        folder.event(record(RuntimeUp(runtime="r-1", pid=n)))
    folder.keep(outcome(), "the report")
    folder.close()
    assert "events.jsonl could not be written (No space left on device)" in folder.trouble
    assert "--out" in folder.trouble
