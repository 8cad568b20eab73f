"""Timers that have a name and fire again and again, as a handler or `on_start` sets them."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import time
from typing import Any

from scr.agent.arguments import is_number, shown
from scr.agent.arguments import key as checked
from scr.errors import InvalidMessage, ScrError
from scr.messages import TICK_MAX_S, TICK_MIN_S, Tick, TimerPayload, derive_id, origin
from scr.protocol.frames import Ready, Timer, name_of


@dataclass(slots=True)
class Starting:
    """The timers that `on_start` has set and cancelled: they take effect when the start is complete.

    Their ids are made of `seed`, which is no other incarnation's.
    """

    seed: str
    most: int
    posted: int = 0
    timers: dict[str, Timer] = field(default_factory=dict)
    cancels: dict[str, None] = field(default_factory=dict)
    over: bool = False

    @property
    def next_id(self) -> str:
        """The id of the next timer's message."""
        return derive_id(self.seed, self.posted)

    def set_timer(self, timer: Timer) -> None:
        """Set a timer; the last of a name counts.  Raises InvalidMessage for more than a turn may set."""
        self._check("set a timer")
        name = name_of(timer)
        if self.posted >= self.most:
            raise InvalidMessage(f"one start may set {self.most} timers; {name!r} would be one more")
        self.posted += 1
        self.timers[name] = timer

    def cancel_timer(self, name: str) -> None:
        """Cancel a timer by its name, or by the id of its message."""
        self._check("cancel a timer")
        self.timers.pop(name, None)
        self.cancels[name] = None

    def ready(self) -> Ready:
        """Make the frame that says that the start is complete."""
        return Ready(timers=tuple(self.timers.values()), cancels=tuple(self.cancels))

    def _check(self, verb: str) -> None:
        if self.over:
            raise ScrError(f"cannot {verb}: on_start is over; do it in a handler")


def tick_of(agent: str, message_id: str, name: Any, every_s: Any) -> Timer:
    """Make a timer of this name and period.  Raises InvalidMessage for what cannot be either."""
    named = checked(name, "a timer's name")
    if not is_number(every_s) or not TICK_MIN_S <= every_s <= TICK_MAX_S:
        raise InvalidMessage(
            f"timer {named!r} cannot fire every {shown(every_s)} s: give seconds, {TICK_MIN_S:g} to {TICK_MAX_S:.0f}"
        )
    period_s, at = float(every_s), time()
    payload = TimerPayload(name=named, every_s=period_s)
    message = Tick(payload=payload, **origin(message_id=message_id, sender=agent, to=agent, at=at))
    return Timer(message=message, due=at + period_s, after_s=period_s)
