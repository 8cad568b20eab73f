"""One message on its way to its outcome."""

from __future__ import annotations

from dataclasses import dataclass, field

from scr.charging import Charges
from scr.frames import StepRecord
from scr.messages import Message

UNCHARGED = Charges()


@dataclass(slots=True, eq=False)
class Pending:
    """A message on its way to a committed turn.

    `deliveries` counts how often it was handed over; `charges` are its failed
    tries.  It is `sealed` while its turn is on its way into the store: it is
    handed to no process again.  It is `ahead` when the agent's process has it
    before it may be handled.  While `writing` of its steps are on their way
    into the store it is handed to no process: the one that gets it must know
    them, and may rely on them.  `cause` is the seq of the last event of its
    life.  `due` (wall clock) is when it is tried again, while it waits for
    that.  `place` is its place in the order of arrival.
    """

    message: Message
    deliveries: int = 0
    charges: Charges = UNCHARGED
    steps: dict[str, StepRecord] = field(default_factory=dict)
    sealed: bool = False
    ahead: bool = False
    writing: int = 0
    cause: int = 0
    due: float | None = None
    place: int = 0
