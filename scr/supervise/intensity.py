"""How many restarts are too many, and how long to pause before the next.

Pure arithmetic: times in monotonic seconds, and the jitter is a hash of who
restarts and which time it is, so that a history replays exactly.
"""

from __future__ import annotations

from scr.charging import fraction
from scr.specs import Backoff


def add_restart(
    stamps: tuple[float, ...], at: float, *, max_restarts: int, within_s: float
) -> tuple[float, ...] | None:
    """The restarts that still count, with this one; None when it is one too many.

    A restart exactly `within_s` ago still counts.
    """
    recent = (*[stamp for stamp in stamps if at - stamp <= within_s], at)
    return recent if len(recent) <= max_restarts else None


def pause_s(backoff: Backoff, failures: int, seed: str) -> float:
    """How long to wait before the restart after the nth failure in a row (n from 1)."""
    doublings = min(failures - 1, 64)
    ceiling = min(backoff.cap_s, backoff.base_s * 2.0**doublings)
    return ceiling if backoff.jitter == "none" else ceiling * fraction(seed)
