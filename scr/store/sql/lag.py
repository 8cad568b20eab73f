"""Whether a store holds everybody up: what it was given is kept late, or not at all.

Pure: times are monotonic seconds, and arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

SLOW_S = 1.0


@dataclass(slots=True)
class Lateness:
    """The last time in which writes were kept late, without a break.  Told and asked from two threads.

    A store that has been late for longer than `most_s` is no longer in
    trouble, it is slow: then nobody is excused any more, or who waits for
    each other in a circle would do so as long as it is.
    """

    most_s: float
    since: float = -inf
    until: float = -inf

    def note_write(self, behind_s: float, now: float) -> None:
        """The oldest of what was kept just now had waited for so long."""
        if behind_s > SLOW_S:
            self.since, self.until = self._since(behind_s, now), now

    def held_up(self, within_s: float, behind_s: float, now: float) -> bool:
        """Whether somebody waits for too long, or has in the last `within_s`; `behind_s` is the longest wait now."""
        if behind_s > SLOW_S:
            return now - self._since(behind_s, now) <= self.most_s
        return now - self.until < within_s and self.until - self.since <= self.most_s

    def _since(self, behind_s: float, now: float) -> float:
        """Since when: what waits now may have been given while others before it were late already."""
        return self.since if self.until >= now - behind_s else now - behind_s
