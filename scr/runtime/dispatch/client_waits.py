"""Clients that wait for the answer to a message of theirs: any number for each message, each with a deadline.

Lives in the runtime, on its loop.  The answer is in the store before anybody
is told; who waits too short may ask again for the same message.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from scr.messages import Failure, Message, Result
from scr.turns.answer import Outcome, outcome_of

Tell: TypeAlias = Callable[[Outcome], None]


@dataclass(eq=False, slots=True)
class ClientWait:
    """One client's wait for the answer of `to` to a message."""

    message_id: str
    to: str
    tell: Tell
    timer: asyncio.TimerHandle | None = None


class Waits:
    """Who waits, by the id of the message.  `answered` is told which message has its answer, when all have it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, answered: Callable[[str], object] = lambda _: None) -> None:
        self._loop, self._answered = loop, answered
        self._waiting: defaultdict[str, list[ClientWait]] = defaultdict(list)

    def begin(self, message_id: str, to: str, timeout_s: float, tell: Tell) -> ClientWait:
        """Tell once that there was no answer in time; the answer to this message only after `listen`."""
        wait = ClientWait(message_id, to, tell)
        wait.timer = self._loop.call_later(timeout_s, self._expire, wait, timeout_s)
        return wait

    def listen(self, wait: ClientWait) -> None:
        """It is this client's own message that is under way: its answer ends the wait."""
        if wait.timer:
            self._waiting[wait.message_id].append(wait)

    def answer(self, message: Message) -> None:
        """A message to the client: whoever waits for it has it."""
        if isinstance(message, Result | Failure) and message.in_reply_to:
            self.end_all(message.in_reply_to, outcome_of(message))
            self._answered(message.in_reply_to)

    def end_all(self, message_id: str, outcome: Outcome) -> None:
        """Every wait for the answer to this message is over."""
        for wait in tuple(self._waiting.get(message_id, ())):
            self.end(wait, outcome)

    def end(self, wait: ClientWait, outcome: Outcome) -> None:
        """This wait is over, and no other for the same message."""
        if wait.timer is None:
            return
        wait.timer.cancel()
        wait.timer, waiting = None, self._waiting.get(wait.message_id, [])
        if wait in waiting:
            waiting.remove(wait)
        if not waiting:
            self._waiting.pop(wait.message_id, None)
        wait.tell(outcome)

    def _expire(self, wait: ClientWait, timeout_s: float) -> None:
        sentence = f"{wait.to} did not answer within {timeout_s:g} s; ask with a longer timeout_s or look at its log"
        self.end(wait, Outcome(error="AskTimedOut", detail=sentence))
