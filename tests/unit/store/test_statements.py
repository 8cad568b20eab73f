"""The statements: what is executed together comes to the same; a start reads what is live, and nothing else."""

import pytest

from scr.store.sql import statements
from scr.store.sql.schema import POSTGRES, SQLITE
from scr.store.sql.session import batches
from scr.store.sql.sqlite import SqliteDatabase
from scr.store.sql.statements import Statement, spelt, spelt_for

A, B, ALONE = Statement("A (:x)", 0), Statement("B (:x)", 1), Statement("ALONE (:x)")
OTHER = Statement("OTHER (:x)", 1)


def test_rows_are_gathered_by_lane_and_those_without_one_wait_for_all_before():
    rows = [(B, (1,)), (A, (2,)), (B, (3,)), (ALONE, (4,)), (A, (5,)), (B, (6,)), (OTHER, (7,)), (B, (8,))]
    assert list(batches(rows)) == [
        (A, [(2,)]),
        (B, [(1,), (3,)]),
        (ALONE, [(4,)]),
        (A, [(5,)]),
        (B, [(6,)]),
        (OTHER, [(7,)]),
        (B, [(8,)]),
    ]


def test_a_statement_is_spelt_for_each_database_with_its_values_in_order():
    assert spelt(statements.CLAIM, SQLITE, "?")[1] == ("owner", "runtime", "now", "lease_s", "id", "epoch")
    text, names = spelt(statements.CLAIM, POSTGRES, "%s")
    assert names == ("owner", "runtime", "lease_s", "id", "epoch")
    assert "clock_timestamp())::float8 + %s" in text


@pytest.mark.parametrize("mark", ["?", "%s"])
def test_a_list_of_rows_is_made_longer(mark):
    text = spelt_for(statements.ENTRY, SQLITE, mark, 3)
    assert text.count(mark) == 18
    assert text.count("), (") == 2
    assert spelt_for(statements.DEMONITOR, SQLITE, mark, 3) == ""


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("OPEN_MESSAGES", "messages_open"),
        ("STEPS_OF", "sqlite_autoindex_steps"),
        ("LAST_STATE", "turns_state"),
        ("MONITORS", "monitors_live"),
        ("ASKS", "asks_live"),
        ("TIMERS", "timers_live"),
        ("EFFECTS", "effects_live"),
        ("ANSWER", "messages_answer"),
        ("KNOWN", "messages_id"),
        ("GIVEN", "messages_id"),
        ("RUNS_QUEUED", "runs_queued"),
        ("RUNS_OPEN", "runs_leases"),
        ("END", "sqlite_autoindex_messages"),
    ],
)
def test_what_is_read_at_a_start_or_for_each_turn_has_its_index(tmp_path, name, index):
    session = SqliteDatabase(tmp_path / "store.db").connect(create=True)
    try:
        plan = Statement("EXPLAIN QUERY PLAN " + getattr(statements, name).sql)
        found = session.rows(plan, **dict.fromkeys(plan.names, 1))
    finally:
        session.close()
    assert index in "".join(row[3] for row in found)
    scanned = {row[3] for row in found if row[3].startswith("SCAN") and index not in row[3]}
    assert not scanned
