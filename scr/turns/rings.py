"""Agents that would wait for each other in a ring.

Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

NAMED_MAX = 12


def ring_of(asker: str, asked: str, waits_for: Callable[[str], Iterable[str]]) -> tuple[str, ...]:
    """Return the ring that a question would close, from the asker round to the asker; the shortest, or none."""
    comes_from: dict[str, str] = {asked: asker}
    reached = deque([asked])
    while reached and asker not in comes_from:
        agent = reached.popleft()
        for other in waits_for(agent):
            if other not in comes_from:
                comes_from[other] = agent
                reached.append(other)
    return _back(asker, asked, comes_from) if asker in comes_from else ()


def _back(asker: str, asked: str, comes_from: dict[str, str]) -> tuple[str, ...]:
    back = [asker]
    while back[-1] != asked:
        back.append(comes_from[back[-1]])
    return (asker, *reversed(back))


def refusal(ring: tuple[str, ...]) -> str:
    """Say why a question that closes this ring is not sent, and what to do instead."""
    asker, asked, *others = ring
    left_out = len(others) - NAMED_MAX
    named = others if left_out <= 0 else [*others[: NAMED_MAX - 1], others[-1]]
    links = [f"which waits for {agent}" for agent in named]
    if left_out > 0:
        links.insert(-1, f"which waits for {left_out + 1} more")
    return (
        f"{', '.join([f'{asker} asks {asked}', *links])}: they would wait for each other until a timeout; "
        "send the question with ctx.send and take its result in on_result, or give the answer along with the task"
    )
