"""The way of a message: kept, then into a mailbox, or to who waits for it, or back to its sender.

Lives in the runtime, on its loop.  It joins the mail and the store, which do
not know each other.  A message is posted only when it is in the store.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

from scr.errors import InvalidMessage, ScrError
from scr.failpoints import reach
from scr.mail.pending import Pending
from scr.mail.router import OPEN, Absence, Posted, Room
from scr.mail.suggestions import unknown
from scr.messages import (
    CLIENT,
    Down,
    DownPayload,
    Failure,
    Message,
    Payload,
    Status,
    StatusPayload,
    derive_id,
)
from scr.runtime.dispatch.client_waits import Tell, Waits
from scr.runtime.dispatch.fold import Carriers, Fold
from scr.runtime.dispatch.in_doubt import Parked
from scr.runtime.dispatch.open_questions import OpenQuestions
from scr.runtime.own_mail import cancellation_of, failure_of, fresh, own_envelope
from scr.store.records import DeadLetter, Given, KeptMessage, Known, OpenAsk, given_of
from scr.store.sql.rows import printable
from scr.store.store import Refused, Store, Then
from scr.telemetry.events import MessageBuried, MessageCancelled
from scr.telemetry.sinks import EventLog
from scr.turns import orders
from scr.turns.answer import Outcome, outcome_of
from scr.turns.endings import has_sender
from scr.turns.events import Accepted, Cancelled
from scr.turns.events import Refused as RefusedByStore

CANCELLED = Outcome(error="RunCancelled", detail="it was cancelled")

SILENT = (
    "{agent} handled the task and gave no answer: return a value from its handler or call ctx.reply(output) there "
    "(`return ctx.ask(agent, input)` is the answer of another agent); where a later turn or the other agent answers, "
    "give that the message_id of the task or call ctx.answer_later()"
)
ACCEPTED, REFUSED, CANCEL = Accepted(), RefusedByStore(), Cancelled()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that a client submits under a key of its own, and who is told whether it is accepted."""

    message: Message
    given: Given
    kept: Then
    refused: Refused


