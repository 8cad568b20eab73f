"""Agents that wait for an answer, each with a deadline.

Lives in the runtime, on its loop.  Who waits is told exactly once: the result
of its message, the failure of its message, or that its time is over.  The
question of one that was told without an outcome is late: it stays under way,
and its answer is kept for a later try of the message that asked.  The store
knows of every open ask, so that an answer finds its step even if the runtime
that asked is gone.
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
LATE_KEPT = 10_000
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
Late: TypeAlias = Callable[[OpenAsk, Outcome], None]


@dataclass(slots=True)
class Waiting:
    """One ask under way whose answer an agent waits for."""

    ask: OpenAsk
    to: str
    tell: Tell
    timer: asyncio.TimerHandle


class Asks:
    """Asks under way, by the id of the message that was sent for them.

    `came_late` is told how a late question ended; without it none is kept.  `expired` is told of each whose answer is
    of no use any more.  `held_up` says of so many last seconds whether nobody could have answered: then an ask has its
    whole time again.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        expired: Callable[[str], None],
        held_up: Callable[[float], bool],
        came_late: Late | None = None,
    ) -> None:
        self._loop, self._expired, self._held_up, self._came_late = loop, expired, held_up, came_late
        self._waiting: dict[str, Waiting] = {}
        self._late: OrderedDict[str, OpenAsk] = OrderedDict()
        self._by_step: dict[str, dict[str, str]] = {}
        self._closed: OrderedDict[str, None] = OrderedDict()
        self._silent: dict[str, tuple[OpenAsk, Outcome]] = {}

    def open(self, ask: OpenAsk, to: str, timeout_s: float, tell: Tell) -> bool:
        """Wait for the answer to a message to `to`; False when it is under way: `tell` replaces an earlier one.

        An agent that died while it waited asks again, with the same message.  One whose message was handled without an
        answer is told so again, and False is returned too: nothing is to be sent.
        """
        if silent := self._silent.get(ask.message_id):
            tell(silent[1])
            return False
        if waiting := self._waiting.get(ask.message_id):
            waiting.to, waiting.tell = to, tell
            return False
        is_late = self._late.pop(ask.message_id, None) is not None
        self._closed.pop(ask.message_id, None)
        timer = self._loop.call_later(timeout_s, self._overdue, ask, timeout_s)
        self._waiting[ask.message_id] = Waiting(ask, to, tell, timer)
        self._by_step.setdefault(ask.asked_in, {})[ask.step] = ask.message_id
        return not is_late

    def expects(self, message_id: str) -> bool:
        """Tell whether an agent waits for the answer to this message."""
        return message_id in self._waiting

    def knows(self, message_id: str) -> bool:
        """Tell whether this message is a question under way, late or not."""
        return message_id in self._waiting or message_id in self._late

    def under_way(self, asked_in: str, step: str) -> str | None:
        """Return the id of the question that this step of a message has under way, or that had no answer."""
        return self._by_step.get(asked_in, {}).get(step)

    def of(self, message_id: str) -> OpenAsk | None:
        """Return the ask that this message was sent for, if its answer is waited for."""
        waiting = self._waiting.get(message_id)
        return waiting.ask if waiting else None

    def answers_in(self, sends: Sequence[Message]) -> tuple[AskAnswer, ...]:
        """Which of these messages answer an ask under way, and the step that each is the result of."""
        return tuple(
            AskAnswer(message.message_id, ask.message_id, ask.asked_in, answered_step(ask, output))
            for message, output in ((m, m.payload.output) for m in sends if isinstance(m, Result))
            if (ask := self.of(message.in_reply_to or "") or self._late.get(message.in_reply_to or ""))
        )

    def is_answer(self, message: Message) -> bool:
        """Tell whether this message answers an ask, under way or over, and so is no mail."""
        asked = message.in_reply_to or ""
        return isinstance(message, Result | Failure) and (self.knows(asked) or asked in self._closed)

    def answer(self, message: Message) -> None:
        """End the ask that this message answers; an answer to one that is over is dropped."""
        if isinstance(message, Result | Failure) and self.knows(asked := message.in_reply_to or ""):
            self.end(asked, outcome_of(message))

    def forget(self, asked_in: str) -> None:
        """Let the next turn of this message, which begins afresh, ask anew what was not answered."""
        for asked in tuple(self._by_step.get(asked_in, {}).values()):
            if silent := self._silent.pop(asked, None):
                self._drop(silent[0])

    def let_go(self, message_id: str, outcome: Outcome) -> None:
        """Tell who waits that there is no answer yet, and why; the question is late from now on."""
        waiting = self._waiting.pop(message_id)
        waiting.timer.cancel()
        self._late[message_id] = waiting.ask
        if len(self._late) > (LATE_KEPT if self._came_late else 0):
            self._expire(self._late.popitem(last=False)[1])
        waiting.tell(outcome)

    def end(self, message_id: str, outcome: Outcome) -> None:
        """Tell who waits, or waited, the outcome of a question under way."""
        waiting = self._waiting.pop(message_id, None)
        ask = waiting.ask if waiting else self._late.pop(message_id)
        self._close(ask, outcome)
        if waiting:
            waiting.timer.cancel()
            waiting.tell(outcome)
        elif self._came_late:
            self._came_late(ask, outcome)

    def over(self, asked_in: str) -> None:
        """Drop all that a message has asked, which has its outcome."""
        self.forget(asked_in)
        for asked in tuple(self._by_step.get(asked_in, {}).values()):
            if asked in self._waiting:
                self.let_go(asked, Outcome(error="AskTimedOut", detail="the turn that asked is over"))
            if late := self._late.pop(asked, None):
                self._expire(late)

    def _expire(self, ask: OpenAsk) -> None:
        self._expired(ask.message_id)
        self._close(ask, Outcome())

    def _close(self, ask: OpenAsk, outcome: Outcome) -> None:
        self._closed[ask.message_id] = None
        if outcome.error == SILENT:
            self._silent[ask.message_id] = ask, outcome
        else:
            self._drop(ask)
        if len(self._closed) > CLOSED_KEPT and (silent := self._silent.pop(self._closed.popitem(last=False)[0], None)):
            self._drop(silent[0])

    def _drop(self, ask: OpenAsk) -> None:
        steps = self._by_step.get(ask.asked_in, {})
        if steps.get(ask.step) == ask.message_id:
            del steps[ask.step]
        if not steps:
            self._by_step.pop(ask.asked_in, None)

    def _overdue(self, ask: OpenAsk, timeout_s: float) -> None:
        if self._held_up(timeout_s):
            again_s = max(timeout_s, AGAIN_S)
            self._waiting[ask.message_id].timer = self._loop.call_later(again_s, self._overdue, ask, timeout_s)
            return
        to = self._waiting[ask.message_id].to
        sentence = f"{to} did not answer within {timeout_s:g} s; ask with a longer timeout_s or look at its log"
        self.let_go(ask.message_id, Outcome(error="AskTimedOut", detail=sentence))


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
