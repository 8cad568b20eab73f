"""Which turns end a row of failures, after which an agent is parked."""

import asyncio

import pytest

from scr.charging import PARKED_AFTER
from scr.messages import RUNTIME, Failure, Tick, TimerPayload, origin
from scr.protocol.frames import FailTurn
from scr.retry import Retry
from scr.store.memory import MemoryStore
from tests.unit.runtime.test_no_answer import Stand
from tests.unit.runtime.test_turn_machine import TREE

ONCE = TREE.children[1].model_copy(update={"retry": Retry(attempts=1), "park": True})


@pytest.fixture
def stand():
    """One runtime whose agent b may try each message once; `parked` are the agents that were parked, and why."""
    loop = asyncio.new_event_loop()
    one = Stand(loop, MemoryStore())
    one.parked = []
    one.nobody.park = lambda agent, why: one.parked.append((agent, why))
    one.turns.open_agent(ONCE)
    yield one
    loop.close()


def tick(stand, n):
    """The nth tick of agent b's own timer is in its hands."""
    payload, envelope = TimerPayload(name="tick", every_s=1.0), origin(message_id=f"t{n}", sender="b", to="b", at=0.0)
    stand.turns.post.accept(Tick(payload=payload, **envelope))
    return stand.take("b")


def fail(stand, message):
    failed = FailTurn(ref=1, message_id=message.message_id, names=("ValueError",), error_type="ValueError")
    stand.say("b", failed)


def test_the_news_of_its_own_failures_do_not_keep_an_agent_from_being_parked(stand):
    for n in range(PARKED_AFTER):
        fail(stand, tick(stand, n))
        if n < PARKED_AFTER - 1:
            news = stand.take("b")
            assert (type(news), news.sender) == (Failure, RUNTIME)
            stand.commit("b", news)
    ((agent, why),) = stand.parked
    assert (agent, why.split(";")[0]) == ("b", f"{PARKED_AFTER} messages in a row became dead letters")


def test_a_turn_of_any_other_message_ends_the_row(stand):
    for n in range(2 * PARKED_AFTER):
        message = tick(stand, n)
        if n == PARKED_AFTER - 2 or n == 2 * PARKED_AFTER - 3:
            stand.commit("b", message)
        else:
            fail(stand, message)
            stand.commit("b", stand.take("b"))
    assert not stand.parked
