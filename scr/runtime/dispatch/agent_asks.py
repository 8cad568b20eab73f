"""What agents ask each other: the question is a message, its answer a recorded step of the turn that asked.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from scr.errors import InvalidMessage
from scr.mail.pending import Pending
from scr.mail.router import Router
from scr.messages import CLIENT, RUNTIME, Message, derive_id
from scr.protocol.frames import Ask
from scr.runtime.dispatch.delivery import Delivery
from scr.runtime.dispatch.fold import Carriers
from scr.runtime.dispatch.in_doubt import Parked
from scr.runtime.dispatch.open_questions import OpenQuestions
from scr.step_names import is_later, question_digest
from scr.store.records import OpenAsk
from scr.turns import orders
from scr.turns.answer import Outcome
from scr.turns.question_events import Asked, Waiter
from scr.turns.rings import refusal, ring_of


class Questions:
    """Looks up what a question needs to be decided.  `parked` are the questions that wait for a person."""

    def __init__(self, asks: OpenQuestions, post: Delivery, router: Router, parked: Parked) -> None:
        self._asks, self._post, self._router, self._parked = asks, post, router, parked

    def carriers(self) -> Carriers:
        """Return what carries out which order."""
        return {
            orders.AskQuestion: self._question,
            orders.EndQuestions: self._end,
            orders.FailQuestions: self._fail,
            orders.TellDoubt: self._tell_doubt,
        }

    def _question(self, pending: Pending, order: orders.AskQuestion) -> None:
        self.put(pending.agent, order.incarnation, order.frame, pending)

    def _end(self, pending: Pending, _order: orders.EndQuestions) -> None:
        self._asks.over(pending.message_id)

    def _fail(self, pending: Pending, order: orders.FailQuestions) -> None:
        self._asks.failed(pending.message_id, is_put_off=order.is_put_off)

    def _tell_doubt(self, pending: Pending, _order: orders.TellDoubt) -> None:
        """Tell the agent and the clients that wait for the answer."""
        message_id = pending.message_id
        self.doubted(message_id)
        self._post.tell_doubt(message_id)

    def put(self, agent: str, incarnation: int, ask: Ask, pending: Pending) -> None:
        """Send the question, unless it is on its way already; from now on this incarnation waits for the answer.

        An answer may have come since the message in hand was delivered: to a question of an earlier incarnation.
        A question that would close a ring of agents that wait for each other is refused.  One that no store keeps is
        over, and raises InvalidMessage.
        """
        asked = self._facts(agent, incarnation, ask, pending)
        if not self._asks.open(asked):
            return
        try:
            self._post.accept(ask.message, pending.cause, ask=asked.ask)
        except InvalidMessage as error:
            self._asks.end(asked.ask.message_id, Outcome(error=type(error).__name__, detail=str(error)))
            raise

    def _facts(self, agent: str, incarnation: int, ask: Ask, pending: Pending) -> Asked:
        to = ask.message.to
        asked, step = self._under_way(ask) or (ask.message.message_id, ask.step)
        known, absence = pending.steps.get(ask.step), self._router.absent.get(to)
        ring = ring_of(agent, to, self._waits_for)
        return Asked(
            OpenAsk(asked, agent, ask.message_id, step, time.time() + ask.timeout_s),
            to,
            Waiter(incarnation, ask.ref, pending.deliveries),
            ask.timeout_s,
            digest=question_digest(ask.step, ask.message.message_id) if known else "",
            known=known,
            is_agent=to not in {CLIENT, RUNTIME},
            ring=refusal(ring) if ring else "",
            doubt=self._parked.doubt_of(asked),
            is_in_mailbox=self._router.find(to, asked) is not None,
            absence=Outcome(error=absence.error, detail=absence.detail) if absence else None,
        )

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
        if doubt := self._parked.doubt_of(message_id):
            self._asks.doubted(message_id, doubt)

    def _former(self, ask: Ask) -> tuple[str, str] | None:
        """Return the same question, and its step, where an SCR that knew steps by their order has it under way."""
        if not ask.former:
            return None
        former = derive_id(ask.message_id, ask.former)
        found = self._router.find(ask.message.to, former)
        return (former, ask.former) if found and is_same(found.message, ask.message) else None

    def reopen(self, ask: OpenAsk) -> None:
        """Resume an ask that an earlier runtime has left: its answer is kept for a later try."""
        self._asks.reopen(ask, max(0.0, ask.until - time.time()))
        self.doubted(ask.message_id)

    def _waits_for(self, agent: str) -> Iterator[str]:
        """Yield whose answers the turn that the agent has in hand waits for; not what an earlier delivery asked."""
        if pending := self._router.in_hand(agent):
            yield from self._asks.awaited(pending.message_id, pending.deliveries)


def is_same(one: Message, other: Message) -> bool:
    """Tell whether two questions ask the same, whatever their ids."""
    first, second = (message.payload.model_dump(exclude={"task_id"}) for message in (one, other))
    return one.type == other.type and first == second
