"""Every check rejects a history that was changed in just that way, and none rejects one that happened."""

import json
import re

import pytest

from scr.store.archive.checks import CHECKS, SHOWN, check
from scr.store.archive.findings import Severity
from scr.store.archive.fork import fork_run
from scr.store.archive.row_index import READS
from scr.store.sql import tables
from scr.store.sql.address import database_of
from scr.store.sql.tables import TABLES
from tests.unit.store.story import story, told


def rows_of(url, run="story"):
    session = database_of(url).connect(read_only=True)
    number, row = tables.find(session, run)
    found = {
        table.name: [fact for row in tables.read(session, table, number) for fact in tables.facts(table, row)]
        for table in TABLES
    }
    session.close()
    return row, found


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('checks')}/store.db?durability=process"
    told(url)
    return url


@pytest.fixture
def whole(url):
    return rows_of(url)


def one(rows, **wanted):
    """The one row that has these values."""
    [found] = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    return found


def test_nothing_is_wrong_with_what_happened(whole):
    assert check(*whole) == ()


def test_nothing_is_wrong_with_a_fork_at_any_event(url):
    for seq in range(1, story().events + 1):
        fork_run(database_of(url), "story", seq, f"fork-{seq}", created=1.0)
        assert check(*rows_of(url, f"fork-{seq}")) == (), f"at event {seq}"


def test_the_columns_that_are_looked_at_are_there(whole):
    for table in TABLES:
        assert whole[1][table.name], f"the story has something of {table.name}"
        assert set(READS[table.name]) <= set(whole[1][table.name][0])


