"""Supervision keeps its promises in random histories; `SCR_HISTORIES` says how many (3000)."""

import os
import re
from collections import Counter

import pytest

HISTORIES = int(os.environ.get("SCR_HISTORIES", "3000"))


def brief(event):
    """A fact or an order in one line: specifications by their ids."""
    return re.sub(r"(Agent|Supervisor)Spec\(id='(\w+)'.*", r"\2 …)", str(event))


@pytest.mark.timeout(max(60, HISTORIES // 50))
def test_supervision_keeps_its_promises_in_a_hostile_world(world):
    endings = Counter()
    for seed in range(HISTORIES):
        history = world(seed)
        try:
            endings[history.run()] += 1
        except Exception as error:
            story = "\n".join(
                f"{at:8} {brief(fact)} -> {', '.join(map(brief, orders))}" for at, fact, orders in history.log[-15:]
            )
            raise AssertionError(f"history {seed}: {error!r}\n{story}") from error
    assert {"settled", "the end", "gave_up", "start_failed", "auto_shutdown"} <= endings.keys(), endings
