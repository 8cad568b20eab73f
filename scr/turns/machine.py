"""The way of one message as a fold: what happens to it changes its state, and says what is to be done.

Pure.  `RULES` has a row for each event and each phase.  A dot leaves the message as it is, and nothing is done; `!`
ends the incarnation, which broke the protocol.  A frame of another incarnation than the one that has the message is
always a dot (I3), and so is the answer of the store to a step that it has answered before.

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
    Swept       .          .          .          .          .          .          .          .          .          withdrawn  over
    Settled     .          .          .          .          .          .          .          settling   .          .          .

Where more than one phase may follow, the row has the one of the plain case: a message that is accepted may find no
agent or a full mailbox, and is over; one that fails may be buried, be tried again at once, or wait behind a question.
"""  # noqa: E501  a row is a line

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from scr.mail.pending import MessageTurn, Phase
from scr.turns import events, orders
from scr.turns.arrivals import accept, refuse, restore
from scr.turns.commits import blame, commit, release, undo
from scr.turns.deliveries import hand, refuse_delivery, send_ahead, take_back, try_again
from scr.turns.doubts import doubt, free, resume, settle
from scr.turns.endings import cancel, cancel_later, cancel_sends, close, end, sweep, withdraw
from scr.turns.events import Event
from scr.turns.failing import die, fail
from scr.turns.orders import Orders
from scr.turns.steps import ask, keep_step, read, record, refuse_step, stream

Rule: TypeAlias = Callable[[MessageTurn, Any], tuple[MessageTurn, Orders]]


def decide(turn: MessageTurn, event: Event) -> tuple[MessageTurn, Orders]:
    """Return the state after the event, and what is to be done, in order."""
    return RULES[type(event)][turn.phase](turn, event)


def leave(turn: MessageTurn, _event: Event) -> tuple[MessageTurn, Orders]:
    """Leave the message as it is."""
    return turn, ()


def begin(rule: Rule) -> Rule:
    """Return the rule for a message that was sent ahead: an agent that was told to stop may have begun it."""

    def begun(turn: MessageTurn, event: Any) -> tuple[MessageTurn, Orders]:
        if event.incarnation != turn.incarnation:
            return turn, ()
        if not event.is_next:
            return distrust(turn, event)
        handed, first = hand(turn, events.Handed(event.incarnation))
        after, then = rule(handed, event)
        return after, (orders.Begin(), *first, *then)

    return begun


def distrust(turn: MessageTurn, event: Any) -> tuple[MessageTurn, Orders]:
    """End an incarnation that speaks of a message which it does not have; chunks, and what is older, are dropped."""
    if isinstance(event, events.Streams) or event.incarnation < turn.incarnation:
        return turn, ()
    return turn, (orders.Distrust(event.incarnation, stranger(type(event), turn.message.message_id)),)


def stranger(kind: type[Event], message_id: str) -> str:
    """Say what an incarnation did to a message that it does not have, or that is none."""
    return f"it {DID[kind]} {message_id}, which it did not have in hand"


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


def rules_of_frame(rule: Rule) -> Mapping[Phase, Rule]:
    """Return the rules of a frame: only a message in hand may be spoken of; one that was cancelled, in vain."""
    return row(distrust, in_hand=rule, ahead=begin(rule), withdrawn=leave)


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
    events.Commits: rules_of_frame(commit),
    events.Records: rules_of_frame(record),
    events.Fails: rules_of_frame(fail),
    events.Doubts: rules_of_frame(doubt),
    events.Asks: rules_of_frame(ask),
    events.Reads: rules_of_frame(read),
    events.Streams: rules_of_frame(stream),
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
    events.Swept: row(withdrawn=sweep, over=sweep),
    events.Settled: row(in_doubt=settle),
}
