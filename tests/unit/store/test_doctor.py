"""Damage of every kind is found, told, and repaired as far as it goes; nothing that was readable is lost."""

import shutil
import sqlite3
from contextlib import closing
from itertools import islice
from pathlib import Path
from threading import Event

import pytest

from scr.errors import StoreDamaged, StoreError, StoreForeign, StoreUnavailable, UnknownRun
from scr.store.archive.doctor import examine
from scr.store.archive.findings import Severity
from scr.store.archive.repair import DOUBTFUL, repair
from scr.store.archive.transfer import export_run, import_run
from scr.store.sql import tables
from scr.store.sql.address import database_of
from scr.store.sql.statements import Statement
from scr.store.sql.tables import RUN_SEALED, TABLES
from tests.unit.store.story import image_of, opened, story, told

RUNS = 16
PAGE_BYTES = 4096


def url_of(path):
    return f"sqlite:///{path}?durability=process"


def sealed(url):
    """What every run holds, but for what may change."""
    session = database_of(url).connect()
    try:
        found = {}
        for (run,) in session.rows(Statement("SELECT run FROM runs")):
            number, row = tables.find(session, run)
            found[run] = [[row[name] for name in RUN_SEALED]]
            for table in TABLES:
                found[run] += [[row[name] for name in table.sealed] for row in tables.read(session, table, number)]
        return found
    finally:
        session.close()


def states(url):
    session = database_of(url).connect()
    found = {
        run: (state, reason) for run, state, reason in session.rows(Statement("SELECT run, state, reason FROM runs"))
    }
    session.close()
    return found


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pristine")
    told(url_of(folder / "one.db"))
    export_run(database_of(url_of(folder / "one.db")), "story", folder / "run.jsonl", at=1.0)
    for number in range(RUNS):
        import_run(database_of(url_of(folder / "store.db")), folder / "run.jsonl", name=f"run-{number}")
    assert [path.name for path in folder.glob("store.db*")] == ["store.db"]
    return folder / "store.db"


@pytest.fixture(scope="module")
def content(pristine):
    return sealed(url_of(pristine))


@pytest.fixture
def store(pristine, tmp_path):
    return Path(shutil.copy(pristine, tmp_path / "store.db"))


def test_a_store_that_is_well_is_found_well_and_nothing_is_done(store):
    data = store.read_bytes()
    found = examine(database_of(url_of(store)))
    assert found.is_well
    assert found.runs == RUNS
    assert found.rows > 40 * RUNS
    repaired = repair(url_of(store), stamp="now")
    assert (repaired.done, repaired.aside) == ((), None)
    assert store.read_bytes() == data
    assert [path.name for path in store.parent.iterdir()] == ["store.db"]


def test_one_run_can_be_looked_at(store):
    assert examine(database_of(url_of(store)), "run-3").runs == 1
    with pytest.raises(UnknownRun):
        examine(database_of(url_of(store)), "never")


def test_a_run_at_work_is_looked_at_and_not_disturbed(tmp_path):
    url = url_of(tmp_path / "store.db")
    store = opened(url)
    calls = iter(story().calls)
    try:
        for call in islice(calls, 40):
            call(store)
        assert examine(database_of(url)).is_well
        for call in calls:
            call(store)
    finally:
        store.close()
    found = examine(database_of(url))
    assert (found.findings, found.runs) == ((), 1)


def test_an_examination_writes_nothing(store):
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("UPDATE messages SET payload = payload || ' ' WHERE n = 20").connection.commit()
    data = store.read_bytes()
    assert not examine(database_of(url_of(store))).is_well
    assert store.read_bytes() == data


@pytest.mark.parametrize("table", [table for table in TABLES if table.sealed], ids=lambda table: table.name)
def test_one_altered_letter_in_any_table_is_found_and_its_run_is_marked(store, table):
    column = {"timers": "due", "effects": "start"}.get(table.name, table.sealed[-1])
    with closing(sqlite3.connect(store)) as connection:
        place = f"(SELECT min({table.key[0]}) FROM {table.name} WHERE run = 2 AND {column} IS NOT NULL)"
        altered = f"UPDATE {table.name} SET {column} = replace({column}, 1, 7) || 7"
        assert connection.execute(f"{altered} WHERE run = 2 AND {table.key[0]} = {place}").rowcount == 1
        connection.commit()
    repaired = repair(url_of(store), stamp="now")
    altered = [finding for finding in repaired.before.findings if finding.severity is Severity.ALTERED]
    assert {(finding.run, finding.table) for finding in altered} == {("run-1", table.name)}
    assert [run for run, (state, _) in states(url_of(store)).items() if state == "failed"] == ["run-1"]
    assert "is not what was written" in states(url_of(store))["run-1"][1]
    assert repaired.aside is None


