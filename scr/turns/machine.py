"""The way of one message as a fold: what happens to it changes its state, and says what is to be done.

Pure.  `RULES` has a row for each event and each phase.  A dot leaves the message as it is, and nothing is done; `!`
ends the incarnation, which broke the protocol.  A frame of another incarnation than the one that has the message is
always a dot (I3).

                arriving   waiting    ahead      in hand    committing retrying   behind     in doubt   settling   withdrawn  over
    Accepted    waiting    .          .          .          .          .          .          .          .          .          .
    Refused     over       .          .          .          .          .          .          .          .          .          .
    Restored    waiting    .          .          .          .          .          .          .          .          .          .
    Kept        .          .          .          .          over       .          .          .          .          .          .
    Unkeepable  !          !          !          in hand    in hand    !          !          !          !          !          !
    Recorded    arriving   waiting    ahead      in hand    committing retrying   behind     in doubt   settling   withdrawn  over
    Unrecorded  arriving   waiting    ahead      in hand    committing retrying   behind     in doubt   settling   withdrawn  over
    Resolved    .          .          .          .          .          .          .          .          waiting    .          .
    SentAhead   .          ahead      .          .          .          .          .          .          .          .          .
    TakenBack   .          .          waiting    .          .          .          .          .          .          .          .
    Handed      .          in hand    in hand    .          .          .          .          .          .          .          .
    Undeliverable .        .          .          over       .          .          .          .          .          .          .
    Due         .          .          .          .          .          waiting    .          .          .          .          .
    Freed       .          .          .          .          .          .          waiting    .          .          .          .
    Commits     !          !          committing committing !          !          !          !          !          .          !
    Records     !          !          in hand    in hand    !          !          !          !          !          .          !
    Fails       !          !          retrying   retrying   !          !          !          !          !          .          !
    Doubts      !          !          in doubt   in doubt   !          !          !          !          !          .          !
    Asks        !          !          in hand    in hand    !          !          !          !          !          .          !
    Reads       !          !          in hand    in hand    !          !          !          !          !          .          !
    Streams     .          .          in hand    in hand    .          .          .          .          .          .          .
    Exited      .          .          .          waiting    .          .          .          .          .          over       .
    Closed      .          over       over       over       .          over       over       over       over       .          .
    Cancelled   arriving   over       withdrawn  withdrawn  committing over       over       over       over       .          .
    Settled     .          .          .          .          .          .          .          settling   .          .          .

Where more than one phase may follow, the row has the one of the plain case: a message that is accepted may find no
agent or a full mailbox, and is over; one that fails may be buried, be tried again at once, or wait behind a question.
"""  # noqa: E501  a row is a line

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from scr.frames import Answer, StepRecord
from scr.mail.pending import Phase, Turn
from scr.mail.router import Posted, Room
from scr.messages import CLIENT, RUNTIME, Down, Failure, Message, Tick
from scr.step_names import shown_step
from scr.store.records import effects_of
from scr.telemetry.events import MessageDelivered, MessageParked, TurnCommitted
from scr.turns import events, orders
from scr.turns.events import Event
from scr.turns.failing import die, fail
from scr.turns.happenings import accepted, recorded
from scr.turns.orders import Order, Orders

FULL = "the mailbox of {to!r} is full; send more slowly or give it a larger mailbox_size"
Rule: TypeAlias = Callable[[Turn, Any], tuple[Turn, Orders]]
ENQUEUE, SETTLE, ADVANCE, END_QUESTIONS = orders.Enqueue(), orders.Settle(), orders.Advance(), orders.EndQuestions()


def decide(turn: Turn, event: Event) -> tuple[Turn, Orders]:
    """Return the state after the event, and what is to be done, in order."""
    return RULES[type(event)][turn.phase](turn, event)


def leave(turn: Turn, _event: Event) -> tuple[Turn, Orders]:
    """Leave the message as it is."""
    return turn, ()


# What the store says.


