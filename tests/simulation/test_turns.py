"""Turns keep their promises in random histories of the runtime's own shell; `SCR_HISTORIES` says how many (500)."""

import os
from collections import Counter

import pytest

from tests.simulation.turns_witness import Witness
from tests.simulation.turns_world import World

HISTORIES = int(os.environ.get("SCR_HISTORIES", "500"))
SEEN = {
    *("committed", "buried", "cancelled", "refused", "of old", "effects", "parked"),
    *("failed: retrying", "failed: over", "failed: behind", "died: again", "died: over"),
    *("asked: None", "asked: AskTimedOut", "asked: TaskFailed", "asked: InvalidMessage", "asked: StepInDoubt"),
    *("client: None", "client: AskTimedOut", "client: RunCancelled", "client: TaskFailed"),
}
"""What has happened in some history: a world in which it does not says nothing of it."""
FIRST = 500


def live_through(seeds, wall):
    """Live through the histories of these seeds; what has happened in them.  The first broken promise is shown."""
    seen = Counter()
    for seed in seeds:
        history = None
        try:
            history = World(seed, Witness, wall)
            history.run()
        except Exception as error:
            story = "\n".join(" ".join(map(str, line)) for line in (wall.world.log if wall.world else [])[-40:])
            raise AssertionError(f"history {seed}: {error!r}\n{story}") from error
        seen += history.witness.seen
    return seen


@pytest.mark.timeout(max(60, HISTORIES // 50))
def test_turns_keep_their_promises_in_a_hostile_world(wall):
    seen = live_through(range(FIRST), wall)
    assert seen.keys() >= SEEN, SEEN - seen.keys()
    live_through(range(FIRST, HISTORIES, 2), wall)
