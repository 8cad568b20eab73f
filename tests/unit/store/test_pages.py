"""Events in pages: what was told is read again, in order, and a page that is not what was written is refused."""

import pytest

from scr.errors import StoreDamaged
from scr.store.sql import pages
from scr.store.sql.pages import COLUMNS, RECORDS_MAX
from scr.store.sql.rows import seal
from scr.telemetry.events import AgentUp, Logged, Record


def record(seq, text="a line", cause=0):
    return Record(seq, seq / 8, 1000.5 + seq, Logged(agent="a", text=text), cause)


def packed(told):
    """The columns of the pages, without the number of the run."""
    return [values[1:] for _, values in pages.pack(7, told)]


def records(columns):
    return [pages.record_of(told) for told in pages.unpack(columns)]


def row(told):
    [columns] = packed(told)
    return dict(zip(COLUMNS, columns, strict=True))


def test_what_was_told_is_read_again_in_order():
    told = [record(n, cause=n - 1) for n in range(1, 2 * RECORDS_MAX + 90)]
    told[5] = Record(6, 0.1, 1e-7, AgentUp(agent="a", incarnation=2, pid=3, down_ms=0.1 + 0.2), 5)
    found = packed(told)
    assert [columns[0] - columns[1] + 1 for columns in found] == [RECORDS_MAX, RECORDS_MAX, 89]
    assert [one for columns in found for one in records(columns)] == told


def test_a_page_tells_without_being_read_when_it_was():
    page = row([record(4), record(5), record(6)])
    assert (page["first_seq"], page["seq"], page["first_time"], page["last_time"]) == (4, 6, 1004.5, 1006.5)


@pytest.mark.parametrize("text", ["a\0b", "half \ud800", '"\\', "\N{SNOWMAN}", ""])
def test_any_text_is_kept_or_replaced_and_costs_the_others_nothing(text):
    told = [record(1), record(2, text), record(3)]
    found = records(packed(told)[0])
    assert [found[0], found[2]] == [told[0], told[2]]
    assert found[1].event.text == text.replace("\ud800", "?")


@pytest.mark.parametrize("column", COLUMNS)
def test_a_page_that_is_not_what_was_written_is_refused(column):
    page = row([record(n) for n in range(1, 4)])
    page[column] = f"{page[column]} " if column == "body" else page[column] + 1
    with pytest.raises(StoreDamaged, match="page of events up to"):
        pages.unpack(list(page.values()))


@pytest.mark.parametrize("body", ["[1]", "[[1, 2]]", '{"a": 1}', "[", '[[1, 0, 0.5, 0.5, "no_such_kind", {}]]'])
def test_a_page_of_something_else_is_refused(body):
    columns = (1, 1, 0.5, 0.5, body)
    with pytest.raises(StoreDamaged, match="cannot be read by this SCR"):
        records((*columns, seal(*columns)))


def test_a_page_is_cut_at_an_event():
    told = [record(n) for n in range(4, 9)]
    page = row(told)
    assert pages.until(page, 3) is None
    assert records(list(pages.until(page, 8).values())) == told
    cut = pages.until(page, 6)
    assert records(list(cut.values())) == told[:3]
    assert (cut["seq"], cut["last_time"]) == (6, 1006.5)


def test_a_page_tells_of_each_event_as_of_a_row():
    [first, second] = pages.happenings(row([record(1), record(2, "other", cause=1)]))
    assert first == {
        "seq": 1, "cause": 0, "at": 0.125, "time": 1001.5, "kind": "logged", "body": '{"agent": "a", "text": "a line"}'
    }  # fmt: skip
    assert (second["cause"], second["body"]) == (1, '{"agent": "a", "text": "other"}')
