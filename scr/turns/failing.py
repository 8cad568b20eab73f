"""What follows when a turn fails: the message is tried again, waits or is buried, and its agent perhaps kept down.

Pure.  `scr.charging` says what a failure costs; here it becomes a state and its orders.
"""

from __future__ import annotations

from scr.charging import (
    PARKED_AFTER,
    Behind,
    BuryMessage,
    Charges,
    Died,
    Failing,
    PutOff,
    Raised,
    TryAgain,
    Verdict,
    Wait,
    charge,
    streak,
)
from scr.mail.pending import BEHIND, IN_HAND, OVER, RETRYING, WAITING, MessageTurn, moved
from scr.messages import Task
from scr.protocol.frames import Answer
from scr.retry import ErrorInfo
from scr.step_names import is_later
from scr.telemetry.events import TurnFailed
from scr.turns import orders
from scr.turns.events import Exited, Fails, Standing
from scr.turns.log_events import summary
from scr.turns.orders import Orders


def fail(turn: MessageTurn, event: Fails) -> tuple[MessageTurn, Orders]:
    """Charge what the handler raised, then let the process go on with the next message, or replace it.

    Until it has its answer the process is handed nothing; the answer says whether it must forget what was sent ahead,
    because that waits again.
    """
    if event.incarnation != turn.incarnation:
        return turn, ()
    charges, verdict = judge(turn, event.failing, event.standing)
    if isinstance(verdict, Wait) and event.is_settled:
        verdict = TryAgain()
    goes_on = isinstance(event.failing, PutOff | Behind) or not event.standing.policy.fresh_process
    is_overtaken = isinstance(verdict, TryAgain) and event.ahead_in_lane
    taken_back = event.ahead and (not goes_on or is_overtaken)
    after, placed = placed_by(turn, charges, verdict, event.question)
    told, is_parked = follow(after, verdict, event.error, event.standing, event.incarnation)
    crash = (orders.KeepCrash(event.incarnation, event.error),) if isinstance(event.failing, Raised) else ()
    answer = Answer(ref=event.ref, value=taken_back or is_parked or not goes_on)
    return after, (
        orders.IDLE,
        orders.FailQuestions(event.is_put_off),
        orders.PAUSE,
        *((orders.TAKE_BACK,) if taken_back else ()),
        placed,
        *crash,
        *told,
        orders.Tell(event.incarnation, answer),
        *next_of(event, goes_on=goes_on, is_parked=is_parked),
    )


def next_of(event: Fails, *, goes_on: bool, is_parked: bool) -> Orders:
    """Return what becomes of the process; one that is told to stop, or kept down, gets nothing more."""
    if is_parked or not event.is_running:
        return ()
    return (orders.RESUME,) if goes_on else (orders.RECYCLE,)


def die(turn: MessageTurn, event: Exited) -> tuple[MessageTurn, Orders]:
    """Charge the message in hand with the end of its process, where that was the process's own doing."""
    if event.incarnation != turn.incarnation:
        return turn, ()
    if not event.blamed:
        return moved(turn, WAITING), (
            orders.PUT_FIRST,
            orders.PersistCharges(),
        )
    charges, verdict = judge(turn, Died(), event.standing)
    after, placed = placed_by(turn, charges, verdict)
    told, _ = follow(after, verdict, event.error, event.standing, event.incarnation)
    return after, (placed, *told)


def explains(turn: MessageTurn, event: Exited) -> bool:
    """Tell whether the message explains the end of the process: then no supervisor counts it."""
    has_it = turn.phase is IN_HAND and turn.incarnation == event.incarnation
    return has_it and event.blamed and event.standing.policy.retries


def judge(turn: MessageTurn, failing: Failing, standing: Standing) -> tuple[Charges, Verdict]:
    """Charge one more failure, and say what becomes of the message."""
    message, policy = turn.message, standing.policy
    retry = (message.payload.retry if isinstance(message, Task) else None) or policy.retry
    charges, verdict = charge(
        turn.charges, failing, retry, policy.max_deliveries, at=standing.at, seed=message.message_id
    )
    is_waiting = isinstance(verdict, Wait) or (isinstance(verdict, TryAgain) and verdict.due is not None)
    if is_waiting and not standing.may_wait:
        verdict = BuryMessage("failed", f"{policy.retries_max} messages wait for their next try already (retries_max)")
    return charges, verdict


def placed_by(
    turn: MessageTurn, charges: Charges, verdict: Verdict, question: str = ""
) -> tuple[MessageTurn, orders.Order]:
    """Return the message after the verdict, and where its mailbox puts it."""
    match verdict:
        case TryAgain(due=None):
            return turn._replace(phase=WAITING, charges=charges), orders.PUT_FIRST
        case TryAgain(due):
            return turn._replace(phase=RETRYING, charges=charges, due=due), orders.Hold()
        case Wait():  # alone: a person may take days
            return turn._replace(phase=BEHIND, charges=charges, question=question), orders.Hold(is_alone=True)
        case BuryMessage():
            return turn._replace(phase=OVER, charges=charges), orders.Settle()


def follow(
    turn: MessageTurn, verdict: Verdict, error: ErrorInfo, standing: Standing, incarnation: int
) -> tuple[Orders, bool]:
    """Return the orders that carry a verdict out, and whether the agent is kept down by it."""
    charges, agent = turn.charges, turn.message.to
    error = error.model_copy(update={"attempts": charges.attempts, "deaths": charges.deaths})
    happened = TurnFailed(
        message_id=turn.message.message_id,
        agent=agent,
        incarnation=incarnation,
        error=summary(error),
        attempts=charges.attempts,
        deaths=charges.deaths,
        due=turn.due,
    )
    first = (orders.Emit(happened), orders.PersistCharges())
    counted, is_parked = row_after(turn, verdict, standing, error)
    return (*first, *carried(turn, verdict, error, standing), *counted), is_parked


def carried(turn: MessageTurn, verdict: Verdict, error: ErrorInfo, standing: Standing) -> Orders:
    """Return what the verdict itself asks for."""
    match verdict:
        case TryAgain(due=float(due)):
            return (orders.StartTimer(max(0.0, due - standing.at)),)
        case Wait():
            return orders.WaitBehind(turn.question), orders.TellDoubt()
        case BuryMessage(reason, why):
            sentence = f"{turn.message.to} failed, and {why}; the last error: {summary(error)}"
            return (orders.Bury(reason, sentence, error),)
        case _:
            return ()


def row_after(turn: MessageTurn, verdict: Verdict, standing: Standing, error: ErrorInfo) -> tuple[Orders, bool]:
    """Count messages in a row that became dead letters, and park an agent of which there are too many."""
    is_repeated = is_later(turn.message.message_id)  # the same question, asked by another try of its turn
    row = standing.row if is_repeated else streak(standing.row, verdict)
    counts = (orders.CountRow(row),) if row != standing.row else ()
    if row < PARKED_AFTER or not (standing.policy.retries and standing.policy.parks):
        return counts, False
    why = f"{row} messages in a row became dead letters; the last error: {summary(error)}"
    return (orders.CountRow(0), orders.Park(why)), True
