"""What is the store in memory's alone; the rest is in the contract of all stores."""

import pytest

from scr.frames import Commit
from scr.messages import CLIENT, Ping, Pong, origin
from scr.store.memory import KNOWN, MemoryStore
from scr.store.records import CommittedTurn, DeadLetter


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