def test_an_altered_row_of_a_run_is_told_and_does_not_hide_the_others(store):
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("UPDATE runs SET tree = '{', title = 'else' WHERE run = 'run-5'").connection.commit()
    repaired = repair(url_of(store), stamp="now")
    assert [(finding.run, finding.table) for finding in repaired.before.findings] == [("run-5", "runs")]
    assert states(url_of(store))["run-5"][0] == "failed"
    assert repaired.after.is_well


def test_rows_that_contradict_each_other_are_told_and_their_run_is_marked(store):
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("DELETE FROM turns WHERE run = 4 AND message_id = 's1'").connection.commit()
    repaired = repair(url_of(store), stamp="now")
    assert {finding.severity for finding in repaired.before.findings} == {Severity.CONTRADICTION}
    assert {finding.run for finding in repaired.before.findings} == {"run-3"}
    assert len(repaired.done) == 1
    assert "run-3" in repaired.done[0]
    assert states(url_of(store))["run-3"][0] == "failed"
    assert states(url_of(store))["run-4"] == ("stopped", "")


def test_a_run_at_work_is_not_marked(tmp_path):
    url = url_of(tmp_path / "store.db")
    store = opened(url)
    try:
        for call in story().calls[:30]:
            call(store)
        wait(store)
        with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
            connection.execute("UPDATE agents SET spec = spec || ' '").connection.commit()
        repaired = repair(url, stamp="now")
    finally:
        store.close()
    assert ["is left as it is" in sentence for sentence in repaired.done] == [True]


def check_repaired(store, content):
    """Whatever had happened: what is not marked is as it was, and nothing was thrown away."""
    repaired = repair(url_of(store), stamp="now")
    assert not [finding for finding in repaired.after.findings if finding.severity is Severity.DAMAGE]
    marked = {run for run, (state, _) in states(url_of(store)).items() if state == "failed"}
    for run, rows in sealed(url_of(store)).items():
        assert run in marked or rows == content[run]
    if repaired.aside:
        assert repaired.aside.stat().st_size > 0
        assert repaired.done[0] == f"the damaged store is kept as {repaired.aside}"
    return repaired


