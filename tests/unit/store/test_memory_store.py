"""The store in memory keeps what was accepted and committed."""

import pytest

from scr.frames import Commit, Entry, StepRecord
from scr.messages import Ping, origin
from scr.store.memory import MemoryStore
from scr.store.store import DeadLetter
from scr.telemetry.crashes import CrashRecord


def message(n):
    return Ping(**origin(message_id=f"m{n}", sender="a", to="b", at=0.0))


@pytest.fixture
def store():
    return MemoryStore(dead_letters=3, crashes=3)


def test_an_accepted_message_is_open_until_its_one_outcome(store):
    for n in range(3):
        store.accept(message(n))
    done = []
    store.commit("b", Commit(message_id="m0", sends=(message(7),)), lambda: done.append("kept"))
    store.bury(DeadLetter(message(1), "quarantined", "", 3))
    store.outcome("m2")
    assert (done, store.open_messages()) == (["kept"], 1)


def test_a_state_is_the_last_committed_one_and_none_after_the_agent_is_forgotten(store):
    store.commit("b", Commit(message_id="m0", state={"n": 1}), lambda: None)
    store.commit("b", Commit(message_id="m1"), lambda: None)
    assert store.state("b") == {"n": 1}
    store.forget("b")
    assert store.state("b") is None


def test_entries_are_read_in_order_of_version_the_newest_of_each_key(store):
    for n, key in enumerate("abca"):
        store.commit("b", Commit(message_id=f"m{n}", entries=(Entry(key=key, value=n),)), lambda: None)
    assert [(entry.key, entry.value, entry.version) for entry in store.entries(0, 10)] == [
        ("b", 1, 2),
        ("c", 2, 3),
        ("a", 3, 4),
    ]
    assert [entry.version for entry in store.entries(2, 1)] == [3]
    assert store.entries_version() == 4


def test_dead_letters_and_steps_are_bounded(store):
    for n in range(9):
        store.record(f"m{n}", StepRecord(name="s"))
        store.bury(DeadLetter(message(n), "unknown_agent", "", 0))
    assert [letter.message.message_id for letter in store.dead()] == ["m6", "m7", "m8"]
    assert store._steps == {}


def test_the_last_crashes_are_kept_and_found_by_their_agent(store):
    for number, agent in enumerate("abab"):
        store.crash(CrashRecord(agent=agent, incarnation=number, pid=9, reason="error"))
    assert [record.incarnation for record in store.crashes()] == [1, 2, 3]
    assert [record.incarnation for record in store.crashes("b")] == [1, 3]
    assert store.crashes("nobody") == ()
