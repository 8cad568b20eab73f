"""Lines about runs: aligned, in as much room as there is, and complete."""

import sys
from dataclasses import replace
from string import Formatter
from typing import get_args

import pytest

from scr.cli.output import say_found
from scr.cli.streams import say_status
from scr.protocol.status import Priority, RunState
from scr.specs import SupervisorSpec
from scr.store.archive.counts import Tally
from scr.store.archive.summaries import ListedRun
from scr.telemetry.events import AgentExited, Event, LinesDropped, MessageAccepted, Progressed, Record
from scr.views.columns import aligned, cut, wrapped
from scr.views.stored_runs import StoredRunRow, as_object, next_steps, run_table, summary
from scr.views.timeline import SAYINGS, describe_event, line_of

TREE = SupervisorSpec(id="root", strategy="one_for_one")
KINDS = {event.__dataclass_fields__["kind"].default: event for event in get_args(get_args(Event)[0])}
NAME = "20260101-120000-a1b2c3"


def row(state=RunState.DONE, title="Why do ponds freeze, and when?", **counts):
    run = ListedRun(NAME, title, state, Priority.NORMAL, TREE, 1000.0, "r-1", state is RunState.RUNNING, 1, 9, NAME)
    return StoredRunRow(run, Tally(**{"agents": 8, "messages": 5, "first": 1001.0, "last": 1003.5} | counts))


def test_where_there_is_room_nothing_is_left_out():
    heads, line = run_table([row()], 1060.0, None)
    assert heads.split()[5:8] == ["OPEN", "DOUBT", "DEAD"]
    assert line == f"{NAME}  done   60s  2.5s       8     0      0     0  Why do ponds freeze, and when?"


@pytest.mark.parametrize(
    ("counts", "heads"), [({}, 6), ({"open_messages": 2}, 7), ({"dead_letters": 1, "in_doubt": 3}, 7)]
)
def test_in_80_columns_what_is_nowhere_is_left_out_and_the_title_gives_way(counts, heads):
    lines = run_table([row(), row(RunState.INTERRUPTED, **counts)], 1060.0, 80)
    assert len(lines[0].split()) == heads
    assert max(map(len, lines)) <= 80
    assert lines[1].endswith("…")


@pytest.mark.parametrize("width", [60, 40])
def test_on_a_narrow_terminal_no_word_is_lost_and_what_must_not_be_forgotten_is_shown(width):
    lines = run_table([row(RunState.INTERRUPTED, dead_letters=7, in_doubt=3)], 1060.0, width)
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    assert [word for word in (NAME, "interrupted", "DOUBT", "3", "DEAD", "7", "TITLE") if word not in words] == []
    assert " ".join(words).endswith("Why do ponds freeze, and when?")


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("", [""]),
        ("916 rows: sound", ["916 rows: sound"]),
        ("a store of 916 rows: sound", ["a store of 916", "rows: sound"]),
        ("    once more: scr x", ["    once more:", "    scr x"]),
        ("/a/path-that-is-longer-than-that", ["/a/path-that-is-longer-than-that"]),
    ],
)
def test_a_line_is_broken_at_spaces_and_keeps_its_indentation(line, parts):
    assert wrapped(line, 15) == parts
    assert wrapped(line, None) == [line]


def test_what_is_said_is_wrapped_on_a_terminal(monkeypatch, capsys):
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "20")
    say_found({}, ["the store of 916 rows: sound"], as_json=False)
    say_status("one line\nand a second line of words")
    assert tuple(capsys.readouterr()) == (
        "the store of 916\nrows: sound\n",
        "one line\nand a second line of\nwords\n",
    )


@pytest.mark.parametrize(
    ("state", "count"),
    [(RunState.DONE, 1), (RunState.FAILED, 1), (RunState.CANCELLED, 0), (RunState.STOPPED, 4), (RunState.RUNNING, 4)],
)
def test_of_a_run_that_is_over_only_what_came_from_outside_is_open(state, count):
    over = row(state, open_messages=4, from_outside=1)
    assert run_table([over], 1060.0, None)[1].split()[5] == str(count)
    assert as_object(over, 1060.0)["open"] == count
    assert any(f", open {count}, " in line for line in summary(over, 1060.0))


def test_a_run_under_way_takes_until_now():
    assert (row(RunState.RUNNING).took_s(1061.0), row().took_s(1061.0), row(first=0.0).took_s(1061.0)) == (60.0, 2.5, 0)


@pytest.mark.parametrize("state", RunState)
def test_every_state_says_what_can_be_done(state):
    assert any(
        f"`scr {verb} {NAME}" in step for step in next_steps(row(state)) for verb in ("resume", "show", "cancel")
    )


def test_a_run_that_failed_says_why_on_one_line():
    failed = row(RunState.FAILED)
    failed = replace(failed, run=replace(failed.run, reason="no disk:\n  it is full"))
    assert "state       failed: no disk: it is full" in summary(failed, 1060.0)


def test_what_waits_for_a_person_comes_first_and_nothing_is_made_of_nothing():
    steps = list(next_steps(row(RunState.STOPPED, in_doubt=1, dead_letters=1)))
    assert [step.split()[1] for step in steps] == ["doubts", "dead", "resume"]
    assert list(next_steps(row(RunState.STOPPED, messages=0))) == [
        "nothing was accepted, so nothing is lost: start it again"
    ]


def test_numbers_keep_to_the_right_and_text_to_the_left():
    assert aligned(("AGENT", "INC"), [("a", "1"), ("bb", "10")]) == ["AGENT  INC", "a        1", "bb      10"]
    assert [cut("one\n two", None), cut("one two", 5), cut("one", 3)] == ["one two", "one …", "one"]


@pytest.mark.parametrize("kind", SAYINGS)
def test_what_is_said_of_an_event_is_in_it(kind):
    fields = {name for _, name, _, _ in Formatter().parse(SAYINGS[kind]) if name}
    assert fields <= set(KINDS[kind].__dataclass_fields__)


def test_an_event_is_a_line_with_its_place_its_time_and_its_cause():
    event = MessageAccepted(message_id="0123456789abcdef", type="task", sender="a", to="b", title="ponds")
    record = Record(seq=12, at=1.0, time=101.25, event=event, cause=7)
    assert line_of(record, 100.0) == "    12     +1.250 s  01234567 accepted: task from a to b ponds  (of 7)"
    assert line_of(record, 100.0, 50) == "    12     +1.250 s  01234567 accepted: t…  (of 7)"
    assert len(line_of(record, 100.0, 50)) == 50


def test_an_event_of_another_kind_is_told_by_its_fields():
    record = Record(seq=1, at=1.0, time=1.0, event=LinesDropped(agent="a", count=5))
    assert describe_event(record) == "lines dropped: agent a, count 5"


def test_progress_is_told_as_the_line_that_it_was(record):
    told = Progressed(agent="planner", message_id="m", done=240, total=1000, note="reading documents")
    assert describe_event(record(told)) == "planner: reading documents 240 of 1,000"
    assert (
        describe_event(record(Progressed(agent="planner", done=1, total=2, note="warming up")))
        == "planner: warming up 1 of 2"
    )


def test_many_lines_of_a_detail_are_one():
    event = AgentExited(agent="a", incarnation=1, pid=2, reason="error", detail="ValueError: no\n  more")
    assert line_of(Record(seq=1, at=1.0, time=1.0, event=event), 1.0).endswith("a ended: error ValueError: no more")
