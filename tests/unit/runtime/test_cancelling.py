"""A task that is cancelled twice is counted once."""

import asyncio

import pytest

from scr.store.memory import MemoryStore
from tests.unit.runtime.test_late_questions import Stand


@pytest.fixture
def one():
    """A runtime whose agent a has a task in hand and the next one already."""
    loop = asyncio.new_event_loop()
    stand = Stand(loop, MemoryStore())
    for key in ("k", "l"):
        stand.send(key, "a")
    yield stand
    loop.close()


def test_a_task_that_is_cancelled_once_more_while_its_process_ends_counts_no_second_time(one):
    assert [one.turns.cancel("k"), one.turns.cancel("k")] == [1, 0]
    assert one.nobody.recycled == ["a"]
