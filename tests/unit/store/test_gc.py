"""What has ended goes when it is old or one too many; what is not over stays, unless it is named."""

import sqlite3
from contextlib import closing

import pytest

from scr.errors import UnknownRun
from scr.messages import CLIENT, RUNTIME, Down, origin
from scr.protocol.frames import Commit, Timer
from scr.protocol.status import RunState
from scr.store.archive.archive import open_archive
from scr.store.archive.doctor import examine
from scr.store.archive.gc import RECLAIM, Resting, choose, sweep
from scr.store.records import CommittedTurn
from scr.store.sql.address import database_of
from scr.store.sql.statements import Statement
from scr.store.sql.tables import TABLES
from scr.telemetry.events import Logged, Record
from tests.unit.store.story import TREE, nothing, opened, result, spec, task

DAY = 86400.0
NOW = 100 * DAY


def rest(name, state=RunState.DONE, days=0.0, **fields):
    return Resting(name, state, 1, NOW - days * DAY, **({"is_owned": False, "waiting": 0} | fields))


def gone(runs, **how):
    chosen, _ = choose(runs, now=NOW, **how)
    return [run.run for run in chosen]


def test_what_ended_longer_ago_goes():
    runs = [rest("new", days=1), rest("old", days=9), rest("older", RunState.FAILED, days=11)]
    assert gone(runs, older_than_s=10 * DAY) == ["older"]
    assert gone(runs, older_than_s=5 * DAY) == ["old", "older"]
    assert gone(runs) == []


def test_what_is_beyond_the_newest_goes():
    runs = [rest("b", days=2), rest("c", RunState.CANCELLED, days=3), rest("a", days=1), rest("d", days=4)]
    assert gone(runs, keep=4) == []
    assert gone(runs, keep=2) == ["c", "d"]
    assert gone(runs, keep=0) == ["b", "c", "a", "d"]


@pytest.mark.parametrize("state", sorted(set(RunState) - {RunState.DONE, RunState.FAILED, RunState.CANCELLED}))
def test_what_has_not_ended_stays_and_does_not_count(state):
    runs = [rest("x", state, days=99), rest("y", state, days=98), rest("a", days=1), rest("b", days=2)]
    assert gone(runs, older_than_s=DAY / 2, keep=1) == ["b"]
    assert gone(runs, older_than_s=DAY * 3 / 2, keep=0) == ["b"]
    assert gone(runs, keep=1) == ["b"]


def test_what_is_open_is_spared_unless_it_is_named_and_what_is_owned_always():
    runs = [rest("open", days=9, waiting=2), rest("owned", days=9, is_owned=True), rest("stopped", RunState.STOPPED)]
    chosen, spared = choose(runs, now=NOW, keep=0)
    assert chosen == ()
    assert spared == (
        ("open", "2 of its messages and timers are open; name it to delete it all the same"),
        ("owned", "a runtime works on it; stop it first"),
    )
    assert gone(runs, names={"open", "owned", "stopped"}) == ["open", "stopped"]
    with pytest.raises(UnknownRun, match="'never'"):
        choose(runs, now=NOW, names=["never"])


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/store.db?durability=process"


def begun(url, run, day, text="", *, ends=True):
    """A run with one message, which has its name, that is answered or not."""
    store = opened(url, run)
    store.append(Record(seq=1, at=1.0, time=day * DAY, event=Logged(agent="a", text="begun")))
    store.admit(spec("a"), "root", 1)
    store.accept(task(run, "a", text=text))
    if ends:
        answer = result(f"{run}-answer", CLIENT, "a", run)
        store.commit(CommittedTurn("a", 1, Commit(message_id=run, sends=(answer,))), nothing)
    return store


def names(url):
    with open_archive(url) as archive:
        return {run.run for run in archive.runs()}


