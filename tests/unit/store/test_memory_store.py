"""What is the store in memory's alone; the rest is in the contract of all stores."""

import pytest

from scr.messages import CLIENT, Ping, Pong, origin
from scr.protocol.frames import Commit
from scr.store.memory import KNOWN, MemoryStore
from scr.store.records import CommittedTurn, DeadLetter, given_of
from tests.contract.store_harness import task


def message(n, sender="a", to="b"):
    return Ping(**origin(message_id=f"m{n}", sender=sender, to=to, at=0.0))


@pytest.fixture
def store():
    return MemoryStore(dead_letters=3, crashes=3)


def test_it_calls_back_at_once(store):
    done = []
    store.accept(message(0), lambda: done.append("accepted"))
    store.commit(CommittedTurn("b", 1, Commit(message_id="m0")), lambda: done.append("committed"))
    assert done == ["accepted", "committed"]


def test_what_has_ended_leaves_nothing_but_a_bounded_number_of_dead_letters_and_answers():
    store = MemoryStore(dead_letters=3)
    for n in range(KNOWN + 100):
        store.accept(message(n, sender=CLIENT))
        answer = Pong(**(origin(message_id=f"r{n}", sender="b", to=CLIENT, at=0.0) | {"in_reply_to": f"m{n}"}))
        store.commit(CommittedTurn("b", 1, Commit(message_id=f"m{n}", sends=(answer,))), lambda: None)
    for n in range(9):
        store.accept(message(f"x{n}"))
        store.bury(DeadLetter(message(f"x{n}"), "unknown_agent", "", 0), None)
    assert store.counts().dead_letters == 3
    assert (len(store._open), len(store._known)) == (0, KNOWN)


def test_it_begins_from_an_image_and_tells_the_present_one(store):
    store.accept(message(1))
    store.accept(message(2))
    again = MemoryStore(image=store.present())
    assert [kept.message.message_id for kept in again.image.mail] == ["m1", "m2"]
    assert again.present() == store.present()


def test_what_was_given_under_a_key_is_compared_by_who_gave_it_to_whom_and_what_but_not_by_the_number_of_the_task():
    mine = given_of(task("m", sender=CLIENT, value={"a": 1, "b": [2.0]}))
    again = task("m", sender=CLIENT, value={"b": [2.0], "a": 1})
    renumbered = again.model_copy(update={"payload": again.payload.model_copy(update={"task_id": "another"})})
    assert not mine.conflict(given_of(renumbered), "m")
    assert "is the id of a message of 'a'" in given_of(task("m", value={})).conflict(mine, "m")
    assert "used for 'b' and cannot be used for 'c'" in mine.conflict(given_of(task("m", sender=CLIENT, to="c")), "m")
    assert "another payload" in mine.conflict(given_of(task("m", sender=CLIENT, value={"a": 1, "b": [2]})), "m")


def test_no_more_is_kept_of_keys_than_of_answers():
    store = MemoryStore()
    for n in range(KNOWN + 10):
        message = task(f"m{n}", sender=CLIENT)
        store.accept(message, given=given_of(message))
        store.cancel(message.message_id, lambda: None)
    assert len(store._given) == KNOWN
