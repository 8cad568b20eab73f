"""The writer's thread: whatever fails, and whenever, each write is kept once; what is lost is told."""

import threading
import time
from contextlib import contextmanager

import pytest

from scr.config import Limits
from scr.errors import InvalidMessage, LeaseLost, StoreDamaged, StoreUnavailable
from scr.protocol.frames import Entry
from scr.store.sql import sqlite
from scr.store.sql.session import DriverSession
from scr.store.sql.statements import FAILED
from scr.telemetry.events import Logged, Record
from tests.conftest import until
from tests.contract.store_harness import Bench, ids, task, turn

IMPATIENT = Limits(store_patience_s=0.05, stop_s=20)


class Failing:
    """Makes the next calls of one method of all sessions fail: before it is done, or after."""

    def __init__(self, monkeypatch):
        self.plan = []
        for name in ("begin", "write", "commit"):
            monkeypatch.setattr(DriverSession, name, self.wrapped(name, getattr(DriverSession, name)))
        original = sqlite.SqliteDatabase.connect
        self.connections = 0

        def connect(database, **fields):
            self.connections += 1
            self.check("connect", "before")
            return original(database, **fields)

        monkeypatch.setattr(sqlite.SqliteDatabase, "connect", connect)

    def wrapped(self, name, original):
        def call(session, *given):
            self.check(name, "before")
            original(session, *given)
            self.check(name, "after")

        return call

    def check(self, name, when):
        if self.plan and self.plan[0][:2] == (name, when):
            raise self.plan.pop(0)[2]


@pytest.fixture
def bench(tmp_path):
    bench = Bench(f"sqlite:///{tmp_path}/store.db")
    yield bench
    bench.close()


@pytest.fixture
def failing(bench, monkeypatch):
    return Failing(monkeypatch)


def gone(why="the disk is gone"):
    return StoreUnavailable(why)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", ["begin", "write", "commit"])
def test_a_turn_is_kept_once_wherever_its_transaction_fails(bench, failing, name, when):
    bench.told(bench.store.accept, task("m0"))
    failing.plan = [(name, when, gone())]
    bench.told(bench.store.commit, turn("m0", sends=(task("s0"),), entries=(Entry(key="k", value=1),)))
    assert failing.plan == []
    assert failing.connections == 1, "the connection that failed is not used again"
    assert [status.state for status in bench.changed] == ["trouble", "ok"]
    assert bench.told(bench.store.entries, 0, 10) == (Entry(key="k", value=1, version=1),)
    assert ids(bench.reopened()) == ["s0"]
    assert bench.store.image.entries_version == 1


def test_failure_after_failure_is_waited_out(bench, failing):
    failing.plan = [("commit", "after", gone("a")), ("connect", "before", gone("b")), ("connect", "before", gone("c"))]
    bench.told(bench.store.accept, task("m0"))
    assert [(status.state, status.detail) for status in bench.changed] == [
        *[("trouble", "a"), ("trouble", "b"), ("trouble", "c")],
        ("ok", ""),
    ]
    assert ids(bench.reopened()) == ["m0"]


def test_what_was_looked_up_in_a_transaction_that_was_kept_after_all_is_told(bench, failing):
    bench.told(bench.store.accept, task("m0"))
    failing.plan = [("commit", "after", gone())]
    heard = []
    bench.store.accept(task("m1"))
    bench.store.find("m0", heard.append)
    bench.pump(lambda: heard)
    assert heard[0].state == "open"
    assert ids(bench.reopened()) == ["m0", "m1"]


@pytest.mark.parametrize("error", [StoreDamaged("bits"), LeaseLost("another's")])
def test_what_cannot_pass_is_not_tried_again(bench, failing, error):
    failing.plan = [("write", "before", error)]
    bench.store.accept(task("m0"), lambda: pytest.fail("it is not kept"))
    bench.pump(lambda: bench.lost)
    assert bench.lost == [error]
    assert bench.store.status().state == "lost"
    assert failing.connections == 0


def test_trouble_that_lasts_is_a_lost_store_that_calls_nobody_back_and_holds_nothing(tmp_path, monkeypatch):
    bench = Bench(f"sqlite:///{tmp_path}/store.db", limits=IMPATIENT)
    failing = Failing(monkeypatch)
    failing.plan = [("begin", "before", gone()), *[("connect", "before", gone())] * 10_000]
    bench.store.accept(task("m0"), lambda: pytest.fail("it is not kept"))
    bench.pump(lambda: bench.lost)
    for n in range(100):
        bench.store.accept(task(f"n{n}"), lambda: pytest.fail("it is not kept"))
    assert [str(error) for error in bench.lost] == ["the disk is gone"]
    assert [status.state for status in bench.changed] == ["trouble", "lost"]
    assert bench.store.status().pending == 0
    bench.close()
    failing.plan = []
    again = Bench(bench.url)
    assert ids(again.store.image) == []
    again.close()


@contextmanager
def held(monkeypatch):
    """The disk answers nothing until this is left."""
    free, waiting = threading.Event(), threading.Event()
    original = DriverSession.commit

    def commit(session):
        waiting.set()
        assert free.wait(30)
        original(session)

    monkeypatch.setattr(DriverSession, "commit", commit)
    try:
        yield waiting
    finally:
        free.set()


def test_a_slow_disk_is_told_and_stops_no_caller(tmp_path, monkeypatch):
    bench = Bench(f"sqlite:///{tmp_path}/store.db", limits=Limits(store_pending=50, stop_s=20))
    heard = []
    with held(monkeypatch) as waiting:
        bench.store.accept(task("m0"), lambda: heard.append(0))
        assert waiting.wait(30)
        for n in range(1, 60):
            bench.store.accept(task(f"m{n}"), lambda n=n: heard.append(n))
        assert bench.store.status().pending == 60
        until(lambda: bench.store.status().state == "slow")
        assert bench.store.status().behind_s > 1
        assert heard == []
    bench.pump(lambda: len(heard) == 60)
    assert heard == list(range(60))
    assert bench.store.status().state == "ok"
    bench.close()


