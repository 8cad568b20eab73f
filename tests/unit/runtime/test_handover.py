"""Whoever is started again at once waits for the runtime that is still ending, and no longer."""

from types import SimpleNamespace

import pytest

from scr.errors import RunOwned
from scr.runtime import store_watch

BOOT = SimpleNamespace(
    run="run", runtime="r", tree=None, title="", settings=SimpleNamespace(lease_s=1.0, store="memory:", limits=None)
)


@pytest.fixture
def owned(monkeypatch):
    """How often the run is said to be another's before it is free; the clock goes on by the pauses alone."""

    def owned(times):
        clock, left = [0.0], [times]

        def open_store(url, opening, **_):
            left[0] -= 1
            if left[0] >= 0:
                raise RunOwned("by another")
            return "the store"

        monkeypatch.setattr(store_watch, "open_store", open_store)
        paused = lambda s: clock.append(clock.pop() + s)  # noqa: E731  a clock of two lines
        monkeypatch.setattr(store_watch, "time", SimpleNamespace(monotonic=lambda: clock[0], sleep=paused))
        return store_watch.opened_store(None, BOOT, store_watch.Watcher())

    return owned


def test_a_run_that_is_free_in_time_is_taken(owned):
    assert owned(0) == owned(5) == "the store"


def test_a_run_that_stays_with_its_owner_is_not_waited_for_any_longer(owned):
    with pytest.raises(RunOwned):
        owned(1000)
