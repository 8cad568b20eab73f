"""Messages that wait for a person, and those that wait behind them.

Pure.
"""

from __future__ import annotations

from scr.mail.pending import IN_DOUBT, SETTLING, WAITING, MessageTurn, moved
from scr.mail.router import Posted
from scr.step_names import shown_step
from scr.telemetry.events import MessageParked
from scr.turns import events, orders
from scr.turns.orders import Orders
from scr.turns.states import absent, over
from scr.turns.steps import known


def doubt(turn: MessageTurn, event: events.Doubts) -> tuple[MessageTurn, Orders]:
    """Have the message wait for a person; its agent handles the next one."""
    if event.incarnation != turn.incarnation:
        return turn, ()
    message, (step, why) = turn.message, event.doubt
    happened = MessageParked(message_id=message.message_id, agent=message.to, step=shown_step(step), detail=why)
    return turn._replace(phase=IN_DOUBT, doubt=event.doubt), (
        orders.IDLE,
        orders.PersistDoubt(event.doubt),
        orders.Emit(happened),
        orders.TellDoubt(),
        orders.SETTLE,
    )


def settle(turn: MessageTurn, event: events.Settled) -> tuple[MessageTurn, Orders]:
    """Keep what a person knows of the step in doubt."""
    assert turn.doubt is not None
    name = turn.doubt.step
    last = known(event.step) if event.step else orders.DropStep(name)
    return moved(turn, SETTLING), (last, orders.PersistSettlement(event.step, name))


def resume(turn: MessageTurn, event: events.Resolved) -> tuple[MessageTurn, Orders]:
    """Have it be the next, with what is known now; bury it when its agent is gone meanwhile."""
    if event.room.posted is Posted.UNKNOWN_AGENT:
        why = f"there is no agent {turn.message.to!r} any more"
        return over(turn), (orders.Bury("agent_gone", why), orders.FREE_BEHIND)
    after = turn._replace(phase=WAITING, doubt=None)
    return after, (orders.PUT_FIRST, orders.FREE_BEHIND, *absent(event.room))


def free(turn: MessageTurn, _event: events.Freed) -> tuple[MessageTurn, Orders]:
    """Have it be the next, and free what waits behind it in turn."""
    return turn._replace(phase=WAITING, question=""), (orders.PUT_FIRST, orders.FREE_BEHIND)