class Delivery:
    """Takes messages from clients, from turns and from the runtime itself."""

    def __init__(
        self, store: Store, log: EventLog, fold: Fold, asks: OpenQuestions, waits: Waits, parked: Parked
    ) -> None:
        self._store, self._log, self._fold = store, log, fold
        self._asks, self._waits, self._parked = asks, waits, parked
        self._arriving: dict[str, list[Arrival]] = {}
        self._unwanted: set[str] = set()  # keys that were cancelled while they were looked up

    def submit(self, message: Message, kept: Then, refused: Refused, *, again: bool) -> None:
        """A message from a client: `kept` is called when it is accepted, `refused` when it is not.

        `again`: its id is a key, and it may have been submitted before; then it
        is not accepted a second time, and whoever waits gets the answer that came.
        Another message under the same key is refused.
        """
        reach("runtime.before_accept")
        if again or self._fold.router.get(message.message_id):
            self._submit_keyed(Arrival(message, given_of(message), kept, refused))
        else:
            self._take(message, kept, refused)

    def _take(self, message: Message, kept: Then, refused: Refused, given: Given | None = None) -> None:
        """Have the store accept a message of a client's."""
        pending = self._fold.new(message)
        if message.message_id in self._unwanted:
            self._fold.feed(pending, CANCEL)
        no = partial(self._not_taken, pending, refused)
        try:
            self._store.accept(message, partial(self._taken, pending, kept), given=given, refused=no)
        except InvalidMessage as error:
            no(error)

    def _taken(self, pending: Pending, kept: Then) -> None:
        kept()
        self._arrive(pending)

    def _not_taken(self, pending: Pending, refused: Refused, error: ScrError) -> None:
        self._fold.feed(pending, REFUSED)
        refused(error)

    def _arrive(self, pending: Pending) -> None:
        """Feed that the store has the message, and which room there is for it."""
        message, router = pending.message, self._fold.router
        room = router.room(message)
        if room is OPEN:
            self._fold.feed(pending, ACCEPTED)
            return
        is_unknown = room.posted is Posted.UNKNOWN_AGENT
        why = unknown("agent", message.to, router.names()) if is_unknown else ""
        self._fold.feed(pending, Accepted(room, why))

    def ask(self, message: Message, timeout_s: float, tell: Tell, *, again: bool) -> None:
        """`submit`; the client is told the answer, why its message is refused, or that no answer came in time."""
        wait = self._waits.begin(message.message_id, message.to, timeout_s, tell)
        kept = partial(self._waits.listen, wait)
        self.submit(message, kept, lambda error: self._waits.end(wait, refusal(error)), again=again)

    def tell_absent(self, message_id: str, absence: Absence) -> None:
        """Tell who waits for the answer to a message that its agent is down to stay; the message waits."""
        outcome = Outcome(error=absence.error, detail=absence.detail)
        self._waits.end_all(message_id, outcome)
        if self._asks.expects(message_id):
            self._asks.let_go(message_id, outcome)

    def attach(self, message_id: str, timeout_s: float, tell: Tell) -> None:
        """Tell a client the answer to a message that was submitted earlier."""
        self._store.find(message_id, partial(self._attached, message_id, timeout_s, tell))

    def _attached(self, message_id: str, timeout_s: float, tell: Tell, known: Known) -> None:
        if known.state == "unknown":
            tell(Outcome(error="InvalidInput", detail=f"no message {message_id!r} was ever submitted to this run"))
            return
        self._waits.listen(self._waits.begin(message_id, "its agent", timeout_s, tell))
        self._tell_known(message_id, known)

    def _tell_known(self, message_id: str, known: Known) -> None:
        """Tell who waits for a message that the store has its answer, or that it waits for something else."""
        if known.answer:
            self._waits.answer(known.answer)
        elif absence := self._fold.router.absence_of(message_id):
            self.tell_absent(message_id, absence)
        else:
            self.tell_doubt(message_id)

    def tell_doubt(self, message_id: str) -> None:
        """Tell the clients that wait for the answer to a message that it waits for a person, if it does."""
        if doubt := self._parked.doubt_of(message_id):
            self._waits.end_all(message_id, doubt)

    def unanswered(self, message: Message) -> Failure | None:
        """Make what the asker of a task gets that was handled without an answer; None when nothing waits for one."""
        if message.sender != CLIENT and not self._asks.knows(message.message_id):
            return None
        told = failure_of(DeadLetter(message, "unanswered", SILENT.format(agent=message.to), 0))
        return told.model_copy(update={"message_id": derive_id(message.message_id, "unanswered")})

    def _submit_keyed(self, arrival: Arrival) -> None:
        """Look whether the key is known; what else comes under it meanwhile waits for that."""
        key = arrival.message.message_id
        arrivals = self._arriving.setdefault(key, [])
        arrivals.append(arrival)
        if len(arrivals) > 1:
            return
        refused = partial(self._turn_away, key)
        try:
            self._store.find(key, partial(self._found, arrival), refused)
        except InvalidMessage as error:
            refused(error)

    def _found(self, arrival: Arrival, known: Known) -> None:
        key = arrival.message.message_id
        if known.state == "unknown":
            kept, refused = partial(self._take_in, key, arrival.given), partial(self._turn_away, key)
            self._take(arrival.message, kept, refused, arrival.given)
        elif self._replaces(arrival.message, known):
            again = partial(self._redirected, arrival, known)
            self._store.exhume(key, again, instead=arrival.message, refused=partial(self._turn_away, key))
        else:
            self._take_in(key, known.given)
            self._tell_known(key, known)

    def _replaces(self, message: Message, known: Known) -> bool:
        """Tell whether what came earlier under this key found no agent of its name, and this message may find one."""
        return known.missed != "" and (message.to in self._fold.router or message.to != known.missed)

    def _redirected(self, arrival: Arrival, known: Known, kept: KeptMessage | None) -> None:
        """The message has the place of the one that was delivered to no agent, unless that is delivered by now."""
        is_unwanted = arrival.message.message_id in self._unwanted
        self._take_in(arrival.message.message_id, arrival.given if kept else known.given)
        if kept:
            self.reopen(kept, is_unwanted=is_unwanted)

    def _take_in(self, key: str, given: Given | None) -> None:
        """Tell those that submitted the message of this key that it is in the store, and refuse the others."""
        for arrival in self._arriving.pop(key):
            if given and (why := given.conflict(arrival.given, key)):
                arrival.refused(InvalidMessage(why))
            else:
                arrival.kept()
        if key in self._unwanted:
            self._unwanted.discard(key)
            self.accept(cancellation_of(key, CANCELLED.detail))

    def _turn_away(self, key: str, error: ScrError) -> None:
        """The store refuses what came first under this key; what came after it is looked at by itself."""
        self._unwanted.discard(key)
        first, *others = self._arriving.pop(key)
        first.refused(error)
        for arrival in others:
            self._submit_keyed(arrival)

    def accept(self, message: Message, cause: int = 0, *, ask: OpenAsk | None = None) -> None:
        """Keep a message that no turn has brought, then post it.  Raises InvalidMessage for what no store keeps."""
        if message.to == CLIENT:
            self._store.accept(message, partial(self._waits.answer, message))
            return
        pending = self._fold.new(message, cause)
        try:
            self._store.accept(message, partial(self._arrive, pending), ask=ask)
        except InvalidMessage:
            self._fold.feed(pending, REFUSED)
            raise

    def expect(self, message: Message) -> Then:
        """Know a message to an agent that the store is about to have; returns what is to be called when it has."""
        return partial(self._arrive, self._fold.new(message))

    def post(self, message: Message, cause: int = 0) -> None:
        """A message that is kept: on its way."""
        if message.to == CLIENT:
            self._waits.answer(message)
        elif self._asks.is_answer(message):
            self._store.cancel(message.message_id, _ignore_stored)  # no mailbox will ever have it
            self._asks.answer(message)
        else:
            self._arrive(self._fold.new(message, cause))

    def reopen(self, kept: KeptMessage, *, is_unwanted: bool = False) -> None:
        """A dead letter that is a message again: on its way with the steps that it had, however full the mailbox.

        `is_unwanted`: it was cancelled meanwhile.
        """
        message, router = kept.message, self._fold.router
        self._asks.forget(message.message_id)
        if message.to == CLIENT or self._asks.is_answer(message):
            self.post(message)
            return
        pending = self._fold.new(message)
        pending.turn = pending.turn._replace(deliveries=kept.deliveries)
        pending.steps.update((step.name, step) for step in kept.steps)
        if is_unwanted:
            self._fold.feed(pending, CANCEL)
        if message.to in router:
            self._fold.feed(pending, Accepted(Room(absence=router.absent.get(message.to))))
        else:
            self._arrive(pending)

    # What the turn machine wants of senders and of those who wait.

    def carriers(self) -> Carriers:
        """Return what carries out which order."""
        return {
            orders.Post: self._post_sent,
            orders.Bury: self._bury,
            orders.Cancel: self._cancel,
            orders.TellSilence: self._tell_silence,
            orders.TellAbsent: self._tell_absent,
        }

    def _post_sent(self, pending: Pending, order: orders.Post) -> None:
        self.post(order.message, pending.cause)

    def _bury(self, pending: Pending, order: orders.Bury) -> None:
        """The message is a dead letter; its sender is told, once."""
        message, deliveries = pending.message, pending.turn.deliveries
        letter = DeadLetter(message, order.reason, order.detail, deliveries, time.time(), order.error)
        buried = MessageBuried(
            message_id=message.message_id, type=message.type, to=message.to, reason=order.reason, deliveries=deliveries
        )
        seq = self._log.emit(buried, cause=pending.cause)
        if not has_sender(message):
            self._store.bury(letter, None)
            return
        failure = failure_of(letter)
        if self._asks.knows(message.message_id):
            self._store.bury(letter, None)
            self._asks.end(message.message_id, outcome_of(failure))
        else:
            self._store.bury(letter, failure, partial(self.post, failure, seq))

    def _cancel(self, _pending: Pending, order: orders.Cancel) -> None:
        message = order.message
        self._store.cancel(message.message_id, _ignore_stored)
        self._log.emit(MessageCancelled(message_id=message.message_id, to=message.to))
        if self._asks.knows(message.message_id):
            self._asks.end(message.message_id, CANCELLED)
        self._waits.end_all(message.message_id, CANCELLED)

    def _tell_silence(self, _pending: Pending, order: orders.TellSilence) -> None:
        """Give an asker the failure that it gets in place of an answer."""
        failure = order.failure
        asked = failure.payload.message_id
        if failure.to == CLIENT:
            self._waits.answer(failure)
        elif self._asks.knows(asked):
            self._asks.end(asked, outcome_of(failure))

    def _tell_absent(self, pending: Pending, order: orders.TellAbsent) -> None:
        self.tell_absent(pending.message_id, order.absence)

    def cancelled(self, message_id: str) -> bool:
        """A client's message and all that grew out of it are cancelled: that is its answer.

        Returns whether the message is being looked up still: then it is cancelled when the store has it.
        """
        is_arriving = message_id in self._arriving
        if is_arriving:
            self._unwanted.add(message_id)
        else:
            self.accept(cancellation_of(message_id, CANCELLED.detail))
        return is_arriving

    def tell_down(self, watcher: str, agent: str, reason: str, detail: str) -> None:
        """Tell a watcher, once, that an agent has ended for good."""
        payload = DownPayload.model_validate({"agent": agent, "reason": reason, "detail": printable(detail)})
        self.accept(Down(payload=payload, **own_envelope(fresh(f"down {agent} {watcher}"), watcher)))

    def tell_status(self, to: str, state: str, detail: int) -> None:
        """Tell an agent something of the runtime's own."""
        payload: Payload = StatusPayload(state=state, detail=detail)
        self.accept(Status(payload=payload, **own_envelope(fresh(state), to)))


def refusal(error: ScrError) -> Outcome:
    """An error as the outcome of a wait."""
    return Outcome(error=type(error).__name__, detail=str(error))


def _ignore_stored() -> None:
    """Nobody waits for it."""
