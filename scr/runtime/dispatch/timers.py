"""Messages that are to be sent later.

Lives in the runtime, on its loop.  A timer that counts from its commit counts
in monotonic time while this runtime lives; all others, and all that an earlier
runtime has left, go by the wall clock, which is looked at again and again: it
may jump.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import time

from scr.protocol.frames import Timer

LOOK_S = 30.0


class Timers:
    """Timers that are not due yet.  `due` is told of each once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, due: Callable[[Timer], None]) -> None:
        self._loop, self._due = loop, due
        self._handles: dict[str, asyncio.TimerHandle] = {}

    def set(self, timer: Timer) -> None:
        """A turn has committed it."""
        if timer.after_s is None:
            self.restore(timer)
        else:
            self._arm(timer, timer.after_s, self._fire)

    def restore(self, timer: Timer) -> None:
        """Go by the wall clock."""
        left_s = timer.due - time()
        self._arm(timer, max(0.0, min(left_s, LOOK_S)), self._fire if left_s <= LOOK_S else self.restore)

    def cancel(self, timer_id: str) -> None:
        """It is not wanted any more; one that is over is none."""
        if handle := self._handles.pop(timer_id, None):
            handle.cancel()

    def _arm(self, timer: Timer, delay_s: float, then: Callable[[Timer], None]) -> None:
        self._handles[timer.message.message_id] = self._loop.call_later(delay_s, then, timer)

    def _fire(self, timer: Timer) -> None:
        del self._handles[timer.message.message_id]
        self._due(timer)