def accept(turn: Turn, event: events.Accepted) -> tuple[Turn, Orders]:
    """Put a message that is in the store into its mailbox, or bury it when there is no room."""
    message = turn.message
    happened = orders.Emit(accepted(message))
    if turn.is_cancelled:
        return over(turn), (happened, orders.Cancel(message))
    if event.room.posted is not Posted.ACCEPTED:
        is_full = event.room.posted is Posted.MAILBOX_FULL
        why = FULL.format(to=message.to) if is_full else event.unknown
        return over(turn), (happened, orders.Bury(event.room.posted, why))
    return waiting(turn), (happened, ENQUEUE, *absent(event.room))


def restore(turn: Turn, event: events.Restored) -> tuple[Turn, Orders]:
    """Put a message back that an earlier runtime has left, however full its mailbox is."""
    to = turn.message.to
    if event.uncarried:
        return over(turn), (orders.Bury("quarantined", f"it cannot be handed to {to}: {event.uncarried}"),)
    if event.doubt:
        return turn._replace(phase=Phase.IN_DOUBT, doubt=event.doubt), ()
    if event.room.posted is Posted.UNKNOWN_AGENT:
        return over(turn), (orders.Bury("agent_gone", f"there is no agent {to!r} any more"),)
    if event.left_s is not None:
        return turn._replace(phase=Phase.RETRYING), (orders.Hold(), orders.StartTimer(event.left_s))
    return waiting(turn), (ENQUEUE,)


def refuse(turn: Turn, _event: events.Refused) -> tuple[Turn, Orders]:
    """Forget a message that was never accepted."""
    return over(turn), ()


def release(turn: Turn, event: events.Kept) -> tuple[Turn, Orders]:
    """Let all leave that a turn has caused: it is in the store, and so it has happened."""
    agent, frame, timed = event.turn.agent, event.turn.frame, event.timed
    happened = TurnCommitted(
        message_id=frame.message_id, agent=agent, incarnation=event.turn.incarnation, sends=len(frame.sends)
    )
    effects = effects_of(agent, frame)
    todo: list[Order] = [orders.Emit(happened)]
    todo += (orders.StartAgent(effect) for effect in effects if effect.start)
    if event.row and turn.message.sender != RUNTIME:  # what the runtime tells an agent of its failures ends no row
        todo.append(orders.CountRow(0))
    todo += map(orders.Demonitor, frame.demonitors)
    todo += map(orders.Monitor, frame.monitors)
    todo += (orders.Post(sent) for sent in frame.sends if not (turn.is_cancelled and is_of(sent, turn)))
    if event.silent:
        todo.append(orders.TellSilence(event.silent))
    if frame.timers or frame.cancels or timed.ended:
        todo.append(orders.SetTimers(timed, frame.cancels))
    if frame.entries:
        todo.append(orders.Ring())
    todo += (orders.StopAgent(effect) for effect in effects if effect.stop)
    todo.append(SETTLE)
    return over(turn), tuple(todo)


def undo(turn: Turn, event: events.Unkeepable) -> tuple[Turn, Orders]:
    """Take back a turn or a step that no store keeps: the incarnation broke the protocol."""
    after = turn._replace(phase=Phase.IN_HAND, frame=None, writing=turn.writing - event.is_step)
    return after, blame(turn, event)[1]


def blame(turn: Turn, event: events.Unkeepable) -> tuple[Turn, Orders]:
    """End the incarnation that said what no store keeps."""
    return turn, (orders.Distrust(turn.incarnation, event.why),)


def keep_step(turn: Turn, event: events.Recorded) -> tuple[Turn, Orders]:
    """Give the handler leave to go on: its step is in the store.  What waits for that may be handed over."""
    after = turn._replace(writing=turn.writing - 1)
    told = (orders.Emit(recorded(turn.message, event.step)),) if event.step.state == "done" else ()
    answer = orders.Tell(event.incarnation, Answer(ref=event.ref))
    return after, (known(event.step), *told, *go_on(turn, event.incarnation), answer, *next_one(after))


def known(step: StepRecord) -> Order:
    """Give a step to the next delivery, unless it is known not to have happened."""
    return orders.DropStep(step.name) if step.state == "not done" else orders.SetStep(step)