def test_bits_that_are_flipped_anywhere_are_never_silent(store, pristine, content):
    data = pristine.read_bytes()
    for place in range(200, len(data), len(data) // 24):
        flipped = bytearray(data)
        for offset in range(0, 64, 4):
            flipped[(place + offset) % len(data)] ^= 1 << place % 8
        store.write_bytes(flipped)
        try:
            found = examine(database_of(url_of(store)))
            silent = found.is_well and sealed(url_of(store)) != content
        except StoreError:
            continue
        assert not silent, f"at byte {place}"


def test_a_page_that_is_gone_costs_what_was_on_it_and_is_told(store, pristine, content):
    data = pristine.read_bytes()
    lost = 0
    for page in range(40, len(data) // PAGE_BYTES, 12):
        for path in store.parent.iterdir():
            path.unlink()
        store.write_bytes(data[: page * PAGE_BYTES] + bytes(PAGE_BYTES) + data[(page + 1) * PAGE_BYTES :])
        repaired = check_repaired(store, content)
        assert repaired.aside or not repaired.before.is_well, f"page {page}"
        assert len(states(url_of(store))) == RUNS
        lost += "could not be read" in " ".join(repaired.done)
    assert lost > 1


def test_a_store_that_is_truncated_anywhere_keeps_what_can_be_read(store, pristine, content):
    data = pristine.read_bytes()
    kept = []
    for size in range(len(data) // 3, len(data), len(data) // 4):
        for path in store.parent.iterdir():
            path.unlink()
        store.write_bytes(data[:size])
        repaired = check_repaired(store, content)
        kept.append(repaired.after.rows)
    assert kept[-1] > kept[0]
    assert kept[-1] > 40 * RUNS


def test_a_store_of_which_next_to_nothing_is_left_is_left_alone(store, pristine):
    data = pristine.read_bytes()
    for size in (0, 1, 50, 99, 2000):
        store.write_bytes(data[:size])
        assert not examine(database_of(url_of(store))).is_well
        with pytest.raises(StoreError):
            repair(url_of(store), stamp="now")
        assert store.read_bytes() == data[:size]
    assert [path.name for path in store.parent.iterdir()] == ["store.db"]


def test_what_is_not_ours_is_told_and_left_alone(store):
    store.write_bytes(b"A text of somebody's.\n" * 500)
    data = store.read_bytes()
    assert "is not a store of SCR" in examine(database_of(url_of(store))).findings[0].sentence
    with pytest.raises(StoreForeign):
        repair(url_of(store), stamp="now")
    assert store.read_bytes() == data
    store.unlink()
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA application_id = 7").close()
        connection.execute("CREATE TABLE runs (id INTEGER)").connection.commit()
    assert "another program" in examine(database_of(url_of(store))).findings[0].sentence
    with pytest.raises(StoreForeign):
        repair(url_of(store), stamp="now")
    with pytest.raises(StoreUnavailable, match="there is no store"):
        examine(database_of(url_of(store.with_name("none.db"))))


def test_a_newer_store_is_told(store):
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA user_version = 99").connection.commit()
    assert "is of version 99" in examine(database_of(url_of(store))).findings[0].sentence


def test_a_damaged_store_that_others_use_is_not_repaired(store, pristine):
    data = pristine.read_bytes()
    with closing(sqlite3.connect(pristine)) as whole:
        (root,) = whole.execute("SELECT rootpage FROM sqlite_master WHERE name = 'messages'").fetchone()
    store.write_bytes(data[: (root - 1) * PAGE_BYTES] + bytes(PAGE_BYTES) + data[root * PAGE_BYTES :])
    with closing(sqlite3.connect(store)) as other:
        other.execute("SELECT count(*) FROM sqlite_master").fetchall()
        with pytest.raises(StoreUnavailable, match="while others use it"):
            repair(url_of(store), stamp="now")
    assert not list(store.parent.glob("*damaged*"))
    assert repair(url_of(store), stamp="now").aside


def test_a_run_whose_own_row_is_lost_gets_another(store, content):
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("DELETE FROM runs WHERE run = 'run-7'").connection.commit()
    before = examine(database_of(url_of(store)))
    assert {finding.table for finding in before.findings} == {table.name for table in TABLES}
    repaired = check_repaired(store, content | {"lost-8": None})
    assert states(url_of(store))["lost-8"][0] == "failed"
    assert repaired.aside


def test_a_log_that_is_cut_anywhere_opens_as_it_was_at_some_moment(tmp_path):
    path, seqs = tmp_path / "store.db", set()
    store = opened(url_of(path))
    try:
        for call in story().calls:
            call(store)
        wait(store)
        data, log = path.read_bytes(), path.with_name("store.db-wal").read_bytes()
    finally:
        store.close()
    assert len(log) > 10 * PAGE_BYTES
    for size in [*range(0, len(log), len(log) // 25), len(log)]:
        folder = tmp_path / str(size)
        folder.mkdir()
        (folder / "store.db").write_bytes(data)
        (folder / "store.db-wal").write_bytes(log[:size])
        found = examine(database_of(url_of(folder / "store.db")))
        assert found.is_well, found
        if found.runs:
            seqs.add(image_of(url_of(folder / "store.db"), "story").seq)
    assert story().events in seqs


def wait(store):
    """Until everything is kept."""

    kept = Event()
    store.find("none", lambda known: kept.set())
    assert kept.wait(10)


def test_doubtful_is_said_where_rows_are_lost(store, pristine):
    data = bytearray(pristine.read_bytes())
    store.write_bytes(data[: len(data) * 9 // 10])
    repair(url_of(store), stamp="now")
    reasons = {reason for _, reason in states(url_of(store)).values()}
    assert DOUBTFUL in reasons or all("scr doctor" in reason for reason in reasons)


def test_nothing_can_be_saved_without_the_list_of_tables(store, pristine):
    data = bytearray(pristine.read_bytes())
    data[100:PAGE_BYTES] = bytes(PAGE_BYTES - 100)
    store.write_bytes(data)
    with pytest.raises(StoreDamaged, match="its list of tables cannot be read"):
        repair(url_of(store), stamp="now")
    assert store.read_bytes() == bytes(data)
    assert [path.name for path in store.parent.iterdir()] == ["store.db"]
