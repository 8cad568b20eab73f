"""What a turn records, reads, asks and streams while it runs.

Pure.
"""

from __future__ import annotations

from scr.mail.pending import IN_HAND, WAITING, MessageTurn
from scr.protocol.frames import Answer, StepRecord
from scr.turns import events, orders
from scr.turns.log_events import recorded
from scr.turns.orders import Order, Orders


def record(turn: MessageTurn, event: events.Records) -> tuple[MessageTurn, Orders]:
    """Keep a step; until it is kept, no other process is handed the message.

    A process that relied on a step that the store may never have would repeat what happens once, and one that did not
    know of it would, too.
    """
    incarnation = event.incarnation
    if incarnation != turn.incarnation:
        return turn, ()
    persist = orders.PersistStep(incarnation, event.step, event.ref)
    after = turn._replace(writing=(*turn.writing, (incarnation, event.ref)))
    return after, (orders.AWAIT_STORE, persist)


def keep_step(turn: MessageTurn, event: events.Recorded) -> tuple[MessageTurn, Orders]:
    """Give the handler leave to go on: its step is in the store.  What waits for that may be handed over."""
    after = without_write(turn, event)
    if after is None:
        return turn, ()
    told = (orders.Emit(recorded(turn.message, event.step)),) if event.step.state == "done" else ()
    answer = orders.Tell(event.incarnation, Answer.trusted(ref=event.ref))
    return after, (known(event.step), *told, *go_on(turn, event.incarnation), answer, *next_one(after))


def without_write(turn: MessageTurn, event: events.Recorded | events.Unrecorded) -> MessageTurn | None:
    """Return the message without that step on its way; None when the store has answered it before."""
    write = event.incarnation, event.ref
    if write not in turn.writing:
        return None
    at = turn.writing.index(write)
    return turn._replace(writing=turn.writing[:at] + turn.writing[at + 1 :])


def known(step: StepRecord) -> Order:
    """Give a step to the next delivery, unless it is known not to have happened."""
    return orders.DropStep(step.name) if step.state == "not done" else orders.SetStep(step)


def refuse_step(turn: MessageTurn, event: events.Unrecorded) -> tuple[MessageTurn, Orders]:
    """Tell the handler that the store does not take its step."""
    after = without_write(turn, event)
    if after is None:
        return turn, ()
    answer = Answer(ref=event.ref, error=type(event.error).__name__, detail=str(event.error))
    tell = orders.Tell(event.incarnation, answer)
    return after, (*go_on(turn, event.incarnation), tell, *next_one(after))


def go_on(turn: MessageTurn, incarnation: int) -> Orders:
    """Give the handler its whole budget again, if its turn has not failed meanwhile."""
    has_it = turn.phase is IN_HAND and turn.incarnation == incarnation
    return (orders.GO_ON,) if has_it else ()


def next_one(turn: MessageTurn) -> Orders:
    """Hand over what is next, where it was this message that could not be handed over."""
    return (orders.HandOver(),) if turn.phase is WAITING and not turn.writing else ()


def ask(turn: MessageTurn, event: events.Asks) -> tuple[MessageTurn, Orders]:
    """Ask another agent on behalf of the turn."""
    if event.incarnation != turn.incarnation:
        return turn, ()
    sender = event.frame.message.sender
    if sender != turn.message.to:
        return turn, (orders.Distrust(event.incarnation, f"it asked in the name of {sender!r}"),)
    return turn, (orders.AskQuestion(event.incarnation, event.frame),)


def read(turn: MessageTurn, event: events.Reads) -> tuple[MessageTurn, Orders]:
    """Give the turn what it has recorded."""
    return turn, (orders.Read(event.incarnation, event.frame),) if event.incarnation == turn.incarnation else ()


def stream(turn: MessageTurn, event: events.Streams) -> tuple[MessageTurn, Orders]:
    """Pass a chunk of this delivery on."""
    is_own = event.incarnation == turn.incarnation and event.frame.delivery == turn.deliveries
    return turn, (orders.PassOn(event.frame),) if is_own else ()