def refuse_step(turn: Turn, event: events.Unrecorded) -> tuple[Turn, Orders]:
    """Tell the handler that the store does not take its step."""
    after = turn._replace(writing=turn.writing - 1)
    answer = Answer(ref=event.ref, error=type(event.error).__name__, detail=str(event.error))
    tell = orders.Tell(event.incarnation, answer)
    return after, (*go_on(turn, event.incarnation), tell, *next_one(after))


def go_on(turn: Turn, incarnation: int) -> Orders:
    """Give the handler its whole budget again, if its turn has not failed meanwhile."""
    has_it = turn.phase is Phase.IN_HAND and turn.incarnation == incarnation
    return (orders.GoOn(incarnation),) if has_it else ()


def next_one(turn: Turn) -> Orders:
    """Hand over what is next, where it was this message that could not be handed over."""
    return (orders.HandOver(),) if turn.phase is Phase.WAITING and not turn.writing else ()


# What the mailbox does.


def send_ahead(turn: Turn, event: events.SentAhead) -> tuple[Turn, Orders]:
    """Hand it to a process before its turn has come."""
    incarnation = event.incarnation
    return turn._replace(phase=Phase.AHEAD, incarnation=incarnation), (orders.SendAhead(incarnation),)


def take_back(turn: Turn, _event: events.TakenBack) -> tuple[Turn, Orders]:
    """Have it wait again."""
    return waiting(turn), ()


def hand(turn: Turn, event: events.Handed) -> tuple[Turn, Orders]:
    """Count the delivery, and have the process handle it; one that has it already is sent nothing."""
    message, incarnation, deliveries = turn.message, event.incarnation, turn.deliveries + 1
    after = Turn(message, Phase.IN_HAND, incarnation, deliveries, turn.charges, turn.writing)
    happened = MessageDelivered(
        message_id=message.message_id,
        agent=message.to,
        incarnation=incarnation,
        deliveries=deliveries,
        steps_reused=event.steps,
    )
    told = (orders.Busy(incarnation), orders.Emit(happened))
    return after, told if turn.phase is Phase.AHEAD else (orders.Send(incarnation), *told)


def refuse_delivery(turn: Turn, event: events.Undeliverable) -> tuple[Turn, Orders]:
    """Bury a message that no frame can hold."""
    why = f"it cannot be handed to {turn.message.to}: {event.why}"
    return over(turn), (SETTLE, orders.Bury("quarantined", why))


def try_again(turn: Turn, _event: events.Due) -> tuple[Turn, Orders]:
    """Have it be the next."""
    return turn._replace(phase=Phase.WAITING, due=None), (orders.PutFirst(),)


def free(turn: Turn, _event: events.Freed) -> tuple[Turn, Orders]:
    """Have it be the next, and free what waits behind it in turn."""
    return turn._replace(phase=Phase.WAITING, question=""), (orders.PutFirst(), orders.FreeBehind())


# What an incarnation says.


def begin(rule: Rule) -> Rule:
    """Return the rule for a message that was sent ahead: an agent that was told to stop may have begun it."""

    def begun(turn: Turn, event: Any) -> tuple[Turn, Orders]:
        if event.incarnation != turn.incarnation:
            return turn, ()
        if not event.is_next:
            return distrust(turn, event)
        handed, first = hand(turn, events.Handed(event.incarnation))
        after, then = rule(handed, event)
        return after, (orders.Begin(), *first, *then)

    return begun


def commit(turn: Turn, event: events.Commits) -> tuple[Turn, Orders]:
    """Keep the turn, and hand over the next message meanwhile; nothing that it caused leaves before it is kept."""
    incarnation, frame = event.incarnation, event.turn.frame
    if incarnation != turn.incarnation:
        return turn, ()
    if event.fault:
        return turn, (orders.Distrust(incarnation, event.fault),)
    after = turn._replace(phase=Phase.COMMITTING, frame=frame)
    persist = orders.PersistTurn(event.turn, event.timed, event.silent)
    if frame.ends:
        return after, (orders.Idle(incarnation), persist, END_QUESTIONS)
    return after, (orders.Idle(incarnation), persist, END_QUESTIONS, ADVANCE)


