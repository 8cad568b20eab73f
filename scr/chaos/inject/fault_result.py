"""What became of each fault: whom it hit and when, or why it hit nobody.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Landed:
    """A fault that was really done.  Times are monotonic seconds; `until` is when it was undone, `at` if it cannot be.

    `seen_at` is when the injector saw another helper process than the one that was hit; 0 where events tell.
    """

    n: int
    kind: str
    target: str
    victim: str
    pid: int
    at: float
    until: float
    seen_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Missed:
    """A fault that hit nobody, and why."""

    n: int
    kind: str
    target: str
    why: str
