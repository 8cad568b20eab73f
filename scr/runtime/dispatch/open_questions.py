"""Questions of agents: their states, and what `scr.turns.questions` orders, carried out.

Lives in the runtime, on its loop.  The store knows of every open ask, so that an answer finds its step even if the
runtime that asked is gone.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Protocol

from scr.mail.router import Router
from scr.messages import Failure, Message, Result
from scr.protocol.frames import Answer
from scr.runtime.health.health import Care
from scr.store.records import AskAnswer, OpenAsk
from scr.store.store import Store
from scr.telemetry.sinks import EventLog
from scr.turns.answer import Outcome, answered_step, outcome_of
from scr.turns.log_events import recorded
from scr.turns.question_events import (
    NO_ASK,
    NONE,
    AgentAbsent,
    Asked,
    AskerFailed,
    AskerOver,
    CloseInStore,
    Doubted,
    Ended,
    Event,
    Expect,
    Forgotten,
    NoteDoubt,
    Order,
    Overdue,
    Question,
    QuestionPhase,
    RecordStep,
    Reopened,
    SendAnswer,
    SendQuestion,
    StartAskTimer,
    StopAskTimer,
    Unexpect,
)
from scr.turns.questions import SEND, decide

CLOSED_KEPT = 10_000
LATE_KEPT = 10_000
ASKER_OVER, FORGOTTEN = AskerOver(), Forgotten()


class Incarnations(Protocol):
    """The live processes of agents."""

    def tell(self, agent: str, incarnation: int, frame: Answer) -> None:
        """Send a frame to a live incarnation."""


class OpenQuestions:
    """Questions by the id of the message that was sent for them, each in its state."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store,
        router: Router,
        care: Care,
        incarnations: Incarnations,
        log: EventLog,
    ) -> None:
        self._loop, self._store, self._router, self._care = loop, store, router, care
        self._incarnations, self._log = incarnations, log
        self._questions: dict[str, Question] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._by_step: dict[str, dict[str, str]] = {}
        late, over = OrderedDict[str, None](), OrderedDict[str, None]()
        self._by_age = {QuestionPhase.LATE: late, QuestionPhase.SILENT: over, QuestionPhase.CLOSED: over}
        self._doubts: OrderedDict[str, str] = OrderedDict()

    # What is known.

    def expects(self, message_id: str) -> bool:
        """Tell whether an agent waits for the answer to this message."""
        return self._questions.get(message_id, NONE).phase is QuestionPhase.WAITING

    def knows(self, message_id: str) -> bool:
        """Tell whether this message is a question under way, late or not."""
        return self._under_way(message_id) is not None

    def under_way(self, asked_in: str, step: str) -> str | None:
        """Return the id of the question that this step of a message has under way, or that had no answer."""
        return self._by_step.get(asked_in, {}).get(step)

    def awaited(self, asked_in: str, deliveries: int) -> Iterator[str]:
        """Yield the agents whose answers this delivery of a message waits for."""
        for message_id in self._by_step.get(asked_in, {}).values():
            question = self._questions[message_id]
            if question.waiter and question.waiter.deliveries == deliveries:
                yield question.to

    def answers_in(self, sends: Sequence[Message]) -> tuple[AskAnswer, ...]:
        """Return which of these messages answer a question under way, and the step that each is the result of."""
        return tuple(
            AskAnswer(message.message_id, ask.message_id, ask.asked_in, answered_step(ask, message.payload.output))
            for message in sends
            if isinstance(message, Result) and (ask := self._under_way(message.in_reply_to or ""))
        )

    def _under_way(self, message_id: str) -> OpenAsk | None:
        question = self._questions.get(message_id, NONE)
        return question.ask if question.phase is QuestionPhase.WAITING or question.phase is QuestionPhase.LATE else None

    def is_answer(self, message: Message) -> bool:
        """Tell whether this message answers a question, under way or over, and so is no mail."""
        return isinstance(message, Result | Failure) and (message.in_reply_to or "") in self._questions

    # What happens.

    def open(self, asked: Asked) -> bool:
        """Have an incarnation wait for an answer, or tell it at once; True when the caller is to send the question."""
        return SEND in self._feed(asked.ask.message_id, asked)

    def reopen(self, ask: OpenAsk, timeout_s: float) -> None:
        """Wait for the answer to a question that an earlier runtime has left."""
        self._feed(ask.message_id, Reopened(ask, timeout_s))

    def answer(self, message: Message) -> None:
        """End the question that this message answers; an answer to one that is over is dropped."""
        if isinstance(message, Result | Failure):
            self._feed(message.in_reply_to or "", Ended(outcome_of(message)))

    def end(self, message_id: str, outcome: Outcome) -> None:
        """End a question under way with this outcome."""
        self._feed(message_id, Ended(outcome))

    def let_go(self, message_id: str, outcome: Outcome) -> None:
        """Tell the agent that waits that there is no answer yet, and why."""
        self._feed(message_id, AgentAbsent(outcome))

    def doubted(self, message_id: str, doubt: Outcome) -> None:
        """Tell the agent that waits that the question waits for a person."""
        self._feed(message_id, Doubted(doubt))

    def doubt_told(self, asked_in: str) -> str:
        """Return the question of this message that was last found in doubt; empty when none was."""
        return self._doubts.get(asked_in, "")

    def failed(self, asked_in: str, *, is_put_off: bool) -> None:
        """Take in that a try of a message failed, and whether the next one goes on with what it asked."""
        self._doubts.pop(asked_in, None)
        self._feed_all(asked_in, AskerFailed(is_put_off))

    def forget(self, asked_in: str) -> None:
        """Let the next turn of this message, which begins afresh, ask anew what was not answered."""
        self._feed_all(asked_in, AskerFailed())

    def over(self, asked_in: str) -> None:
        """Drop all that a message has asked, which has its outcome."""
        self._doubts.pop(asked_in, None)
        self._feed_all(asked_in, ASKER_OVER)

    def _feed_all(self, asked_in: str, event: Event) -> None:
        if steps := self._by_step.get(asked_in):
            for message_id in tuple(steps.values()):
                self._feed(message_id, event)

    def _overdue(self, message_id: str) -> None:
        del self._timers[message_id]
        is_held_up = self._store.held_up(self._questions[message_id].timeout_s)
        self._feed(message_id, Overdue(is_held_up))

    def _feed(self, message_id: str, event: Event) -> tuple[Order, ...]:
        before = self._questions.get(message_id, NONE)
        after, orders = decide(before, event)
        if after is not before:
            self._keep(message_id, before, after)
        self._carry_out(message_id, orders)
        return orders

    # What is ordered.

    def _carry_out(self, message_id: str, orders: tuple[Order, ...]) -> None:
        for order in orders:
            match order:
                case Expect(agent, incarnation):
                    self._care.begin_wait(agent, incarnation)
                case StartAskTimer(after_s):
                    self._timers[message_id] = self._loop.call_later(after_s, self._overdue, message_id)
                case SendQuestion():
                    pass  # by `open`'s caller
                case StopAskTimer():
                    self._timers.pop(message_id).cancel()
                case RecordStep(agent, asked_in, step):
                    if pending := self._router.find(agent, asked_in):
                        pending.steps[step.name] = step
                        pending.cause = self._log.emit(recorded(pending.message, step), cause=pending.cause)
                case Unexpect(agent, incarnation):
                    self._care.end_wait(agent, incarnation)
                case SendAnswer(agent, incarnation, answer):
                    self._incarnations.tell(agent, incarnation, answer)
                case CloseInStore():
                    self._store.close_ask(message_id)
                case NoteDoubt(asked_in):
                    self._doubts[asked_in] = message_id
                    if len(self._doubts) > LATE_KEPT:
                        self._doubts.popitem(last=False)

    def _keep(self, message_id: str, before: Question, after: Question) -> None:
        """Keep a state, in its place in the order of age; more than so many of a kind are not kept."""
        self._questions[message_id] = after
        if after.ask is not before.ask:
            self._index(message_id, before.ask, after.ask)
        if (known := self._by_age.get(before.phase)) is not None:
            del known[message_id]
        if (kept := self._by_age.get(after.phase)) is not None:
            kept[message_id] = None
            if len(kept) > (LATE_KEPT if after.phase is QuestionPhase.LATE else CLOSED_KEPT):
                self._feed(next(iter(kept)), FORGOTTEN)
        elif after is NONE:
            del self._questions[message_id]

    def _index(self, message_id: str, before: OpenAsk, after: OpenAsk) -> None:
        """Know the question by the step that asked it, for as long as it may be asked again."""
        steps = self._by_step.get(before.asked_in, {})
        if steps.get(before.step) == message_id:
            del steps[before.step]
            if not steps:
                del self._by_step[before.asked_in]
        if after is not NO_ASK:
            self._by_step.setdefault(after.asked_in, {})[after.step] = message_id