def record(turn: Turn, event: events.Records) -> tuple[Turn, Orders]:
    """Keep a step; until it is kept, no other process is handed the message.

    A process that relied on a step that the store may never have would repeat what happens once, and one that did not
    know of it would, too.
    """
    incarnation = event.incarnation
    if incarnation != turn.incarnation:
        return turn, ()
    persist = orders.PersistStep(incarnation, event.step, event.ref)
    return turn._replace(writing=turn.writing + 1), (orders.AwaitStore(incarnation), persist)


def doubt(turn: Turn, event: events.Doubts) -> tuple[Turn, Orders]:
    """Have the message wait for a person; its agent handles the next one."""
    if event.incarnation != turn.incarnation:
        return turn, ()
    message, (step, why) = turn.message, event.doubt
    happened = MessageParked(message_id=message.message_id, agent=message.to, step=shown_step(step), detail=why)
    return turn._replace(phase=Phase.IN_DOUBT, doubt=event.doubt), (
        orders.Idle(event.incarnation),
        orders.PersistDoubt(event.doubt),
        orders.Emit(happened),
        orders.TellDoubt(),
        SETTLE,
    )


def ask(turn: Turn, event: events.Asks) -> tuple[Turn, Orders]:
    """Ask another agent on behalf of the turn."""
    if event.incarnation != turn.incarnation:
        return turn, ()
    sender = event.frame.message.sender
    if sender != turn.message.to:
        return turn, (orders.Distrust(event.incarnation, f"it asked in the name of {sender!r}"),)
    return turn, (orders.Question(event.incarnation, event.frame),)


def read(turn: Turn, event: events.Reads) -> tuple[Turn, Orders]:
    """Give the turn what it has recorded."""
    return turn, (orders.Read(event.incarnation, event.frame),) if event.incarnation == turn.incarnation else ()


def stream(turn: Turn, event: events.Streams) -> tuple[Turn, Orders]:
    """Pass a chunk of this delivery on."""
    is_own = event.incarnation == turn.incarnation and event.frame.delivery == turn.deliveries
    return turn, (orders.PassOn(event.frame),) if is_own else ()


def distrust(turn: Turn, event: Any) -> tuple[Turn, Orders]:
    """End an incarnation that speaks of a message which it does not have; chunks of one are dropped."""
    if isinstance(event, events.Streams):
        return turn, ()
    return turn, (orders.Distrust(event.incarnation, stranger(type(event), turn.message.message_id)),)


def stranger(kind: type[Event], message_id: str) -> str:
    """Say what an incarnation did to a message that it does not have, or that is none."""
    return f"it {DID[kind]} {message_id}, which it did not have in hand"


# What happens to its agent, and what people do.


def end(turn: Turn, _event: events.Exited) -> tuple[Turn, Orders]:
    """Forget a cancelled message: the process that had it is gone."""
    return over(turn), ()


def close(turn: Turn, event: events.Closed) -> tuple[Turn, Orders]:
    """Bury a message whose agent has ended for good; no sender waits for a tick."""
    message = turn.message
    outcome = orders.Cancel(message) if isinstance(message, Tick) else orders.Bury("agent_gone", event.why)
    return over(turn), (outcome, orders.FreeBehind())


def cancel(turn: Turn, _event: events.Cancelled) -> tuple[Turn, Orders]:
    """Give a message that no process has its outcome."""
    return over(turn), (orders.Cancel(turn.message), END_QUESTIONS, orders.FreeBehind())


def cancel_later(turn: Turn, _event: events.Cancelled) -> tuple[Turn, Orders]:
    """Have it cancelled when the store has it."""
    return turn._replace(is_cancelled=True), ()


def cancel_sends(turn: Turn, _event: events.Cancelled) -> tuple[Turn, Orders]:
    """Cancel what a turn sends that is being kept: the turn has happened, its messages go nowhere."""
    if turn.is_cancelled or turn.frame is None:
        return turn, ()
    sends = tuple(orders.Cancel(sent) for sent in turn.frame.sends if is_of(sent, turn))
    return turn._replace(is_cancelled=True), sends


def withdraw(turn: Turn, event: events.Cancelled) -> tuple[Turn, Orders]:
    """Give a message that a process has its outcome, and replace the process: what it says of it is ignored."""
    _, then = cancel(turn, event)
    return turn._replace(phase=Phase.WITHDRAWN), (orders.Pause(), *then, orders.Recycle())