def test_many_turns_share_one_transaction(bench, failing, monkeypatch):
    commits, original, heard = [], DriverSession.commit, []
    with held(monkeypatch) as waiting:
        bench.store.accept(task("m"), lambda: heard.append(0))
        assert waiting.wait(30)
        for n in range(100):
            bench.store.accept(task(f"m{n}"), lambda: heard.append(1))
        monkeypatch.setattr(DriverSession, "commit", lambda session: (commits.append(1), original(session)))
    bench.pump(lambda: len(heard) == 101)
    assert len(commits) == 1


def line(seq):
    return Record(seq, time.monotonic(), 0.0, Logged(agent="a", text=f"line {seq}"))


def test_what_nobody_waits_for_is_kept_all_the_same_after_rest_and_after_work(bench):
    session = sqlite.SqliteDatabase(bench.store._writer._database.path).connect()
    try:
        bench.store.append(line(1))
        until(lambda: session.ask("SELECT max(seq) FROM events") == (1,))
        bench.told(bench.store.accept, task("m0"))
        bench.store.append(line(2))
        until(lambda: session.ask("SELECT max(seq) FROM events") == (2,))
        assert session.ask("SELECT seq FROM runs") == (2,)
    finally:
        session.close()


def test_after_its_work_the_thread_looks_once_more_and_writes_nothing(bench, monkeypatch):
    begun, original = [], DriverSession.begin
    monkeypatch.setattr(DriverSession, "begin", lambda session: (begun.append(1), original(session)))
    bench.told(bench.store.accept, task("m0"))
    until(lambda: bench.store._writer._is_dormant)
    assert len(begun) == 1


AHEAD = "SELECT (SELECT coalesce(max(seq), 0) FROM events), (SELECT seq FROM runs), (SELECT count(*) FROM messages)"


def test_at_every_moment_the_run_knows_its_last_event_and_has_what_was_written_before_it(bench, monkeypatch):
    """An event without the message that it tells of would be a lie, if all ended there."""
    kept, moments, original = [], [], DriverSession.commit
    monkeypatch.setattr(
        DriverSession, "commit", lambda session: (moments.append(session.ask(AHEAD)), original(session))
    )
    for n in range(3000):
        bench.store.accept(task(f"m{n}"), lambda: kept.append(1))
        bench.store.append(line(n + 1))
        if n % 100 == 0:
            bench.pump(lambda n=n: len(kept) > n)
    bench.told(bench.store.sync)
    assert len(moments) > 30
    assert all(events == noted <= messages for events, noted, messages in moments)
    assert moments[-1] == (3000, 3000, 3000)


def test_an_owner_without_anything_to_write_renews_its_lease(tmp_path):
    bench = Bench(f"sqlite:///{tmp_path}/store.db")
    bench.close()
    bench.store = bench.open(lease_s=0.2)
    session = sqlite.SqliteDatabase(tmp_path / "store.db").connect()

    def lease():
        return session.ask("SELECT lease_until FROM runs")[0]

    try:
        first = lease()
        until(lambda: lease() > first + 0.2)
    finally:
        session.close()
        bench.close()


def test_closing_keeps_what_is_pending_and_gives_the_run_up(bench):
    for n in range(500):
        bench.store.accept(task(f"m{n}"))
    bench.store.close()
    session = sqlite.SqliteDatabase(bench.store._writer._database.path).connect()
    try:
        assert session.ask("SELECT owner, state FROM runs") == (None, "stopped")
        assert session.ask("SELECT count(*) FROM messages") == (500,)
    finally:
        session.close()


TOO_LARGE = 1 << 70


def test_a_value_that_the_database_cannot_hold_is_refused_alone_and_the_store_goes_on(bench, failing):
    """As good as any driver's data error; what a client gives is checked long before."""
    refused, heard = [], []
    bench.store.accept(task("m0"))
    bench.store._put(
        [(FAILED, (TOO_LARGE, 0, 0, None, None, 1, 1))], lambda: pytest.fail("it is not kept"), refused=refused.append
    )
    bench.store.accept(task("m1"), lambda: heard.append("m1"))
    bench.store.crashes(None, TOO_LARGE, lambda _: pytest.fail("it cannot be looked up"))
    bench.store.find("m1", heard.append)
    bench.pump(lambda: len(heard) == 2)
    assert [type(error) for error in refused] == [InvalidMessage]
    assert "the store cannot hold a value" in str(refused[0])
    assert heard[1].state == "open"
    assert (bench.lost, bench.changed) == ([], [])
    assert ids(bench.reopened()) == ["m0", "m1"]


def test_a_turn_that_the_database_refuses_loses_the_store_for_others_act_on_it_already(bench, failing):
    bench.store._put([(FAILED, (TOO_LARGE, 0, 0, None, None, 1, 1))], lambda: pytest.fail("it is not kept"))
    bench.pump(lambda: bench.lost)
    assert "does not take what must be kept" in str(bench.lost[0])


def test_who_is_told_and_fails_keeps_nobody_else_from_being_told(bench, caplog):
    heard = []
    bench.store.accept(task("m0"), lambda: 1 / 0)
    bench.store.accept(task("m1"), lambda: heard.append("m1"))
    bench.pump(lambda: heard)
    assert "ZeroDivisionError" in caplog.text
