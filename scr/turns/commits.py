"""Turns, whole: on their way into the store, and in it.

Pure.
"""

from __future__ import annotations

from scr.mail.pending import COMMITTING, IN_HAND, MessageTurn
from scr.messages import RUNTIME
from scr.store.records import effects_of
from scr.telemetry.events import TurnCommitted
from scr.turns import events, orders
from scr.turns.orders import Order, Orders
from scr.turns.states import is_of, over


def commit(turn: MessageTurn, event: events.Commits) -> tuple[MessageTurn, Orders]:
    """Keep the turn, and hand over the next message meanwhile; nothing that it caused leaves before it is kept."""
    incarnation, frame = event.incarnation, event.turn.frame
    if incarnation != turn.incarnation:
        return turn, ()
    if event.fault:
        return turn, (orders.Distrust(incarnation, event.fault),)
    message, deliveries = turn.message, turn.deliveries
    after = MessageTurn(message, COMMITTING, incarnation, deliveries, turn.charges, turn.writing, frame=frame)
    persist = orders.PersistTurn(event.turn, event.timed, event.silent)
    if frame.ends:
        return after, (orders.IDLE, persist, orders.END_QUESTIONS)
    return after, (orders.IDLE, persist, orders.END_QUESTIONS, orders.ADVANCE)


def release(turn: MessageTurn, event: events.Kept) -> tuple[MessageTurn, Orders]:
    """Let all leave that a turn has caused: it is in the store, and so it has happened."""
    agent, frame, timed = event.turn.agent, event.turn.frame, event.timed
    happened = TurnCommitted(
        message_id=frame.message_id, agent=agent, incarnation=event.turn.incarnation, sends=len(frame.sends)
    )
    if is_plain(turn, event):
        return over(turn), (orders.Emit(happened), *map(orders.Post, frame.sends), orders.SETTLE)
    effects = effects_of(agent, frame)
    todo: list[Order] = [orders.Emit(happened)]
    todo += (orders.RequestStart(effect) for effect in effects if effect.start)
    if event.row and turn.message.sender != RUNTIME:  # what the runtime tells an agent of its failures ends no row
        todo.append(orders.CountRow(0))
    todo += (orders.Monitor(target, is_wanted=False) for target in frame.demonitors)
    todo += map(orders.Monitor, frame.monitors)
    todo += (orders.Post(sent) for sent in frame.sends if not (turn.is_cancelled and is_of(sent, turn)))
    if event.silent:
        todo.append(orders.TellSilence(event.silent))
    if frame.timers or frame.cancels or timed.ended:
        todo.append(orders.SetTimers(timed, frame.cancels))
    if frame.entries:
        todo.append(orders.Ring())
    todo += (orders.RequestStop(effect) for effect in effects if effect.stop)
    return over(turn), (*todo, orders.SETTLE)


def is_plain(turn: MessageTurn, event: events.Kept) -> bool:
    """Tell whether a turn has caused nothing but messages, as most have."""
    frame = event.turn.frame
    asks_more = frame.starts or frame.stops or frame.monitors or frame.demonitors or frame.entries
    has_timers = frame.timers or frame.cancels or event.timed.ended
    return not (asks_more or has_timers or event.row or event.silent or turn.is_cancelled)


def undo(turn: MessageTurn, event: events.Unkeepable) -> tuple[MessageTurn, Orders]:
    """Take back a turn or a step that no store keeps: the incarnation broke the protocol."""
    writing = turn.writing[:-1] if event.is_step else turn.writing
    after = turn._replace(phase=IN_HAND, frame=None, writing=writing)
    return after, blame(turn, event)[1]


def blame(turn: MessageTurn, event: events.Unkeepable) -> tuple[MessageTurn, Orders]:
    """End the incarnation that said what no store keeps."""
    return turn, (orders.Distrust(turn.incarnation, event.why),)
