"""A store is watched: what its thread cannot tell, because it waits, is found by looking."""

import pytest

from scr.errors import LeaseLost
from scr.protocol.status import StoreStatus
from scr.runtime.store_watch import Watcher

URL = "postgresql://server/scr"


class Looked:
    """A watcher, a store that is so far behind at each look, and a loop that looks whenever it is told to."""

    def __init__(self, *looks, patience_s=3.0):
        self._looks = [
            StoreStatus(url=URL, **(look if isinstance(look, dict) else {"behind_s": look})) for look in looks
        ]
        self.lost, self.states = [], []
        watcher = self.watcher = Watcher(self.lost.append, lambda status: self.states.append(status.state))
        watcher.watch(self, self, patience_s)

    def status(self):
        return self._looks.pop(0)

    def call_later(self, delay_s, watch, *args):
        if self._looks:
            watch(*args)


def test_a_write_that_waits_throughout_loses_the_store_once():
    looked = Looked(0.0, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5)
    (error,) = looked.lost
    assert str(error) == (
        f"the store {URL} answers nothing, a write has waited for 4 s; see what has stopped its disk or its server"
    )


@pytest.mark.parametrize(
    "looks",
    [
        pytest.param([0.9] * 60, id="one that is always busy"),
        pytest.param([0.5, 1.5, 2.5, 0.4, 1.4, 2.4, 0.3], id="one that answers just in time"),
        pytest.param([0.5, 3600.0, 0.1, 0.0], id="one whose runtime was stopped for an hour"),
    ],
)
def test_a_store_that_answers_is_not_lost(looks):
    assert Looked(*looks).lost == []


def test_one_look_is_never_enough_however_little_patience_there_is():
    assert Looked(0.0, 3600.0, 0.1, 0.0, patience_s=0.1).lost == []
    assert len(Looked(0.2, 1.2, patience_s=0.1).lost) == 1


def test_what_is_wrong_is_told_when_it_is_known():
    looked = Looked(*({"behind_s": n + 0.5, "state": "trouble", "detail": "the disk is full"} for n in range(9)))
    assert [str(error) for error in looked.lost] == ["the disk is full"]


def test_that_it_is_slow_is_told_and_that_it_is_no_more():
    assert Looked(0.0, {"state": "slow", "behind_s": 1.2}, {"state": "slow", "behind_s": 2.2}, 0.0).states == [
        "slow",
        "ok",
    ]


def test_a_look_at_a_store_that_is_lost_leaves_it_to_its_thread_to_say_why():
    looked = Looked({"state": "lost", "detail": "another runtime has taken the run over"}, 0.0)
    assert (looked.states, looked.lost, looked.status().behind_s) == ([], [], 0.0)
    why = LeaseLost("another runtime has taken the run over")
    looked.watcher.lost(why)
    assert looked.lost == [why]
