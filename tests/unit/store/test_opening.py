"""A run comes into the store with the message that begins it, or not at all."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from scr.apps.research.text.documents import Library
from scr.apps.research.text.index import build
from scr.config import Limits
from scr.errors import InvalidDocuments, RunOwned, StoreUnavailable, UnknownRun
from scr.protocol.status import RunState
from scr.store.archive.archive import open_archive
from scr.store.archive.repair import _replace
from scr.store.records import Opening
from scr.store.sql import lease
from scr.store.sql.opening import open_store
from scr.store.sql.sqlite import SqliteDatabase
from scr.store.sql.tables import find, snapshot
from tests.unit.store.story import TREE, task


def opened(url, text="work", owner=None):
    first = task("asked", "a", text=text)
    return open_store(
        url,
        Opening("asked", "test", str(owner or lease.this_process()), TREE, title="a question", first=first),
        call=lambda function: function(),
        lost=lambda error: None,
        changed=lambda status: None,
        limits=Limits(),
    )


@pytest.fixture(params=["memory:", "sqlite:///{}/store.db"], ids=["in memory", "in a file"])
def url(request, tmp_path):
    return request.param.format(tmp_path)


def test_a_new_run_has_its_question_before_anything_else_and_nothing_of_it_was_delivered(url):
    store = opened(url)
    store.close()
    (kept,) = store.image.mail
    assert (kept.message.message_id, kept.deliveries) == ("asked", 0)
    assert (store.image.is_fresh, store.image.resumed) == (True, False)


def test_a_run_that_was_killed_at_once_goes_on_with_the_question_that_it_had(tmp_path):
    url = f"sqlite:///{tmp_path}/store.db"
    opened(url).close()
    again = opened(url, text="something else")
    again.close()
    assert [kept.message.payload.input for kept in again.image.mail] == [{"text": "work"}]
    assert not again.image.is_fresh
    with open_archive(url) as archive:
        assert archive.run("asked").state is RunState.STOPPED
        assert [one.message.message_id for one in archive.messages("asked")] == ["asked"]


def test_who_finds_a_run_at_work_is_told_commands_that_work_for_it(tmp_path):
    url, parent = f"sqlite:///{tmp_path}/store.db", os.getppid()
    mother = replace(lease.this_process(), pid=parent, started=lease._started(parent))
    opened(url, owner=mother).close(release=False)
    with pytest.raises(RunOwned) as error:
        opened(url)
    told = str(error.value)
    assert told.startswith(
        f"the runtime 'test' (pid {parent}) works on the run 'asked': `scr top --runtime test` looks"
    )
    assert told.endswith("end it with its program or with `scr stop --runtime test`, or wait until it is done")


@pytest.fixture
def read_only(monkeypatch):
    """A file system that refuses to make, to link and to remove files."""

    def refuse(*_args, **_options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def forbid():
        monkeypatch.setattr(Path, "unlink", refuse)
        monkeypatch.setattr(os, "link", refuse)

    return forbid


def test_a_folder_that_cannot_be_written_is_the_reason_why_no_store_is_made(read_only, tmp_path):
    read_only()
    with pytest.raises(StoreUnavailable, match=r"no store can be made at .*/m\.db: Read-only file system"):
        SqliteDatabase(tmp_path / "m.db").connect(create=True)


def test_a_folder_that_cannot_be_written_is_the_reason_why_no_store_is_repaired(read_only, tmp_path):
    database = SqliteDatabase(tmp_path / "m.db")
    database.connect(create=True).close()
    read_only()
    with pytest.raises(StoreUnavailable, match="cannot be replaced by what was saved of it: Read-only file system"):
        _replace(database, "now")


def test_a_folder_that_cannot_be_written_is_the_reason_why_no_index_is_made(read_only, tmp_path):
    (tmp_path / "index").mkdir()
    read_only()
    with pytest.raises(InvalidDocuments, match="the index cannot be written to"):
        build(Library((), ()), tmp_path, tmp_path / "index")


def test_what_went_wrong_in_a_snapshot_is_told_where_its_end_fails_too(tmp_path):
    session = SqliteDatabase(tmp_path / "m.db").connect(create=True)
    with pytest.raises(UnknownRun), snapshot(session):
        session.rollback()
        find(session, "nowhere")
    session.close()
