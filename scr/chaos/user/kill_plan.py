"""From a seed to kills that fall into turns: how many are due by which turn, at whom, how far into it.

Pure.  What is drawn for one kill depends on the seed and its place alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from scr.chaos.plan.faults import draw
from scr.chaos.plan.kinds import HELPERS
from scr.errors import InvalidInput

AGENT = "agent"
CAPS = {"zygote": 4, "runtime": 2}
"""How often a helper is killed at most: one fewer than is survived, however fast they come."""
TARGETS = (AGENT, *HELPERS, "runtime")
HELD_S = 0.02  # how long a turn is taken to be where none is known


@dataclass(frozen=True, slots=True)
class Strikes:
    """So many kills over so many turns.  `lasting_s` are what the turns lasted when nobody disturbed them."""

    seed: int
    kills: int
    turns: int
    targets: Sequence[str] = (AGENT,)
    lasting_s: Sequence[float] = ()

    def __post_init__(self) -> None:
        if unknown := set(self.targets) - set(TARGETS):
            raise InvalidInput(f"nothing is called {', '.join(sorted(unknown))}; kills can hit {', '.join(TARGETS)}")

    def due(self, turn: int) -> int:
        """How many kills must have been by the time that this turn, counted from 1, is over."""
        places = sorted(1 + int(draw(self.seed, n, "turn") * self.turns) for n in range(self.kills))
        return bisect_right(places, turn)

    def delay_s(self, n: int) -> float:
        """How far into a turn kill `n` falls: anywhere within what some turn lasted."""
        lasting_s = self.lasting_s or (HELD_S,)
        return lasting_s[int(draw(self.seed, n, "like") * len(lasting_s))] * draw(self.seed, n, "delay")

    def target(self, n: int) -> str:
        """What kill `n` hits; an agent, once a helper has had its share."""
        wanted = self._drawn(n)
        before = sum(self._drawn(earlier) == wanted for earlier in range(n))
        return AGENT if before >= CAPS.get(wanted, self.kills) else wanted

    def pick(self, n: int, among: int) -> int:
        """Which of so many."""
        return int(draw(self.seed, n, "pick") * among)

    def _drawn(self, n: int) -> str:
        return self.targets[int(draw(self.seed, n, "target") * len(self.targets))]
