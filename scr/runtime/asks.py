"""Those who wait for an answer, each with a deadline.

Lives in the runtime, on its loop.  An ask ends exactly once: with the result
of its message, with the failure of its message, or at its deadline.  What
comes later is dropped.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import JsonValue

from scr.messages import Failure, Message, Result

CLOSED_KEPT = 10_000
ERROR_OF = {
    "unknown_agent": "UnknownAgent",
    "mailbox_full": "MailboxFull",
    "quarantined": "AgentGone",
    "agent_gone": "AgentGone",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an ask ended: an output, or the name of an error in `scr.errors` with its sentence."""

    output: JsonValue = None
    error: str | None = None
    detail: str = ""


Tell: TypeAlias = Callable[[Outcome], None]


@dataclass(slots=True)
class Waiting:
    """One ask under way."""

    tell: Tell
    timer: asyncio.TimerHandle


class Asks:
    """Asks under way, by the id of the message that was sent for them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[str, Waiting] = {}
        self._closed: OrderedDict[str, None] = OrderedDict()

    def open(self, message: Message, timeout_s: float, tell: Tell) -> bool:
        """Wait for the answer to this message; False when that is waited for already: then only `tell` is replaced.

        An agent that died while it waited asks again, with the same message.
        """
        if waiting := self._waiting.get(message.message_id):
            waiting.tell = tell
            return False
        timer = self._loop.call_later(timeout_s, self._expire, message, timeout_s)
        self._waiting[message.message_id] = Waiting(tell, timer)
        return True

    def answer(self, message: Message) -> bool:
        """Whether this message answers an ask, under way or over; if so it is delivered or dropped here."""
        asked = message.in_reply_to
        if asked is None or not isinstance(message, Result | Failure):
            return False
        if asked in self._waiting:
            self._end(asked, outcome_of(message))
            return True
        return asked in self._closed

    def _expire(self, message: Message, timeout_s: float) -> None:
        sentence = f"{message.to} did not answer within {timeout_s:g} s; ask with a longer timeout_s or look at its log"
        self._end(message.message_id, Outcome(error="AskTimedOut", detail=sentence))

    def _end(self, message_id: str, outcome: Outcome) -> None:
        waiting = self._waiting.pop(message_id)
        waiting.timer.cancel()
        self._closed[message_id] = None
        if len(self._closed) > CLOSED_KEPT:
            self._closed.popitem(last=False)
        waiting.tell(outcome)


def outcome_of(message: Result | Failure) -> Outcome:
    """What an answer says."""
    match message:
        case Result(payload=payload):
            return Outcome(output=payload.output)
        case Failure(payload=payload):
            return Outcome(error=ERROR_OF.get(payload.reason, "AgentError"), detail=payload.detail)
