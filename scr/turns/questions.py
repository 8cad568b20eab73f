"""The way of a question: an agent's `ctx.ask`, whose answer is a recorded step of the turn that asked.

Pure: no clock, no process, no I/O.  `decide` takes in one event and returns the
next state and the orders for the shell, in order.  The phase after each event,
by the phase before it; `-` is an event that changes nothing and orders nothing,
as it came too late or speaks of another question:

===================  =======  =======  =======  =======  =======
event                none     waiting  late     silent   closed
===================  =======  =======  =======  =======  =======
Asked                waiting  waiting  waiting  silent   waiting
Asked, refused       none     waiting  late     silent   closed
Asked, in doubt      late     late     late     silent   late
Asked, absent        waiting  late     late     silent   waiting
Reopened             waiting  -        -        -        waiting
Ended                -        closed   closed   -        -
Ended, silent        -        silent   silent   -        -
Overdue              -        late     -        -        -
Overdue, held up     -        waiting  -        -        -
Doubted              -        late     -        -        -
AgentAbsent          -        late     -        -        -
AskerOver            -        closed   closed   closed   -
AskerFailed          -        -        -        closed   -
AskerFailed, put off -        -        -        -        -
Forgotten            -        -        closed   none     none
===================  =======  =======  =======  =======  =======

An agent asks again with the same message after a death or a failed try.  What
is told at once comes first: the answer that is recorded by now, or why the
question is refused.  A question that is under way, late or not, is joined and
not sent again; so is one that its receiver holds.  The incarnation that waits
is told exactly once, unless a later one has asked in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from scr.protocol.frames import Answer
from scr.store.records import OpenAsk
from scr.turns.answer import NOT_ANSWERED, Outcome, answered_step
from scr.turns.question_events import (
    CLOSED,
    NONE,
    AgentAbsent,
    Asked,
    AskerFailed,
    AskerOver,
    CloseInStore,
    Doubted,
    Ended,
    Event,
    Expect,
    Forgotten,
    NoteDoubt,
    Order,
    Overdue,
    Question,
    QuestionPhase,
    RecordStep,
    Reopened,
    SendAnswer,
    SendQuestion,
    StartAskTimer,
    StopAskTimer,
    Unexpect,
    Waiter,
)

AGAIN_S = 0.1
SEND, STOP_TIMER, CLOSE_IN_STORE = SendQuestion(), StopAskTimer(), CloseInStore()
TURN_OVER = Outcome(error="AskTimedOut", detail="the turn that asked is over")

Orders: TypeAlias = tuple[Order, ...]
Decision: TypeAlias = tuple[Question, Orders]
Row: TypeAlias = Callable[[Question, Any], Decision]


def decide(question: Question, event: Event) -> Decision:
    """Take in one event; return the next state, and what the shell must do now, in this order."""
    return ROWS[type(event)][question.phase](question, event)


def stays(question: Question, _: Event) -> Decision:
    """Change nothing."""
    return question, ()


def asked_first(question: Question, asked: Asked) -> Decision:
    """Send a question that is not under way, and wait for its answer; join one that its receiver holds already."""
    if asked.is_in_mailbox:
        return asked_again(question, asked)
    return at_once(question, asked) or (waits(asked), (expect(asked), StartAskTimer(asked.timeout_s), SEND))


def asked_again(question: Question, asked: Asked) -> Decision:
    """Wait for the answer to a question that is on its way, unless its receiver is down to stay."""
    if decision := at_once(question, asked):
        return decision
    if asked.absence:
        return Question(QuestionPhase.LATE, asked.ask), (tell(asked.ask, asked.waiter, asked.absence),)
    return waits(asked), (expect(asked), StartAskTimer(asked.timeout_s))


def asked_anew(question: Question, asked: Asked) -> Decision:
    """Wait in the place of an earlier incarnation, until the time of that one is over."""
    after, orders = asked_again(question, asked)
    if after is question:
        return question, orders
    if after.phase is QuestionPhase.LATE:
        return after, (STOP_TIMER, *superseded(question), *orders)
    joined = question._replace(to=asked.to, waiter=asked.waiter)
    return joined, (*superseded(question), expect(asked))


def asked_of_silent(question: Question, asked: Asked) -> Decision:
    """Tell again that the question was handled without an answer."""
    assert question.told is not None
    return question, (tell(asked.ask, asked.waiter, refused(asked) or question.told),)


def at_once(question: Question, asked: Asked) -> Decision | None:
    """Tell instead of waiting: what is known, why the question is refused, or that it waits for a person."""
    if refusal := refused(asked):
        return question, (tell(asked.ask, asked.waiter, refusal),)
    if asked.doubt:
        told_now = tell(asked.ask, asked.waiter, asked.doubt)
        return Question(QuestionPhase.LATE, asked.ask), (NoteDoubt(asked.ask.asked_in), told_now)
    return None


def refused(asked: Asked) -> Outcome | None:
    """Return the answer that is recorded by now, or why the question is not sent; the first that fits."""
    if asked.known and asked.known.digest == asked.digest:
        return Outcome(output=asked.known.value)
    if not asked.is_agent:
        sentence = f"{asked.to!r} is no agent and answers nothing; `scr ps` lists the agents"
        return Outcome(error="UnknownAgent", detail=sentence)
    if asked.ring and not asked.doubt:
        return Outcome(error="InvalidMessage", detail=asked.ring)
    return None


def waits(asked: Asked) -> Question:
    """Return the state of a question whose answer is waited for from now on."""
    return Question(QuestionPhase.WAITING, asked.ask, asked.to, asked.waiter, asked.timeout_s)


def reopened(_: Question, event: Reopened) -> Decision:
    """Wait for the answer that an earlier runtime was asked for; it is a step of a later try."""
    return Question(QuestionPhase.WAITING, event.ask, timeout_s=event.timeout_s), (StartAskTimer(event.timeout_s),)


def ended(question: Question, event: Ended) -> Decision:
    """Tell the outcome.  A result is a step, whether or not an incarnation waits; a failure closes the stored ask."""
    ask, outcome = question.ask, event.outcome
    kept: Order = CLOSE_IN_STORE
    if outcome.error is None:  # the turn that answered has closed the ask in the store
        kept = RecordStep(ask.agent, ask.asked_in, answered_step(ask, outcome.output))
    stopped = (STOP_TIMER,) if question.phase is QuestionPhase.WAITING else ()
    is_silent = outcome.error == NOT_ANSWERED
    after = Question(QuestionPhase.SILENT, ask, told=outcome) if is_silent else CLOSED
    return after, (*stopped, kept, *tell_outcome(question, outcome))


def overdue(question: Question, event: Overdue) -> Decision:
    """Give the question its whole time again if the store was late; else the agent that asked is told."""
    if event.is_held_up:
        return question, (StartAskTimer(max(question.timeout_s, AGAIN_S)),)
    sentence = (
        f"{question.to} did not answer within {question.timeout_s:g} s; ask with a longer timeout_s or look at its log"
    )
    return Question(QuestionPhase.LATE, question.ask), tell_outcome(
        question, Outcome(error="AskTimedOut", detail=sentence)
    )


def doubted(question: Question, event: Doubted) -> Decision:
    """Tell the agent that waits of the doubt; the answer is recorded for a later try."""
    orders = (NoteDoubt(question.ask.asked_in), STOP_TIMER, *tell_outcome(question, event.outcome))
    return Question(QuestionPhase.LATE, question.ask), orders


def absent(question: Question, event: AgentAbsent) -> Decision:
    """Tell the agent that waits that there is no answer yet, and why."""
    return Question(QuestionPhase.LATE, question.ask), (STOP_TIMER, *tell_outcome(question, event.outcome))


def let_go(question: Question, _: AskerOver) -> Decision:
    """End the wait of a turn that is over."""
    return CLOSED, (STOP_TIMER, *tell_outcome(question, TURN_OVER), CLOSE_IN_STORE)


def expired(_: Question, __: AskerOver | Forgotten) -> Decision:
    """Close a late question: its answer is of no use any more."""
    return CLOSED, (CLOSE_IN_STORE,)


def dropped(_: Question, __: AskerOver) -> Decision:
    """Drop a silent question."""
    return CLOSED, ()


def asked_afresh(question: Question, event: AskerFailed) -> Decision:
    """Let the next try, which begins afresh, ask anew what was not answered."""
    return (question if event.is_put_off else CLOSED), ()


def forgotten(_: Question, __: Forgotten) -> Decision:
    """Know nothing of the question any more."""
    return NONE, ()


def tell_outcome(question: Question, outcome: Outcome) -> Orders:
    """Return the orders that tell the incarnation that waits, if one does."""
    waiter = question.waiter
    return (*superseded(question), tell(question.ask, waiter, outcome)) if waiter else ()


def superseded(question: Question) -> Orders:
    """Return the order that ends the count of the incarnation that waits, if one does."""
    waiter = question.waiter
    return (Unexpect(question.ask.agent, waiter.incarnation),) if waiter else ()


def expect(asked: Asked) -> Expect:
    """Return the order that counts the incarnation that waits from now on."""
    return Expect(asked.ask.agent, asked.waiter.incarnation)


def tell(ask: OpenAsk, waiter: Waiter, outcome: Outcome) -> SendAnswer:
    """Return the order that tells an incarnation an outcome."""
    answer = Answer(ref=waiter.ref, value=outcome.output, error=outcome.error, detail=outcome.detail, info=outcome.info)
    return SendAnswer(ask.agent, waiter.incarnation, answer)


def row(
    *, none: Row = stays, waiting: Row = stays, late: Row = stays, silent: Row = stays, closed: Row = stays
) -> Mapping[QuestionPhase, Row]:
    """Return one event's row of the table: what it does in each phase."""
    return {
        QuestionPhase.NONE: none,
        QuestionPhase.WAITING: waiting,
        QuestionPhase.LATE: late,
        QuestionPhase.SILENT: silent,
        QuestionPhase.CLOSED: closed,
    }


ROWS: Mapping[type[Event], Mapping[QuestionPhase, Row]] = {
    Asked: row(none=asked_first, waiting=asked_anew, late=asked_again, silent=asked_of_silent, closed=asked_first),
    Reopened: row(none=reopened, closed=reopened),
    Ended: row(waiting=ended, late=ended),
    Overdue: row(waiting=overdue),
    Doubted: row(waiting=doubted),
    AgentAbsent: row(waiting=absent),
    AskerOver: row(waiting=let_go, late=expired, silent=dropped),
    AskerFailed: row(silent=asked_afresh),
    Forgotten: row(late=expired, silent=forgotten, closed=forgotten),
}
