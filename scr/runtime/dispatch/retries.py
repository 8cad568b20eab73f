"""Retries that wait for their time: one timer, however many they are.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count


class Retries:
    """`due` is told of each retry once, by agent and message.  Due times are on the loop's clock, which never jumps."""

    def __init__(self, loop: asyncio.AbstractEventLoop, due: Callable[[str, str], None]) -> None:
        self._loop, self._due = loop, due
        self._waiting: list[tuple[float, int, str, str]] = []
        self._latest: dict[tuple[str, str], int] = {}  # an earlier retry of the same message says nothing any more
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, agent: str, message_id: str, delay_s: float) -> None:
        """Tell of this message in so many seconds."""
        self._latest[agent, message_id] = number = next(self._numbers)
        heappush(self._waiting, (self._loop.time() + delay_s, number, agent, message_id))
        if self._timer is None or self._timer.when() > self._waiting[0][0]:
            self._arm()

    def _arm(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._waiting[0][0], self._tell) if self._waiting else None

    def _tell(self) -> None:
        self._timer, now = None, self._loop.time()
        try:
            while self._waiting and self._waiting[0][0] <= now:
                _, number, agent, message_id = heappop(self._waiting)
                if self._latest.get((agent, message_id)) == number:
                    del self._latest[agent, message_id]
                    self._due(agent, message_id)
        finally:
            if self._timer is None:
                self._arm()
