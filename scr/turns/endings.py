"""Messages that come to an end without a turn.

Pure.
"""

from __future__ import annotations

from scr.mail.pending import WITHDRAWN, MessageTurn, moved
from scr.messages import RUNTIME, Down, Failure, Message, Tick
from scr.turns import events, orders
from scr.turns.orders import Orders
from scr.turns.states import is_of, over


def end(turn: MessageTurn, event: events.Exited) -> tuple[MessageTurn, Orders]:
    """Forget a cancelled message: the process that had it is gone."""
    return over(turn) if event.incarnation == turn.incarnation else turn, ()


def close(turn: MessageTurn, event: events.Closed) -> tuple[MessageTurn, Orders]:
    """Bury a message whose agent has ended for good; no sender waits for a tick."""
    message = turn.message
    outcome = orders.Cancel(message) if isinstance(message, Tick) else orders.Bury("agent_gone", event.why)
    return over(turn), (outcome, orders.FREE_BEHIND)


def cancel(turn: MessageTurn, _event: events.Cancelled) -> tuple[MessageTurn, Orders]:
    """Give a message that no process has its outcome."""
    return over(turn), (orders.Cancel(turn.message), orders.END_QUESTIONS)


def cancel_later(turn: MessageTurn, _event: events.Cancelled) -> tuple[MessageTurn, Orders]:
    """Have it cancelled when the store has it."""
    return turn._replace(is_cancelled=True), ()


def cancel_sends(turn: MessageTurn, _event: events.Cancelled) -> tuple[MessageTurn, Orders]:
    """Cancel what a turn sends that is being kept: the turn has happened, its messages go nowhere."""
    if turn.is_cancelled or turn.frame is None:
        return turn, ()
    sends = tuple(orders.Cancel(sent) for sent in turn.frame.sends if is_of(sent, turn))
    return turn._replace(is_cancelled=True), sends


def withdraw(turn: MessageTurn, event: events.Cancelled) -> tuple[MessageTurn, Orders]:
    """Give a message that a process has its outcome, and replace the process: what it says of it is ignored.

    So is what it says of those behind it: their turns would carry what the cancelled one has made of the state.
    """
    _, then = cancel(turn, event)
    return moved(turn, WITHDRAWN), (orders.PAUSE, orders.TakeBack(is_over=True), *then, orders.RECYCLE)


def sweep(turn: MessageTurn, _event: events.Swept) -> tuple[MessageTurn, Orders]:
    """Free what waits behind a cancelled message, and was not cancelled with it."""
    return turn, (orders.FREE_BEHIND,)


def has_sender(message: Message) -> bool:
    """Tell whether the sender of a dead letter is told of it: a failure that cannot be delivered is not told on."""
    return not isinstance(message, Failure | Down) and message.sender != RUNTIME
