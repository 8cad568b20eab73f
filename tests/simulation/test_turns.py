"""Turns keep their promises in random histories of the runtime's own shell; `SCR_HISTORIES` says how many (500)."""

import os
import sys
import time
from collections import Counter

import pytest

from tests.simulation.turns_witness import Witness
from tests.simulation.turns_world import World, clock

HISTORIES = int(os.environ.get("SCR_HISTORIES", "500"))
SEEN = {
    *("committed", "buried", "cancelled", "refused", "of old", "effects", "parked"),
    *("failed: retrying", "failed: over", "failed: behind", "died: again", "died: over"),
    *("asked: None", "asked: AskTimedOut", "asked: TaskFailed", "asked: InvalidMessage", "asked: StepInDoubt"),
    *("client: None", "client: AskTimedOut", "client: RunCancelled", "client: TaskFailed"),
}
"""What has happened in some history: a world in which it does not says nothing of it."""


@pytest.fixture
def wall(monkeypatch):
    """The wall clock of the world, in all modules of the runtime."""
    here = clock()
    for name, module in list(sys.modules.items()):
        if name.startswith("scr.runtime."):
            if getattr(module, "time", None) is time:
                monkeypatch.setattr(module, "time", here)
            elif getattr(module, "time", None) is time.time:
                monkeypatch.setattr(module, "time", here.time)
    return here


@pytest.mark.timeout(max(60, HISTORIES // 20))
def test_turns_keep_their_promises_in_a_hostile_world(wall):
    seen = Counter()
    for seed in range(HISTORIES):
        history = None
        try:
            history = World(seed, Witness, wall)
            history.run()
        except Exception as error:
            story = "\n".join(" ".join(map(str, line)) for line in (wall.world.log if wall.world else [])[-40:])
            raise AssertionError(f"history {seed}: {error!r}\n{story}") from error
        seen += history.witness.seen
    assert HISTORIES < 500 or seen.keys() >= SEEN, SEEN - seen.keys()
