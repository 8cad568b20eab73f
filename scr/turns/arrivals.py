"""Messages that come into the runtime's care.

Pure.
"""

from __future__ import annotations

from scr.mail.pending import IN_DOUBT, RETRYING, MessageTurn, moved
from scr.mail.router import OPEN, Posted
from scr.turns import events, orders
from scr.turns.log_events import accepted
from scr.turns.orders import Orders
from scr.turns.states import absent, over, waiting

FULL = "the mailbox of {to!r} is full; send more slowly or give it a larger mailbox_size"


def accept(turn: MessageTurn, event: events.Accepted) -> tuple[MessageTurn, Orders]:
    """Put a message that is in the store into its mailbox, or bury it when there is no room."""
    message = turn.message
    happened = orders.Emit(accepted(message))
    if event.room is OPEN and not turn.is_cancelled:
        return waiting(turn), (happened, orders.ENQUEUE)
    if turn.is_cancelled:
        return over(turn), (happened, orders.Cancel(message))
    if event.room.posted is not Posted.ACCEPTED:
        is_full = event.room.posted is Posted.MAILBOX_FULL
        why = FULL.format(to=message.to) if is_full else event.unknown
        return over(turn), (happened, orders.Bury(event.room.posted, why))
    return waiting(turn), (happened, orders.ENQUEUE, *absent(event.room))


def restore(turn: MessageTurn, event: events.Restored) -> tuple[MessageTurn, Orders]:
    """Put a message back that an earlier runtime has left, however full its mailbox is."""
    to = turn.message.to
    if event.uncarried:
        return over(turn), (orders.Bury("quarantined", f"it cannot be handed to {to}: {event.uncarried}"),)
    if event.doubt:
        return turn._replace(phase=IN_DOUBT, doubt=event.doubt), ()
    if event.room.posted is Posted.UNKNOWN_AGENT:
        return over(turn), (orders.Bury("agent_gone", f"there is no agent {to!r} any more"),)
    if event.left_s is not None:
        return moved(turn, RETRYING), (orders.Hold(), orders.StartTimer(event.left_s))
    return waiting(turn), (orders.ENQUEUE,)


def refuse(turn: MessageTurn, _event: events.Refused) -> tuple[MessageTurn, Orders]:
    """Forget a message that was never accepted."""
    return over(turn), ()