def settle(turn: Turn, event: events.Settled) -> tuple[Turn, Orders]:
    """Keep what a person knows of the step in doubt."""
    assert turn.doubt is not None
    name = turn.doubt.step
    last = known(event.step) if event.step else orders.DropStep(name)
    return turn._replace(phase=Phase.SETTLING), (last, orders.PersistSettlement(event.step, name))


def resume(turn: Turn, event: events.Resolved) -> tuple[Turn, Orders]:
    """Have it be the next, with what is known now; bury it when its agent is gone meanwhile."""
    if event.room.posted is Posted.UNKNOWN_AGENT:
        why = f"there is no agent {turn.message.to!r} any more"
        return over(turn), (orders.Bury("agent_gone", why), orders.FreeBehind())
    after = turn._replace(phase=Phase.WAITING, doubt=None)
    return after, (orders.PutFirst(), orders.FreeBehind(), *absent(event.room))


# States and facts.


def over(turn: Turn) -> Turn:
    """Return the message with its outcome."""
    return turn._replace(phase=Phase.OVER, frame=None)


def waiting(turn: Turn) -> Turn:
    """Return the message in its mailbox."""
    return turn._replace(phase=Phase.WAITING)


def absent(room: Room) -> Orders:
    """Tell who waits for the answer that the agent is down to stay, if it is."""
    return (orders.TellAbsent(room.absence),) if room.absence else ()


def is_of(sent: Message, turn: Turn) -> bool:
    """Tell whether a message of a turn grew out of the same task; an answer to a client is on no way any more."""
    return sent.trace_id == turn.message.trace_id and sent.to != CLIENT


def has_sender(message: Message) -> bool:
    """Tell whether the sender of a dead letter is told of it: a failure that cannot be delivered is not told on."""
    return not isinstance(message, Failure | Down) and message.sender != RUNTIME


DID = {
    events.Commits: "committed",
    events.Records: "recorded a step of",
    events.Fails: "failed in the turn of",
    events.Doubts: "doubts a step of",
    events.Asks: "asked in the turn of",
    events.Reads: "read the steps of",
}


def row(others: Rule = leave, **rules: Rule) -> Mapping[Phase, Rule]:
    """Return the rules of one event: those of these phases, and of all others."""
    return {phase: rules.get(phase.name.lower(), others) for phase in Phase}


def said(rule: Rule, others: Rule = distrust) -> Mapping[Phase, Rule]:
    """Return the rules of a frame: only a message in hand may be spoken of; one that was cancelled, in vain."""
    return row(others, in_hand=rule, ahead=begin(rule), withdrawn=leave)


RULES: Mapping[type[Event], Mapping[Phase, Rule]] = {
    events.Accepted: row(arriving=accept),
    events.Refused: row(arriving=refuse),
    events.Restored: row(arriving=restore),
    events.Kept: row(committing=release),
    events.Unkeepable: row(blame, committing=undo, in_hand=undo),
    events.Recorded: row(keep_step),
    events.Unrecorded: row(refuse_step),
    events.Resolved: row(settling=resume),
    events.SentAhead: row(waiting=send_ahead),
    events.TakenBack: row(ahead=take_back),
    events.Handed: row(waiting=hand, ahead=hand),
    events.Undeliverable: row(in_hand=refuse_delivery),
    events.Due: row(retrying=try_again),
    events.Freed: row(behind=free),
    events.Commits: said(commit),
    events.Records: said(record),
    events.Fails: said(fail),
    events.Doubts: said(doubt),
    events.Asks: said(ask),
    events.Reads: said(read),
    events.Streams: said(stream),
    events.Exited: row(in_hand=die, withdrawn=end),
    events.Closed: row(
        waiting=close, ahead=close, in_hand=close, retrying=close, behind=close, in_doubt=close, settling=close
    ),
    events.Cancelled: row(
        cancel,
        arriving=cancel_later,
        ahead=withdraw,
        in_hand=withdraw,
        committing=cancel_sends,
        withdrawn=leave,
        over=leave,
    ),
    events.Settled: row(in_doubt=settle),
}
