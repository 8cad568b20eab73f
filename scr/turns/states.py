"""States that rules have in common, and what they tell.

Pure.
"""

from __future__ import annotations

from scr.mail.pending import OVER, WAITING, MessageTurn, moved
from scr.mail.router import Room
from scr.messages import CLIENT, Message
from scr.turns import orders
from scr.turns.orders import Orders


def over(turn: MessageTurn) -> MessageTurn:
    """Return the message with its outcome."""
    return moved(turn, OVER)


def waiting(turn: MessageTurn) -> MessageTurn:
    """Return the message in its mailbox."""
    return moved(turn, WAITING)


def absent(room: Room) -> Orders:
    """Tell who waits for the answer that the agent is down to stay, if it is."""
    return (orders.TellAbsent(room.absence),) if room.absence else ()


def is_of(sent: Message, turn: MessageTurn) -> bool:
    """Tell whether a message of a turn grew out of the same task; an answer to a client is on no way any more."""
    return sent.trace_id == turn.message.trace_id and sent.to != CLIENT
