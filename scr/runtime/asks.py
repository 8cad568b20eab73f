"""Agents that wait for an answer, each with a deadline.

Lives in the runtime, on its loop.  An ask ends exactly once: with the result
of its message, with the failure of its message, or at its deadline.  What
comes later is dropped.  The store knows of every open ask, so that an answer
finds its step even if the runtime that asked is gone.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import JsonValue

from scr.frames import StepRecord
from scr.messages import Failure, Message, Result
from scr.retry import ErrorInfo
from scr.step_names import question_digest
from scr.store.records import AskAnswer, OpenAsk

CLOSED_KEPT = 10_000
AGAIN_S = 0.1
SILENT = "NotAnswered"
ERROR_OF = {
    "unknown_agent": "UnknownAgent",
    "mailbox_full": "MailboxFull",
    "quarantined": "TaskFailed",
    "failed": "TaskFailed",
    "agent_gone": "AgentGone",
    "unanswered": SILENT,
    "cancelled": "RunCancelled",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a wait ended: an output, or the name of an error in `scr.errors` with its sentence and its cause."""

    output: JsonValue = None
    error: str | None = None
    detail: str = ""
    info: ErrorInfo | None = None


Tell: TypeAlias = Callable[[Outcome], None]


@dataclass(slots=True)
class Waiting:
    """One ask under way; one that is put off has no deadline: its question waits for a person."""

    ask: OpenAsk
    to: str
    tell: Tell
    timer: asyncio.TimerHandle
    is_put_off: bool = False


class Asks:
    """Asks under way, by the id of the message that was sent for them.

    `expired` is told of what nobody answered.  `held_up` says of so many last
    seconds whether nobody could have answered: then an ask has its whole time
    again.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, expired: Callable[[str], None], held_up: Callable[[float], bool]
    ) -> None:
        self._loop, self._expired, self._held_up = loop, expired, held_up
        self._waiting: dict[str, Waiting] = {}
        self._closed: OrderedDict[str, None] = OrderedDict()
        self._silent: dict[str, tuple[str, Outcome]] = {}

    def open(self, ask: OpenAsk, to: str, timeout_s: float, tell: Tell) -> bool:
        """Wait for the answer to a message to `to`; False when that is waited for already: `tell` is replaced then.

        An agent that died while it waited asks again, with the same message.  One whose message was handled without an
        answer is told so again, and False is returned too: nothing is to be sent.
        """
        if silent := self._silent.get(ask.message_id):
            tell(silent[1])
            return False
        if waiting := self._waiting.get(ask.message_id):
            waiting.to, waiting.tell = to, tell
            if waiting.is_put_off:
                waiting.is_put_off = False
                waiting.timer = self._loop.call_later(timeout_s, self._expire, ask, timeout_s)
            return False
        self._closed.pop(ask.message_id, None)
        timer = self._loop.call_later(timeout_s, self._expire, ask, timeout_s)
        self._waiting[ask.message_id] = Waiting(ask, to, tell, timer)
        return True

    def expects(self, message_id: str) -> bool:
        """Whether somebody waits for the answer to this message."""
        return message_id in self._waiting

    def of(self, message_id: str) -> OpenAsk | None:
        """Return the ask under way that this message was sent for."""
        waiting = self._waiting.get(message_id)
        return waiting.ask if waiting else None

    def answers_in(self, sends: Sequence[Message]) -> tuple[AskAnswer, ...]:
        """Which of these messages answer an ask under way, and the step that each is the result of."""
        return tuple(
            AskAnswer(message.message_id, ask.message_id, ask.asked_in, answered_step(ask, output))
            for message, output in ((m, m.payload.output) for m in sends if isinstance(m, Result))
            if (waiting := self._waiting.get(message.in_reply_to or "")) and (ask := waiting.ask)
        )

    def is_answer(self, message: Message) -> bool:
        """Whether this message answers an ask, under way or over, and so is no mail."""
        asked = message.in_reply_to
        return isinstance(message, Result | Failure) and (asked in self._waiting or asked in self._closed)

    def answer(self, message: Message) -> None:
        """Tell whoever waits for this answer; one that comes too late is dropped."""
        if isinstance(message, Result | Failure) and message.in_reply_to in self._waiting:
            self.end(message.in_reply_to, outcome_of(message))

    def forget(self, asked_in: str) -> None:
        """Let the turn of this message, which begins afresh, ask anew what was not answered."""
        self._silent = {asked: silent for asked, silent in self._silent.items() if silent[0] != asked_in}

    def put_off(self, message_id: str, outcome: Outcome, then: Tell) -> None:
        """Tell who waits that the answer waits for a person, and `then` the answer, whenever it comes."""
        waiting = self._waiting[message_id]
        waiting.timer.cancel()
        told, waiting.tell, waiting.is_put_off = waiting.tell, then, True
        told(outcome)

    def end(self, message_id: str, outcome: Outcome) -> None:
        """The ask is over; who waited is told."""
        waiting = self._waiting.pop(message_id)
        waiting.timer.cancel()
        self._closed[message_id] = None
        if outcome.error == SILENT:
            self._silent[message_id] = waiting.ask.asked_in, outcome
        if len(self._closed) > CLOSED_KEPT:
            self._silent.pop(self._closed.popitem(last=False)[0], None)
        waiting.tell(outcome)

    def _expire(self, ask: OpenAsk, timeout_s: float) -> None:
        if self._held_up(timeout_s):
            again_s = max(timeout_s, AGAIN_S)
            self._waiting[ask.message_id].timer = self._loop.call_later(again_s, self._expire, ask, timeout_s)
            return
        self._expired(ask.message_id)
        to = self._waiting[ask.message_id].to
        sentence = f"{to} did not answer within {timeout_s:g} s; ask with a longer timeout_s or look at its log"
        self.end(ask.message_id, Outcome(error="AskTimedOut", detail=sentence))


def answered_step(ask: OpenAsk, output: JsonValue) -> StepRecord:
    """The answer to a question, as a step of the turn that asked it."""
    return StepRecord(name=ask.step, value=output, digest=question_digest(ask.step, ask.message_id))


def outcome_of(message: Result | Failure) -> Outcome:
    """What an answer says."""
    match message:
        case Result(payload=payload):
            return Outcome(output=payload.output)
        case Failure(payload=payload):
            error = ERROR_OF.get(payload.reason, "AgentError")
            return Outcome(error=error, detail=payload.detail, info=payload.error)
