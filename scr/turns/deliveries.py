"""Messages handed over, ahead of their turn or when it has come.

Pure.
"""

from __future__ import annotations

from scr.mail.pending import AHEAD, IN_HAND, WAITING, MessageTurn
from scr.telemetry.events import MessageDelivered
from scr.turns import events, orders
from scr.turns.orders import Orders
from scr.turns.states import over

SENT = (orders.SEND_AHEAD,)
SETTLE = orders.Settle(hands_over=False)  # it is refused while mail is handed over: that goes on by itself


def send_ahead(turn: MessageTurn, event: events.SentAhead) -> tuple[MessageTurn, Orders]:
    """Hand it to a process before its turn has come: it was never delivered before."""
    return MessageTurn(turn.message, AHEAD, event.incarnation), SENT


def take_back(turn: MessageTurn, event: events.TakenBack) -> tuple[MessageTurn, Orders]:
    """Have it wait again; for one of the next incarnation, where what this one says of it is over."""
    return MessageTurn(turn.message, WAITING, turn.incarnation + event.is_over), ()


def hand(turn: MessageTurn, event: events.Handed) -> tuple[MessageTurn, Orders]:
    """Count the delivery, and have the process handle it; one that has it already is sent nothing."""
    message, incarnation, deliveries = turn.message, event.incarnation, turn.deliveries + 1
    after = MessageTurn(message, IN_HAND, incarnation, deliveries, turn.charges, turn.writing)
    happened = MessageDelivered(
        message_id=message.message_id,
        agent=message.to,
        incarnation=incarnation,
        deliveries=deliveries,
        steps_reused=event.steps,
    )
    if turn.phase is AHEAD:
        return after, (orders.BUSY, orders.Emit(happened))
    return after, (orders.SEND, orders.BUSY, orders.Emit(happened))


def refuse_delivery(turn: MessageTurn, event: events.Undeliverable) -> tuple[MessageTurn, Orders]:
    """Bury a message that no frame can hold."""
    why = f"it cannot be handed to {turn.message.to}: {event.why}"
    return over(turn), (SETTLE, orders.Bury("quarantined", why))


def try_again(turn: MessageTurn, _event: events.Due) -> tuple[MessageTurn, Orders]:
    """Have it be the next."""
    return turn._replace(phase=WAITING, due=None), (orders.PUT_FIRST,)
