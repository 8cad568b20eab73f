"""What is done to runs at rest is the same in a file and in a server, and from one to the other."""

from dataclasses import replace
from itertools import count

import psycopg
import pytest

from scr.errors import InvalidInput
from scr.store.archive.archive import open_archive
from scr.store.archive.doctor import examine
from scr.store.archive.fork import fork_run
from scr.store.archive.gc import sweep
from scr.store.archive.repair import repair
from scr.store.archive.transfer import export_run, import_run
from scr.store.sql.address import database_of
from scr.store.sql.statements import Statement
from tests.unit.store.story import image_of, story, told

NUMBERS = count()
EVENTS = story().events


@pytest.fixture(scope="module")
def server_url(postgres):
    """A database of its own: what is repaired here is not another test's."""
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE at_rest")
    return postgres.url("at_rest")


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    return file_url(tmp_path) if request.param == "sqlite" else request.getfixturevalue("server_url")


def file_url(folder):
    return f"sqlite:///{folder}/file.db?durability=process"


@pytest.fixture
def name():
    return f"at-rest-{next(NUMBERS)}"


def alter(url, text):
    session = database_of(url).connect()
    session.script(text)
    session.close()


def test_a_run_goes_from_one_store_to_another_and_back(url, name, tmp_path):
    here, there = database_of(url), database_of(f"sqlite:///{tmp_path}/there.db?durability=process")
    told(url, name)
    export_run(here, name, tmp_path / "one.jsonl", at=1.0)
    import_run(there, tmp_path / "one.jsonl")
    export_run(there, name, tmp_path / "two.jsonl", at=1.0)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    import_run(here, tmp_path / "two.jsonl", name=f"{name}-again")
    assert replace(image_of(url, f"{name}-again"), epoch=0) == replace(image_of(url, name), epoch=0)
    with pytest.raises(InvalidInput, match="there is a run"):
        import_run(here, tmp_path / "two.jsonl")


def test_a_fork_fits_together_at_every_event(url, name):
    told(url, name)
    for seq in range(1, EVENTS + 1, 7):
        fork_run(database_of(url), name, seq, f"{name}-{seq}", created=5.0)
        assert examine(database_of(url), f"{name}-{seq}").findings == ()
        assert image_of(url, f"{name}-{seq}").seq == seq


def test_what_is_altered_is_found_and_its_run_is_marked(url, name):
    told(url, name)
    told(url, f"{name}-other")
    assert examine(database_of(url), name).is_well
    alter(url, f"DELETE FROM turns WHERE message_id = 'q1' AND run = (SELECT id FROM runs WHERE run = '{name}')")
    assert not examine(database_of(url), name).is_well
    repaired = repair(url, stamp="now")
    assert [name in sentence for sentence in repaired.done] == [True]
    with open_archive(url) as archive:
        assert "turn" in archive.run(name).reason
        assert archive.run(f"{name}-other").reason == ""
    sweep(url, now=1e9, names=[name, f"{name}-other"])


def test_a_run_is_deleted_whole(url, name):
    told(url, name)
    told(url, f"{name}-other")
    swept = sweep(url, now=1e9, names=[name])
    assert (swept.deleted, swept.trouble) == ((name,), "")
    with open_archive(url) as archive:
        runs = {run.run for run in archive.runs()}
    assert f"{name}-other" in runs
    assert name not in runs
    session = database_of(url).connect()
    assert session.rows(Statement("SELECT count(*) FROM events WHERE run NOT IN (SELECT id FROM runs)")) == [(0,)]
    session.close()
    assert examine(database_of(url), f"{name}-other").is_well
