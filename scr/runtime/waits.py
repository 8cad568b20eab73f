"""Clients that wait for the answer to a message of theirs: any number for each message, each with a deadline.

Lives in the runtime, on its loop.  The answer is in the store before anybody
is told; who waits too short may ask again for the same message.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from scr.messages import Failure, Message, Result
from scr.runtime.asks import Outcome, Tell, outcome_of


@dataclass(eq=False, slots=True)
class Wait:
    """One client's wait for an answer of `to`."""

    to: str
    tell: Tell
    timer: asyncio.TimerHandle | None = None


class Waits:
    """Who waits, by the id of the message."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: defaultdict[str, list[Wait]] = defaultdict(list)

    def open(self, message_id: str, to: str, timeout_s: float, tell: Tell) -> Callable[[Outcome], None]:
        """Tell once: the answer to this message, or that there was none in time.

        What is returned ends this wait, and no other for the same message, with another outcome.
        """
        wait = Wait(to, tell)
        wait.timer = self._loop.call_later(timeout_s, partial(self._expire, message_id, wait, timeout_s))
        self._waiting[message_id].append(wait)
        return partial(self._withdraw, message_id, wait)

    def answer(self, message: Message) -> None:
        """A message to the client: whoever waits for it has it."""
        if isinstance(message, Result | Failure) and message.in_reply_to:
            self.end(message.in_reply_to, outcome_of(message))

    def end(self, message_id: str, outcome: Outcome) -> None:
        """Nobody waits any longer for the answer to this message."""
        for wait in self._waiting.pop(message_id, ()):
            if wait.timer:
                wait.timer.cancel()
            wait.tell(outcome)

    def _expire(self, message_id: str, wait: Wait, timeout_s: float) -> None:
        sentence = f"{wait.to} did not answer within {timeout_s:g} s; ask with a longer timeout_s or look at its log"
        self._withdraw(message_id, wait, Outcome(error="AskTimedOut", detail=sentence))

    def _withdraw(self, message_id: str, wait: Wait, outcome: Outcome) -> None:
        waiting = self._waiting.get(message_id, [])
        if wait not in waiting:
            return
        waiting.remove(wait)
        if not waiting:
            del self._waiting[message_id]
        if wait.timer:
            wait.timer.cancel()
        wait.tell(outcome)
