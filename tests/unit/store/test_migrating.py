"""A store of an older version is brought forward, once, with all that it holds."""

import sqlite3
import sys
from contextlib import closing
from subprocess import PIPE, Popen

import pytest

from scr.errors import StoreUnavailable
from scr.store.archive.archive import open_archive
from scr.store.archive.doctor import examine
from scr.store.archive.repair import repair
from scr.store.archive.transfer import import_run
from scr.store.sql import schema
from scr.store.sql.address import database_of
from scr.store.sql.sqlite import SqliteDatabase
from tests.unit.store import version_3
from tests.unit.store.story import image_of, story, told
from tests.unit.store.version_1 import EXPORTED, make

PAGE_BYTES = 4096


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "old.db"
    make(path)
    return path


def events_in(url):
    with open_archive(url) as archive:
        return archive.events("story", limit=9999)


def test_everything_that_a_store_of_version_1_holds_is_as_if_it_were_written_today(old, tmp_path):
    url, today = f"sqlite:///{old}", f"sqlite:///{tmp_path}/today.db"
    told(today)
    assert image_of(url, "story") == image_of(today, "story")
    assert events_in(url) == events_in(today)
    assert len(events_in(url)) == story().events
    assert examine(database_of(url)).is_well


def test_it_is_brought_forward_once(old):
    SqliteDatabase(old).connect().close()
    before = events_in(f"sqlite:///{old}")
    SqliteDatabase(old).connect().close()
    assert events_in(f"sqlite:///{old}") == before
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (4,)
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name LIKE '%version_1'").fetchone() == (0,)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_store_of_any_older_version_is_brought_forward(old, tmp_path, monkeypatch, version):
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:version])
        SqliteDatabase(old).connect().close()
    url, today = f"sqlite:///{old}", f"sqlite:///{tmp_path}/today.db"
    told(today)
    assert image_of(url, "story") == image_of(today, "story")
    assert examine(database_of(url)).is_well


def test_how_the_runs_of_a_store_of_version_3_ended_is_in_their_rows(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/third.db"
    version_3.make(url, monkeypatch)
    with open_archive(url) as archive:
        assert {run.run: run.state for run in archive.runs()} == version_3.STANDS
    with closing(sqlite3.connect(tmp_path / "third.db")) as connection:
        assert dict(connection.execute("SELECT run, state FROM runs")) == version_3.STANDS
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            connection.execute("UPDATE runs SET state = 'odd'")


def test_an_event_that_is_not_what_was_written_is_left_out_and_told(old):
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("UPDATE events SET body = '{}' WHERE seq = 17").connection.commit()
    SqliteDatabase(old).connect().close()
    found = examine(database_of(f"sqlite:///{old}")).findings
    assert [finding.sentence for finding in found if "after event 16 comes event 18" in finding.sentence]
    assert [record.seq for record in events_in(f"sqlite:///{old}")] == [*range(1, 17), *range(18, story().events + 1)]


def test_a_store_that_an_older_runtime_works_with_is_left_alone(old):
    program = "from scr.store.sql.lease import this_process; print(this_process(), flush=True); input()"
    with Popen([sys.executable, "-c", program], stdin=PIPE, stdout=PIPE, text=True) as runtime:
        owner = runtime.stdout.readline().strip()
        with closing(sqlite3.connect(old)) as connection:
            connection.execute("UPDATE runs SET owner = ?, lease_until = 1e12", [owner]).connection.commit()
        for read_only in (False, True):
            with pytest.raises(StoreUnavailable, match=r"'test' of an older SCR works on the run 'story'"):
                SqliteDatabase(old).connect(read_only=read_only)
        with closing(sqlite3.connect(old)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        runtime.communicate("\n")
    assert len(events_in(f"sqlite:///{old}")) == story().events


def test_a_file_that_was_exported_from_one_is_imported(tmp_path):
    url, today = f"sqlite:///{tmp_path}/new.db", f"sqlite:///{tmp_path}/today.db"
    told(today)
    import_run(database_of(url), EXPORTED)
    assert events_in(url) == events_in(today)
    assert examine(database_of(url)).is_well


def test_a_damaged_one_is_repaired_and_brought_forward(old):
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'turns'").fetchone()
    data = old.read_bytes()
    old.write_bytes(data[: (root - 1) * PAGE_BYTES] + bytes(PAGE_BYTES) + data[root * PAGE_BYTES :])
    url = f"sqlite:///{old}"
    assert repair(url, stamp="now").aside
    assert len(events_in(url)) == story().events
    with open_archive(url) as archive:
        assert len(archive.messages("story")) > 10
