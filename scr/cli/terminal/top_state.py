"""What keys do in `scr top`: a fold over them.

Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from scr.views.agents import Sort

SORTS = tuple(Sort)
STEPS = {"up": -1, "down": 1, "page up": -10, "page down": 10, "home": -1_000_000, "end": 1_000_000}


class Deed(StrEnum):
    """What may be done to the agent that is selected."""

    KILL = "kill"
    RESTART = "restart"


DEEDS = {"k": Deed.KILL, "r": Deed.RESTART}


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody has chosen so far.  `asking` waits for a yes; `doing` is to be done now, to `selected`."""

    sort: Sort = Sort.TREE
    selected: str | None = None
    asking: Deed | None = None
    doing: Deed | None = None
    is_over: bool = False

    def seeing(self, shown: Sequence[str]) -> Choice:
        """The choice among what is shown now: what has gone is not selected any more."""
        if self.selected in shown:
            return self
        return replace(self, selected=shown[0] if shown else None, asking=None)

    def after(self, key: str, shown: Sequence[str]) -> Choice:
        """The choice once this key was pressed, with these ids shown from top to bottom."""
        choice = replace(self.seeing(shown), doing=None)
        match key:
            case _ if choice.asking:
                return replace(choice, asking=None, doing=choice.asking if key in {"y", "Y"} else None)
            case "q" | "Q" | "\x1b":
                return replace(choice, is_over=True)
            case "s" | "S":
                step = 1 if key == "s" else -1
                return replace(choice, sort=SORTS[(SORTS.index(choice.sort) + step) % len(SORTS)])
            case "k" | "r" if choice.selected:
                return replace(choice, asking=DEEDS[key])
            case _ if key in STEPS and choice.selected:
                at = shown.index(choice.selected) + STEPS[key]
                return replace(choice, selected=shown[max(0, min(at, len(shown) - 1))])
            case _:
                return choice
