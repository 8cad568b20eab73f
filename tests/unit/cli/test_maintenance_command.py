"""Whole runs and whole stores: forked, exported, imported, swept, examined."""

import json
import sqlite3
from contextlib import closing

import pytest

from tests.unit.store.story import image_of, opened, story, told

EVENTS = story().events


def listed(scr, url):
    return {run["run_id"]: run for run in scr("runs", "--store", url, "--json").json["runs"]}


def test_a_fork_is_a_run_of_its_own(scr, store):
    said = scr("fork", "sto", "--at", "9", "--store", store)
    assert said.code == 0
    first, second = said.out.splitlines()
    name = first.split()[0]
    assert "is story as it was after event 9" in first
    assert second == f"go on with it: scr resume {name}"
    fork = listed(scr, store)[name]
    assert (fork["parent"], fork["parent_seq"], fork["events"], fork["state"]) == ("story", 9, 9, "stopped")
    assert "as it was after event 9" in scr("show", name, "--store", store).out


def test_a_fork_knows_the_message_that_began_it(scr, store):
    told(store, "m1")  # as `scr run` does it: the run has the name of its first message
    name = scr("fork", "m1", "--at", str(EVENTS), "--store", store, "--json").json["run_id"]
    assert listed(scr, store)[name]["state"] == "done"


def test_a_fork_of_what_never_was_is_refused(scr, store):
    said = scr("fork", "story", "--at", "999", "--store", store)
    assert said.code == 2
    assert f"give one from 1 to {EVENTS}; `scr show story --events`" in said.err


def test_a_run_goes_to_a_file_and_comes_back(scr, store, tmp_path):
    there = f"sqlite:///{tmp_path}/there.sqlite"
    exported = scr("export", "story", "story.scr", "--store", store)
    assert exported.code == 0
    assert "`scr import story.scr` reads it" in exported.out
    assert scr("export", "story", "story.scr", "--store", store).code == 2
    assert scr("import", "story.scr", "--store", there, "--json").json["run_id"] == "story"
    assert image_of(there, "story").agents == image_of(store, "story").agents
    taken = scr("import", "story.scr", "--store", there)
    assert taken.code == 2
    assert "give the new one another name" in taken.err
    assert scr("import", "story.scr", "--as", "again", "--store", there).code == 0
    assert set(listed(scr, there)) == {"story", "again"}


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 65])
def test_a_name_that_is_no_file_name_is_refused(scr, store, name):
    scr("export", "story", "story.scr", "--store", store)
    said = scr("import", "story.scr", "--as", name, "--store", store)
    assert said.code == 2
    assert "cannot be the name of a run" in said.err


def test_what_may_go_must_be_said_and_is_told_before_it_goes(scr, store):
    told(store, "half", calls=12)
    told(store, "m1")
    said = scr("gc", "--store", store)
    assert said.code == 2
    assert "give --older-than DAYS, --keep N, or the names of runs" in said.err
    planned = scr("gc", "ha", "m1", "--dry-run", "--store", store).out
    assert planned.splitlines()[-1] == "2 runs would be deleted, 0 of those that were meant kept"
    assert set(listed(scr, store)) == {"story", "half", "m1"}
    assert scr("gc", "ha", "m1", "--store", store, "--json").json["deleted"] == ["half", "m1"]
    assert set(listed(scr, store)) == {"story"}
    spared = scr("gc", "--older-than", "0", "--store", store, "--json").json
    assert (spared["deleted"], [one["run_id"] for one in spared["spared"]]) == ([], [])
    assert scr("gc", "--keep", "0", "--older-than", "99999", "--store", store).code == 0


def test_runs_that_have_not_ended_are_left_out_and_that_is_said(scr, store):
    said = scr("gc", "--keep", "0", "--store", store)
    assert said.code == 0
    assert said.out.splitlines() == [
        "1 left out, as they have not ended: `scr gc RUN` deletes one by its name",
        "0 runs deleted, 0 of those that were meant kept",
    ]
    assert scr("gc", "--older-than", "0", "--store", store, "--json").json["unfinished"] == 1


def test_a_run_at_work_is_kept_though_it_is_named_and_the_code_says_so(scr, store):
    told(store, "half", calls=12)
    owned = opened(store, "owned")
    kept = scr("gc", "owned", "--store", store, "--json")
    both = scr("gc", "owned", "half", "--store", store)
    owned.close()
    assert (kept.code, kept.json["status"], both.code) == (5, "failed", 3)
    assert set(listed(scr, store)) == {"story", "owned"}


def test_a_sound_store_is_said_to_be_sound(scr, store):
    said = scr("doctor", "--store", store)
    assert said.code == 0
    assert said.out.endswith("rows: sound\n")
    assert scr("doctor", "story", "--store", store, "--json").json["findings"] == []
    assert scr("doctor", "nope", "--store", store).code == 2


def test_a_damaged_run_is_found_named_and_repaired_as_far_as_can_be(scr, store, tmp_path):
    told(store, "other")
    with closing(sqlite3.connect(tmp_path / "kept.sqlite")) as file, file:
        file.execute("UPDATE messages SET payload = '{}' WHERE message_id = 'm1' AND run = 1")
    said = scr("doctor", "--store", store)
    assert said.code == 1
    assert said.out.startswith("altered: story messages: the row of messages with n 4 ")
    assert "1 thing is wrong; `scr doctor --repair` does what can be done" in said.out
    assert scr("doctor", "other", "--store", store).code == 0
    assert scr("doctor", "story", "--repair", "--store", store).code == 2
    found = scr("doctor", "--repair", "--store", store, "--json")
    assert json.loads(found.out)["status"] == ("done" if found.code == 0 else "unsound")
    assert any("'story' is marked as failed" in deed for deed in found.json["done"])
    assert listed(scr, store)["story"]["reason"].startswith("`scr doctor` found")
