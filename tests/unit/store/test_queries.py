"""Pages of entries are read by their size: nobody holds much more than one page of them."""

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scr.store.sql import queries
from scr.store.sql.rows import seal, text_of

PAGE = 4000


class Rows:
    """A table of entries of these sizes; counts what is read of it."""

    def __init__(self, sizes):
        self.sizes, self.read_bytes = sizes, 0

    def rows(self, _statement, *, run, after, limit):
        return [self._row(version) for version in range(after + 1, min(after + limit, len(self.sizes)) + 1)]

    def _row(self, version):
        value = text_of("x" * self.sizes[version - 1])
        self.read_bytes += len(value)
        return version, f"k{version}", value, seal(version, f"k{version}", value)


@pytest.fixture(autouse=True, scope="module")
def small_pages():
    with patch.object(queries, "PAGE_BYTES", PAGE):
        yield


def pages(table, limit):
    after = 0
    while page := queries.entries(table, 1, after, limit):
        yield page
        after = page[-1].version


SIZES = st.lists(st.sampled_from([0, 10, 200, PAGE // 3, PAGE + 1]), max_size=40)


@given(SIZES, st.sampled_from([1, 7, 500]))
def test_all_entries_are_read_once_in_order_whatever_their_sizes(sizes, limit):
    found = [entry for page in pages(Rows(sizes), limit) for entry in page]
    assert [(entry.version, len(entry.value)) for entry in found] == list(enumerate(sizes, 1))


def test_small_entries_come_as_many_as_are_wanted():
    assert [len(page) for page in pages(Rows([1] * 1200), 500)] == [500, 500, 200]


def test_of_large_entries_hardly_more_than_a_page_is_read_at_once():
    table = Rows([PAGE // 4 + 1] * 50)
    assert len(queries.entries(table, 1, 0, 500)) == 4
    assert table.read_bytes < 1.1 * PAGE
    table = Rows([10] * 20 + [PAGE] * 500)
    queries.entries(table, 1, 0, 10_000)
    assert table.read_bytes < 40 * PAGE
