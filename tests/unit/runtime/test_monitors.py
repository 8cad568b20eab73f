"""The end of a monitor takes back the news of an end that waits, and none that the agent has in hand."""

import asyncio

import pytest

from scr.messages import ExitReason
from tests.unit.runtime.test_late_questions import SlowStore, Stand


@pytest.fixture
def one():
    """A runtime whose agent a monitors c and has a task in hand."""
    loop = asyncio.new_event_loop()
    stand = Stand(loop, SlowStore())
    stand.turns.effects.watch("a", "c")
    stand.send("k", "a")
    yield stand
    loop.close()


def ends(stand):
    """Have c end for good."""
    _, watchers = stand.turns.close("c")
    for watcher in watchers:
        stand.turns.post.tell_down(watcher, "c", ExitReason.KILLED, "by its supervisor")


def test_the_news_that_waits_when_the_turn_is_in_the_store_are_taken_back(one):
    message = one.take("a")
    one.send("l", "a")
    ends(one)
    one.commit("a", message, demonitors=("c",))
    one.store.keep()
    assert one.take("a").message_id == "l"
    assert one.store.counts().open_messages == 1


def test_the_news_that_the_agent_has_in_hand_by_then_stay_there_and_come_again_after_a_death(one):
    message = one.take("a")
    ends(one)
    one.commit("a", message, demonitors=("c",))
    news = one.take("a")
    one.store.keep()
    assert one.turns.router.in_hand("a").message == news
    one.dies("a")
    again = one.agents["a"].inbox.popleft()
    assert (again.message, again.deliveries) == (news, 2)
