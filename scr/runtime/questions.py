"""What agents ask each other: the question is a message, its answer a recorded step of the turn that asked.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from scr.frames import Answer, Ask, StepRecord, TurnFailed
from scr.mail.pending import Pending
from scr.mail.router import Router
from scr.messages import CLIENT, RUNTIME, Message, derive_id
from scr.runtime.asks import Asks, Outcome, answered_step
from scr.runtime.care import Care
from scr.runtime.fold import Carriers
from scr.runtime.parked import Parked
from scr.runtime.post import Post
from scr.runtime.rings import refusal, ring_of
from scr.step_names import is_later, question_digest
from scr.store.records import OpenAsk
from scr.turns import orders

Tell = Callable[[str, int, Answer], None]
Recorded = Callable[[str, Pending, StepRecord], None]


class Awaited(NamedTuple):
    """Whose answer an agent waits for, in which delivery of which message."""

    to: str
    asked_in: str
    deliveries: int


class Questions:
    """`tell` sends a frame to an incarnation; `recorded` is told of each answer that is a step now.

    `parked` are the questions that wait for a person.
    """

    def __init__(
        self,
        asks: Asks,
        post: Post,
        router: Router,
        care: Care,
        tell: Tell,
        recorded: Recorded,
        parked: Parked | None = None,
    ) -> None:
        self._asks, self._post, self._router, self._care = asks, post, router, care
        self._tell, self._recorded, self._parked = tell, recorded, parked
        self._awaited: dict[str, dict[str, Awaited]] = {}
        self._doubts: dict[str, str] = {}

    def carriers(self) -> Carriers:
        """Return what carries out which order."""
        return {
            orders.Question: self._question,
            orders.EndQuestions: self._end,
            orders.TellDoubt: self._tell_doubt,
        }

    def _question(self, pending: Pending, order: orders.Question) -> None:
        self.put(pending.turn.message.to, order.incarnation, order.frame, pending)

    def _end(self, pending: Pending, _order: orders.EndQuestions) -> None:
        self.over(pending.turn.message.message_id)

    def _tell_doubt(self, pending: Pending, _order: orders.TellDoubt) -> None:
        """Tell the agent and the clients that wait for the answer."""
        message_id = pending.turn.message.message_id
        self.doubted(message_id)
        self._post.tell_doubt(message_id)

    def put(self, agent: str, incarnation: int, ask: Ask, pending: Pending) -> None:
        """Send the question, unless it is on its way already; from now on this incarnation waits for the answer.

        An answer may have come since the message in hand was delivered: to a question of an earlier incarnation.
        A question that would close a ring of agents that wait for each other is refused.
        """
        known = pending.steps.get(ask.step)
        if known and known.digest == question_digest(ask.step, ask.message.message_id):
            self._tell(agent, incarnation, Answer(ref=ask.ref, value=known.value))
            return
        to = ask.message.to
        if to in {CLIENT, RUNTIME}:
            sentence = f"{to!r} is no agent and answers nothing; `scr ps` lists the agents"
            self._tell(agent, incarnation, Answer(ref=ask.ref, error="UnknownAgent", detail=sentence))
            return
        asked, step = self._under_way(ask) or (ask.message.message_id, ask.step)
        doubt = self._parked and self._parked.doubt_of(asked)
        if not doubt and (ring := ring_of(agent, to, self._waits_for)):
            self._tell(agent, incarnation, Answer(ref=ask.ref, error="InvalidMessage", detail=refusal(ring)))
            return
        self._awaited.setdefault(agent, {})[asked] = Awaited(to, ask.message_id, pending.deliveries)
        opened = OpenAsk(asked, agent, ask.message_id, step, time.time() + ask.timeout_s)
        self._care.asks(agent, incarnation)
        is_new = self._asks.open(opened, to, ask.timeout_s, partial(self._answered, opened, incarnation, ask.ref))
        if doubt:
            self.doubted(asked)
        elif is_new and not self._router.find(to, asked):
            self._post.accept(ask.message, pending.cause, ask=opened)
        elif absence := self._router.absent.get(to):
            self._post.tell_absent(asked, absence)

    def _under_way(self, ask: Ask) -> tuple[str, str] | None:
        """Return the id of the same question, and its step, where an earlier delivery has left it under way."""
        asked = ask.message.message_id
        known = self._asks.under_way(ask.message_id, ask.step) if is_later(asked) else None
        if known and known.partition(".")[0] == asked.partition(".")[0]:
            return known, ask.step
        return self._former(ask)

    def doubted(self, message_id: str) -> None:
        """Tell the agent that waits for the answer to a question which waits for a person from now on.

        The answer is recorded for a later try of its turn, whenever it comes.
        """
        doubt = self._parked and self._parked.doubt_of(message_id)
        if doubt and (ask := self._asks.of(message_id)):
            self._doubts[ask.asked_in] = message_id
            self._asks.let_go(message_id, doubt)

    def failed(self, failed: TurnFailed) -> str | None:
        """Let the next try ask anew what had no answer; return the question in doubt that the turn failed by."""
        told = self._doubts.pop(failed.message_id, None)
        if failed.after_s is None and not failed.in_doubt:
            self._asks.forget(failed.message_id)
        return told if failed.in_doubt else None

    def over(self, message_id: str) -> None:
        """Drop all that a message has asked, which has its outcome."""
        self._doubts.pop(message_id, None)
        self._asks.over(message_id)

    def _former(self, ask: Ask) -> tuple[str, str] | None:
        """Return the same question, and its step, where an SCR that knew steps by their order has it under way."""
        if not ask.former:
            return None
        former = derive_id(ask.message_id, ask.former)
        found = self._router.find(ask.message.to, former)
        return (former, ask.former) if found and is_same(found.message, ask.message) else None

    def reopen(self, ask: OpenAsk) -> None:
        """Resume an ask that an earlier runtime has left: its answer is kept for a later try."""
        self._asks.open(ask, "", max(0.0, ask.until - time.time()), partial(self.came_late, ask))
        self.doubted(ask.message_id)

    def came_late(self, ask: OpenAsk, outcome: Outcome) -> None:
        """Keep an answer that no incarnation waits for any more."""
        self._answered(ask, 0, 0, outcome)

    def _waits_for(self, agent: str) -> Iterator[str]:
        """Whose answers the turn that the agent has in hand waits for; not those that an earlier delivery asked for."""
        for awaited in self._awaited.get(agent, {}).values():
            pending = self._router.in_hand(agent, awaited.asked_in)
            if pending and pending.deliveries == awaited.deliveries:
                yield awaited.to

    def _forget(self, ask: OpenAsk) -> None:
        awaited = self._awaited.get(ask.agent, {})
        awaited.pop(ask.message_id, None)
        if not awaited:
            self._awaited.pop(ask.agent, None)

    def _answered(self, ask: OpenAsk, incarnation: int, ref: int, outcome: Outcome) -> None:
        """An answer that came is a recorded step, whether or not the one who asked still lives."""
        self._forget(ask)
        pending = self._router.find(ask.agent, ask.asked_in)
        if pending and outcome.error is None:
            step = pending.steps[ask.step] = answered_step(ask, outcome.output)
            self._recorded(ask.agent, pending, step)
        if incarnation:
            self._care.answered(ask.agent, incarnation)
            answer = Answer(
                ref=ref, value=outcome.output, error=outcome.error, detail=outcome.detail, info=outcome.info
            )
            self._tell(ask.agent, incarnation, answer)


def is_same(one: Message, other: Message) -> bool:
    """Whether two questions ask the same, whatever their ids."""
    first, second = (message.payload.model_dump(exclude={"task_id"}) for message in (one, other))
    return one.type == other.type and first == second
