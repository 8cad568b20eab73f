"""From many faults that make a run fail to the fewest that still do: delta debugging over the schedule.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from scr.chaos.plan.faults import Fault


def shrink(
    faults: Sequence[Fault], fails: Callable[[Sequence[Fault]], bool], tries: int
) -> tuple[Sequence[Fault], int]:
    """The fewest faults found that still fail, and how many tries were left.  `fails` may be called `tries` times."""
    pieces = 2
    while len(faults) > 1 and tries > 0:
        smaller, tries = _one_pass(faults, pieces, fails, tries)
        if smaller is not None:
            faults, pieces = smaller, max(2, pieces - 1)
        elif pieces >= len(faults):
            break
        else:
            pieces = min(len(faults), pieces * 2)
    return faults, tries


def _one_pass(
    faults: Sequence[Fault], pieces: int, fails: Callable[[Sequence[Fault]], bool], tries: int
) -> tuple[Sequence[Fault] | None, int]:
    """Each piece alone, then all but each; the first that fails."""
    size = -(-len(faults) // pieces)
    parts = [faults[at : at + size] for at in range(0, len(faults), size)]
    rests = [[fault for fault in faults if fault not in part] for part in parts] if len(parts) > 2 else []
    for some in (*parts, *rests):
        if tries == 0:
            return None, 0
        tries -= 1
        if fails(some):
            return some, tries
    return None, tries
