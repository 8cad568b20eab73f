"""Runs that are kept, as commands list and show them, and end them."""

import sqlite3
from contextlib import closing

import pytest

from scr.cli.app import GROUPS
from scr.store.archive.archive import open_archive
from tests.unit.store.story import opened, story, told

EVENTS = story().events


def test_an_empty_store_says_how_to_begin(scr):
    said = scr("runs")
    assert said.code == 0
    assert said.out.startswith("no runs in sqlite:///.scr/store.sqlite; begin with `scr demo`")
    assert scr("runs", "--json").json == {"status": "done", "more": False, "runs": [], "damaged": []}


def test_runs_are_listed_the_newest_first_with_what_must_not_be_forgotten(scr, store):
    told(store, "early", calls=4)
    told(store, "latest")
    heads, *lines = scr("runs", "--store", store).out.splitlines()
    assert heads.split() == ["RUN", "STATE", "AGE", "TOOK", "AGENTS", "OPEN", "DOUBT", "DEAD", "TITLE"]
    assert [line.split()[0] for line in lines] == ["latest", "early", "story"]
    assert lines[0].endswith("4     4      0     0  a story")
    assert scr("runs", "--last", "2", "--store", store).out.splitlines()[-1] == "… older ones: scr runs --last 20"
    found = scr("runs", "--last", "1", "--store", store, "--json").json
    (run,) = found["runs"]
    assert found["more"] is True
    assert (run["run_id"], run["state"], run["events"], run["owned"]) == ("latest", "stopped", EVENTS, False)
    assert (run["agents"], run["open"], run["in_doubt"], run["dead_letters"], run["crashes"]) == (4, 4, 0, 0, 1)


def test_a_damaged_run_is_told_beside_the_others_and_the_code_says_so(scr, store):
    told(store, "early")
    told(store, "latest")
    with closing(sqlite3.connect(store.removeprefix("sqlite:///").partition("?")[0])) as database, database:
        database.execute("UPDATE runs SET created = created + 1 WHERE run = 'early'")
    said = scr("runs", "--store", store)
    assert [line.split()[0] for line in said.out.splitlines()] == ["RUN", "latest", "story"]
    assert (said.code, said.err.count("run 'early' in the store is not what was written")) == (3, 1)
    found = scr("runs", "--store", store, "--json").json
    assert (found["status"], len(found["runs"]), len(found["damaged"])) == ("partial", 2, 1)
    for command in ("dead", "doubts"):
        said = scr(command, "--store", store)
        assert (said.code, said.err.count("run 'early'")) == (3, 1)


def test_a_run_is_shown_in_short_with_what_can_be_done(scr, store):
    said = scr("show", "story", "--store", store)
    fields = {line[:11].strip(): line[12:] for line in said.out.splitlines()}
    assert said.code == 0
    assert fields["title"] == "a story"
    assert fields["state"] == "stopped"
    assert fields["agents"] == "4, crashes 1, turns 8"
    assert fields["next"] == "`scr resume story` goes on with it"
    assert max(map(len, said.out.splitlines())) <= 80


def test_events_are_a_timeline_with_causes_and_an_end_of_what_is_shown(scr, store):
    more, *lines = scr("show", "story", "--events", "--last", "3", "--store", store).out.splitlines()
    assert more == f"… {EVENTS - 3} earlier ones: scr show story --events --last {EVENTS}"
    assert [line.split()[0] for line in lines] == [str(EVENTS - n) for n in (2, 1, 0)]
    assert lines[-1] == f"{EVENTS:>6}  +{EVENTS - 1:.3f} s  b: again  (of {EVENTS - 1})".replace("  +", "    +")
    assert "earlier" not in scr("show", "story", "--events", "--last", str(EVENTS), "--store", store).out
    found = scr("show", "story", "--events", "--last", "2", "--store", store, "--json").json
    assert [event["seq"] for event in found["events"]] == [EVENTS - 1, EVENTS]
    assert found["run"]["run_id"] == "story"