def test_they_are_deleted_whole_and_the_space_is_given_back(url):
    for number in range(6):
        begun(url, f"run-{number}", 10 + number, text="x" * 200_000).close()
    begun(url, "waits", 1, ends=False).close()
    planned = sweep(url, now=NOW, keep=2, dry_run=True)
    assert len(names(url)) == 7
    swept = sweep(url, now=NOW, keep=2)
    assert swept.deleted == planned.deleted == ("run-0", "run-1", "run-2", "run-3")
    assert names(url) == {"run-4", "run-5", "waits"}
    assert swept.freed_bytes > 4 * 200_000
    assert (planned.freed_bytes, swept.trouble) == (0, "")
    session = database_of(url).connect()
    for table in TABLES:
        assert session.rows(Statement(f"SELECT count(*) FROM {table.name} WHERE run NOT IN (SELECT id FROM runs)")) == [
            (0,)
        ]
    session.close()
    assert examine(database_of(url)).is_well


def test_one_that_is_named_goes_whatever_it_waits_for(url):
    begun(url, "waits", 1, ends=False).close()
    begun(url, "other", 1, ends=False).close()
    assert sweep(url, now=NOW, older_than_s=0.0).deleted == ()
    assert sweep(url, now=NOW, names=["waits"]).deleted == ("waits",)
    assert names(url) == {"other"}


def test_what_agents_had_for_each_other_as_their_run_ended_keeps_no_run(url):
    store = begun(url, "done", 1)
    store.accept(
        Down(payload={"agent": "b", "reason": "shutdown"}, **origin(message_id="d", sender=RUNTIME, to="a", at=1))
    )
    store.accept(task("late", "a", sender="b"))
    store.accept(result("unread", "a", "b", "late"))
    timer = Timer(message=task("tick", "a", "a"), due=900.0)
    store.accept(task("last", "a"))
    store.commit(CommittedTurn("a", 1, Commit(message_id="last", timers=(timer,))), nothing)
    store.close()
    assert sweep(url, now=NOW, keep=0).deleted == ("done",)


def test_a_task_from_outside_keeps_a_run_that_is_done_and_a_step_in_doubt_does(url):
    for run, sender, is_parked in (("asked", CLIENT, False), ("doubtful", "b", True)):
        store = begun(url, run, 1)
        store.accept(task("other", "a", sender=sender))
        if is_parked:
            store.park("other", "pay")
        store.close()
    swept = sweep(url, now=NOW, keep=0)
    assert [(run, reason[:1]) for run, reason in swept.spared] == [("asked", "1"), ("doubtful", "1")]
    with open_archive(url) as archive:
        archive.create("cancelled", TREE, task("cancelled", "a"))
        archive.cancel("cancelled")
    assert sweep(url, now=NOW, keep=0).deleted == ("cancelled",)


def test_one_that_is_owned_stays(url):
    begun(url, "done", 1).close()
    store = begun(url, "at-work", 1)
    try:
        swept = sweep(url, now=NOW, keep=0, names=["at-work"])
        assert (swept.deleted, [run for run, _ in swept.spared]) == (("done",), ["at-work"])
    finally:
        store.close()
    assert sweep(url, now=NOW, keep=0).deleted == ("at-work",)


def test_a_reader_does_not_hinder(url, tmp_path):
    for number in range(3):
        begun(url, f"run-{number}", 1).close()
    with closing(sqlite3.connect(tmp_path / "store.db", timeout=0)) as other:
        other.execute("BEGIN").close()
        other.execute("SELECT count(*) FROM runs").fetchall()
        assert sweep(url, now=NOW, keep=0).trouble == ""
    assert names(url) == set()


def test_space_that_cannot_be_given_back_now_is_told(url, monkeypatch):
    begun(url, "done", 1).close()
    monkeypatch.setitem(RECLAIM, "sqlite", ("ATTACH '/nowhere/at/all' AS other",))
    swept = sweep(url, now=NOW, keep=0)
    assert (swept.deleted, swept.freed_bytes) == (("done",), 0)
    assert "not given back yet" in swept.trouble
    assert names(url) == set()