MUTATIONS = {
    "an event is missing": ("events", r"after event 4 comes event 6", lambda run, rows: rows["events"].pop(4)),
    "the last event is missing": ("events", r"has \d+ events, and the last", lambda run, rows: rows["events"].pop()),
    "an event is caused by a later one": (
        "events",
        r"event 3 names event 9 as its cause",
        lambda run, rows: rows["events"][2].update(cause=9),
    ),
    "two owners have one epoch": (
        "events",
        r"an owner of epoch 1 came after one of epoch 1",
        lambda run, rows: rows["events"][7].update(kind="runtime_up", body=json.dumps({"runtime": "x", "pid": 1})),
    ),
    "an owner is of an epoch that never was": (
        "events",
        r"has had 0 owners, and there was one of epoch 1",
        lambda run, rows: run.update(epoch=0),
    ),
    "an accepted message is lost": (
        "events",
        r"message_accepted.*'m4', and messages has nothing",
        lambda run, rows: rows["messages"].remove(one(rows["messages"], message_id="m4")),
    ),
    "a turn is lost": (
        "events",
        r"turn_committed.*'q1', and turns has nothing",
        lambda run, rows: rows["turns"].remove(one(rows["turns"], message_id="q1")),
    ),
    "a step is lost": (
        "events",
        r"step_recorded.*'s1', and steps has nothing",
        lambda run, rows: rows["steps"].remove(one(rows["steps"], name="look")),
    ),
    "two writes have one number": (
        "runs",
        r"2 rows of monitors have the number",
        lambda run, rows: rows["monitors"][1].update(n=rows["monitors"][0]["n"]),
    ),
    "a write is after the last": ("runs", r"and the run says that its last is 7", lambda run, rows: run.update(n=7)),
    "a row is of the future": (
        "runs",
        r"a row of effects is of after event 9999",
        lambda run, rows: rows["effects"][0].update(end_seq=9999),
    ),
    "a row ends before it begins": (
        "runs",
        r"a row of timers began after event \d+ and ended after event 1",
        lambda run, rows: one(rows["timers"], timer_id="t2").update(end_seq=1),
    ),
    "a later write has an earlier date": (
        "runs",
        r"write \d+, in crashes, is of after event 2",
        lambda run, rows: rows["crashes"][0].update(seq=2),
    ),
    "a message ended without an outcome": (
        "messages",
        r"'m3' has the outcome None and ended",
        lambda run, rows: one(rows["messages"], message_id="m3").update(outcome=None),
    ),
    "an open message has had its turn": (
        "messages",
        r"'m1' has a turn, and the outcome None",
        lambda run, rows: one(rows["messages"], message_id="m1").update(outcome=None, end_seq=None),
    ),
    "a cancelled message has had its turn": (
        "messages",
        r"'m1' has a turn, and the outcome 'cancelled'",
        lambda run, rows: one(rows["messages"], message_id="m1").update(outcome="cancelled"),
    ),
    "a turn is said and not there": (
        "messages",
        r"'m4' has no turn, and the outcome 'turn'",
        lambda run, rows: one(rows["messages"], message_id="m4").update(outcome="turn", end_seq=30),
    ),
    "an open message is a dead letter": (
        "messages",
        r"'m4' has a dead letter, and the outcome None",
        lambda run, rows: rows["letters"][0].update(message_id="m4", end_seq=None),
    ),
    "a dead message has no letter": (
        "messages",
        r"'m3' has no dead letter, and the outcome 'dead'",
        lambda run, rows: one(rows["messages"], message_id="m3").update(outcome="dead"),
    ),
    "a message was never accepted": (
        "messages",
        r"'m4' was never accepted",
        lambda run, rows: one(rows["messages"], message_id="m4").update(seq=None),
    ),
    "a message has two turns": (
        "turns",
        r"'m1' has 2 turns",
        lambda run, rows: rows["turns"].append(dict(rows["turns"][0], n=run["n"])),
    ),
    "a turn is of a message that there is not": (
        "turns",
        r"of a message 'ghost' that there is not",
        lambda run, rows: rows["turns"][0].update(message_id="ghost"),
    ),
    "a turn is of another agent's message": (
        "turns",
        r"'m1' to 'a' has a turn of 'b'",
        lambda run, rows: rows["turns"][0].update(agent="b"),
    ),
    "a turn is not of the end of its message": (
        "turns",
        r"'m1' ended after event 40, and its turn",
        lambda run, rows: one(rows["messages"], message_id="m1").update(end_seq=40),
    ),
    "a turn is of an agent that was gone": (
        "turns",
        r"is of 'c', who was not there then",
        lambda run, rows: one(rows["agents"], agent="c").update(gone_seq=3),
    ),
    "a turn is of an incarnation that never was": (
        "turns",
        r"is of incarnation 9 of 'b', whose last is 1",
        lambda run, rows: one(rows["turns"], message_id="s1").update(incarnation=9),
    ),
    "an older incarnation commits after a newer": (
        "turns",
        r"of incarnation 1 of 'a', after one of incarnation 2",
        lambda run, rows: one(rows["turns"], message_id="r2").update(incarnation=2),
    ),
    "what a turn sent is not there": (
        "turns",
        r"sent 's3', which is not there",
        lambda run, rows: rows["messages"].remove(one(rows["messages"], message_id="s3")),
    ),
    "an agent came twice": (
        "agents",
        r"'b' came after event 30, and had not gone",
        lambda run, rows: rows["agents"].append(dict(one(rows["agents"], agent="b"), n=run["n"], seq=30)),
    ),
    "a step is of no message": (
        "steps",
        r"step 'look' of message 'ghost' is of a message that was not accepted",
        lambda run, rows: one(rows["steps"], name="look").update(message_id="ghost"),
    ),
    "a step was recorded after the end": (
        "steps",
        r"step 'look' of message 's1' is of after event 40, and the message ended",
        lambda run, rows: one(rows["steps"], name="look").update(seq=40),
    ),
    "a step was done at no time": (
        "steps",
        r"step 'look' of message 's1' is done, and has no date",
        lambda run, rows: one(rows["steps"], name="look").update(seq=None),
    ),
    "a question is no message": (
        "asks",
        r"the question 'ghost' is not among the messages",
        lambda run, rows: one(rows["asks"], message_id="q2").update(message_id="ghost"),
    ),
    "a question was asked in another's turn": (
        "asks",
        r"'a' asked 'q2' in a turn of 's1'",
        lambda run, rows: one(rows["asks"], message_id="q2").update(agent="a"),
    ),
    "an answered question is open": (
        "asks",
        r"'q1' is answered, and somebody waits",
        lambda run, rows: one(rows["asks"], message_id="q1").update(end_seq=None),
    ),
    "a question has two answers": (
        "asks",
        r"'q1' has 2 answers",
        lambda run, rows: one(rows["messages"], message_id="r3").update(in_reply_to="q1"),
    ),
    "a version comes twice": (
        "entries",
        r"entry 1 is of after event",
        lambda run, rows: rows["entries"][1].update(version=1),
    ),
    "an entry is older than the one before": (
        "entries",
        r"entry 3 is of after event 1, and entry 2",
        lambda run, rows: rows["entries"][2].update(seq=1),
    ),
    "an effect is of no turn": (
        "effects",
        r"of 'a' is of no turn of its",
        lambda run, rows: rows["effects"][0].update(message_id="s3"),
    ),
    "a timer has no message": (
        "timers",
        r"the timer 'ghost' has no message",
        lambda run, rows: one(rows["timers"], timer_id="t1").update(timer_id="ghost"),
    ),
    "a timer that sent is at work": (
        "timers",
        r"the timer 't1' ended after event None, and sent",
        lambda run, rows: one(rows["timers"], timer_id="t1").update(end_seq=None),
    ),
    "a dead letter has no message": (
        "letters",
        r"the dead letter 'ghost' has no message",
        lambda run, rows: rows["letters"][0].update(message_id="ghost"),
    ),
    "a dead letter is not of the end of its message": (
        "letters",
        r"'m3' ended after event \d+, and its dead letter",
        lambda run, rows: rows["letters"][0].update(message_id="m3", end_seq=None),
    ),
    "somebody who is gone watches": (
        "monitors",
        r"'c' watches 'a', and is not there",
        lambda run, rows: one(rows["monitors"], watcher="b").update(watcher="c"),
    ),
}


@pytest.mark.parametrize(("table", "sentence", "mutate"), MUTATIONS.values(), ids=MUTATIONS)
def test_it_is_found_that(whole, table, sentence, mutate):
    run, rows = whole
    mutate(run, rows)
    found = [finding for finding in check(run, rows) if finding.table == table]
    assert any(re.search(sentence, finding.sentence) for finding in found), found
    assert {(finding.run, finding.severity) for finding in found} == {("story", Severity.CONTRADICTION)}


def test_there_is_a_mutation_for_every_check():
    """A check without one could be empty."""
    assert len(MUTATIONS) >= len(CHECKS)


def test_many_of_a_kind_are_counted_and_not_listed(whole):
    run, rows = whole
    for event in rows["events"]:
        event["cause"] = event["seq"]
    found = check(run, rows)
    assert len(found) == SHOWN + 1
    assert found[-1].sentence == f"and {len(rows['events']) - SHOWN} more like that"