def test_agents_are_shown_with_each_of_their_lives(scr, store):
    lines = scr("show", "story", "--agents", "--store", store).out.splitlines()
    assert [line.split()[0] for line in lines] == ["AGENT", "a", "b", "c", "d"]
    agents = scr("show", "story", "--agents", "--store", store, "--json").json["agents"]
    assert agents[0]["state"] == {"turns": 4}
    assert [agent["gone_seq"] is None for agent in agents] == [True, True, False, True]


def test_messages_are_shown_with_what_has_become_of_each(scr, store):
    messages = scr("show", "story", "--messages", "--store", store, "--json").json["messages"]
    became = {one["message"]["message_id"]: one["outcome"] for one in messages}
    assert (became["m1"], became["m3"], became["m4"], became["r3"]) == ("turn", "cancelled", None, "answer")
    more, _, *lines = scr("show", "story", "--messages", "--last", "2", "--store", store).out.splitlines()
    assert more.startswith("… ")
    assert [line.split()[0] for line in lines] == ["m3", "m4"]


def test_one_look_at_a_time(scr, store):
    said = scr("show", "story", "--events", "--agents", "--store", store)
    assert (said.code, said.out) == (2, "")
    assert "give one of" in said.err


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("other-1", 0, "other-1"),
        ("s", 0, "story"),
        ("other-", 2, "begins with 'other-': other-2, other-1; write more of it"),
        ("nope", 2, "there is no run 'nope'; `scr runs` lists them"),
    ],
)
def test_as_much_of_a_name_as_no_other_run_begins_with(scr, store, name, code, words):
    told(store, "other-1", calls=3)
    told(store, "other-2", calls=3)
    said = scr("show", name, "--store", store)
    assert said.code == code
    assert words in said.out + said.err


def test_a_run_at_rest_is_cancelled_once(scr, store):
    told(store, "half", calls=12)
    assert scr("cancel", "half", "--store", store).out == "the run half is cancelled\n"
    with open_archive(store) as archive:
        assert archive.run("half").state == "cancelled"
    again = scr("cancel", "half", "--store", store, "--json")
    assert again.code == 2
    assert again.json["error"] == "the run half is cancelled already; there is nothing to cancel"


def test_a_run_whose_runtime_cannot_be_reached_is_left_alone(scr, store):
    kept = opened(store, "busy")
    said = scr("cancel", "busy", "--store", store)
    kept.close()
    assert said.code == 5
    assert "the runtime test works on the run busy and cannot be reached from here" in said.err


def test_a_store_in_memory_is_no_store_for_commands(scr):
    for arguments in (
        ["runs"],
        ["show", "x"],
        ["resume", "x"],
        ["doctor"],
        ["import", "x"],
        ["fork", "x", "--at", "1"],
    ):
        said = scr(*arguments, "--store", "memory:")
        assert (said.code, said.out) == (2, "")
        assert "a store in memory is its runtime's alone" in said.err


def test_a_store_that_is_none_is_one_sentence(scr, tmp_path):
    (tmp_path / "other.sqlite").write_text("something else entirely, and long enough to be looked at")
    for arguments in (["runs"], ["show", "x"], ["dead"], ["doubts"], ["cancel", "x"], ["resume", "x"]):
        said = scr(*arguments, "--store", f"sqlite:///{tmp_path}/other.sqlite")
        assert (said.code, said.out) == (5, "")
        assert "is not a store of SCR" in said.err
        assert said.err.count("\n") == 1


@pytest.mark.parametrize("group", ["runs", "dead_letters", "resume", "maintenance"])
def test_each_command_says_how_it_is_used(scr, group):
    for name in GROUPS[f"scr.cli.commands.{group}"]:
        said = scr(name, "--help")
        assert said.code == 0
        assert "Examples" in said.out
        assert "--json" in said.out
        assert "--store" in said.out
