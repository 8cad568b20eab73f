"""One question's way, as its table says it; and random histories of it, in which no promise breaks."""

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scr.protocol.frames import Answer, StepRecord
from scr.store.records import OpenAsk
from scr.turns import questions
from scr.turns.answer import Outcome
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
from scr.turns.questions import ROWS, decide

ASK = OpenAsk("q", "a", "m", "ask b", 0.0)
NOT_ANSWERED, GONE, DOUBT, ABSENT = (
    Outcome(error=error, detail=error) for error in ("NotAnswered", "AgentGone", "StepInDoubt", "AgentDown")
)
PAID = StepRecord(name="ask b", value="paid")
STATES = {
    QuestionPhase.NONE: NONE,
    QuestionPhase.WAITING: Question(QuestionPhase.WAITING, ASK, "b", Waiter(1, 1, 1), 5.0),
    QuestionPhase.LATE: Question(QuestionPhase.LATE, ASK),
    QuestionPhase.SILENT: Question(QuestionPhase.SILENT, ASK, told=NOT_ANSWERED),
    QuestionPhase.CLOSED: CLOSED,
}


def asked(**facts):
    return Asked(ASK, "b", Waiter(2, 7, 2), 5.0, **facts)


EVENTS = {
    "Asked": asked(),
    "Asked, refused": asked(is_agent=False),
    "Asked, in doubt": asked(doubt=DOUBT),
    "Asked, absent": asked(absence=ABSENT),
    "Reopened": Reopened(ASK, 5.0),
    "Ended": Ended(Outcome(output="paid")),
    "Ended, silent": Ended(NOT_ANSWERED),
    "Overdue": Overdue(is_held_up=False),
    "Overdue, held up": Overdue(is_held_up=True),
    "Doubted": Doubted(DOUBT),
    "AgentAbsent": AgentAbsent(ABSENT),
    "AskerOver": AskerOver(),
    "AskerFailed": AskerFailed(),
    "AskerFailed, put off": AskerFailed(is_put_off=True),
    "Forgotten": Forgotten(),
}


def table():
    """The rows of the table in the docstring: an event, and the phase after it by the phase before."""
    _, head, rows, _ = questions.__doc__.split("===================  =======  =======  =======  =======  =======\n")
    phases = [QuestionPhase(word) for word in head.split()[1:]]
    return {row[:21].strip(): dict(zip(phases, row[21:].split(), strict=True)) for row in rows.splitlines()}


def test_the_table_has_a_row_for_every_pair_of_event_and_phase():
    assert table().keys() == EVENTS.keys()
    assert {type(event) for event in EVENTS.values()} == set(get_args(Event)) == set(ROWS)
    assert all(row.keys() == set(QuestionPhase) for row in [*ROWS.values(), *table().values()])


@pytest.mark.parametrize(("name", "phase"), [(name, phase) for name in EVENTS for phase in QuestionPhase])
def test_the_phase_after_each_event_is_as_the_table_says(name, phase):
    before, says = STATES[phase], table()[name][phase]
    after, orders = decide(before, EVENTS[name])
    if says == "-":
        assert (after, orders) == (before, ())
    else:
        assert after.phase == says


def told(incarnation, ref, **outcome):
    return SendAnswer("a", incarnation, Answer(ref=ref, **outcome))


GONE_TOLD = {"error": "AgentGone", "detail": "AgentGone"}
DOUBT_TOLD = {"error": "StepInDoubt", "detail": "StepInDoubt"}
ABSENT_TOLD = {"error": "AgentDown", "detail": "AgentDown"}
OVERDUE_TOLD = {
    "error": "AskTimedOut",
    "detail": "b did not answer within 5 s; ask with a longer timeout_s or look at its log",
}
OVER_TOLD = {"error": "AskTimedOut", "detail": "the turn that asked is over"}
CLIENT_TOLD = {"error": "UnknownAgent", "detail": "'b' is no agent and answers nothing; `scr ps` lists the agents"}
NO, WAITING, LATE, SILENT, OVER = QuestionPhase


@pytest.mark.parametrize(
    ("phase", "event", "orders"),
    [
        (NO, asked(), [Expect("a", 2), StartAskTimer(5.0), SendQuestion()]),
        (OVER, asked(), [Expect("a", 2), StartAskTimer(5.0), SendQuestion()]),
        (NO, asked(absence=ABSENT), [Expect("a", 2), StartAskTimer(5.0), SendQuestion()]),
        (NO, asked(is_in_mailbox=True), [Expect("a", 2), StartAskTimer(5.0)]),
        (NO, asked(is_in_mailbox=True, absence=ABSENT), [told(2, 7, **ABSENT_TOLD)]),
        (LATE, asked(), [Expect("a", 2), StartAskTimer(5.0)]),
        (WAITING, asked(), [Unexpect("a", 1), Expect("a", 2)]),
        (WAITING, asked(absence=ABSENT), [StopAskTimer(), Unexpect("a", 1), told(2, 7, **ABSENT_TOLD)]),
        (LATE, asked(absence=ABSENT), [told(2, 7, **ABSENT_TOLD)]),
        (LATE, asked(doubt=DOUBT), [NoteDoubt("m"), told(2, 7, **DOUBT_TOLD)]),
        (SILENT, asked(), [told(2, 7, error="NotAnswered", detail="NotAnswered")]),
        (NO, asked(known=PAID), [told(2, 7, value="paid")]),
        (NO, asked(known=PAID, digest="another"), [Expect("a", 2), StartAskTimer(5.0), SendQuestion()]),
        (NO, asked(known=PAID, is_agent=False), [told(2, 7, value="paid")]),
        (NO, asked(is_agent=False), [told(2, 7, **CLIENT_TOLD)]),
        (NO, asked(ring="a ring"), [told(2, 7, error="InvalidMessage", detail="a ring")]),
        (LATE, asked(ring="a ring", doubt=DOUBT), [NoteDoubt("m"), told(2, 7, **DOUBT_TOLD)]),
        (NO, Reopened(ASK, 3.0), [StartAskTimer(3.0)]),
        (
            WAITING,
            Ended(Outcome(output="paid")),
            [StopAskTimer(), RecordStep("a", "m", PAID), Unexpect("a", 1), told(1, 1, value="paid")],
        ),
        (LATE, Ended(Outcome(output="paid")), [RecordStep("a", "m", PAID)]),
        (WAITING, Ended(GONE), [StopAskTimer(), CloseInStore(), Unexpect("a", 1), told(1, 1, **GONE_TOLD)]),
        (LATE, Ended(GONE), [CloseInStore()]),
        (WAITING, Overdue(is_held_up=False), [Unexpect("a", 1), told(1, 1, **OVERDUE_TOLD)]),
        (WAITING, Overdue(is_held_up=True), [StartAskTimer(5.0)]),
        (
            WAITING,
            Doubted(DOUBT),
            [NoteDoubt("m"), StopAskTimer(), Unexpect("a", 1), told(1, 1, **DOUBT_TOLD)],
        ),
        (WAITING, AgentAbsent(ABSENT), [StopAskTimer(), Unexpect("a", 1), told(1, 1, **ABSENT_TOLD)]),
        (WAITING, AskerOver(), [StopAskTimer(), Unexpect("a", 1), told(1, 1, **OVER_TOLD), CloseInStore()]),
        (LATE, AskerOver(), [CloseInStore()]),
        (SILENT, AskerOver(), []),
        (LATE, Forgotten(), [CloseInStore()]),
    ],
)
def test_what_is_ordered(phase, event, orders):
    _, found = decide(STATES[phase], event)
    assert [(type(order), order) for order in found] == [(type(order), order) for order in orders]


def test_a_question_that_could_not_be_answered_has_its_whole_time_again_and_some_time_in_any_case():
    waiting = STATES[WAITING]
    assert decide(waiting, Overdue(is_held_up=True)) == (waiting, (StartAskTimer(5.0),))
    assert decide(waiting._replace(timeout_s=0.0), Overdue(is_held_up=True))[1] == (StartAskTimer(0.1),)


def test_a_later_incarnation_waits_in_the_place_of_an_earlier_one():
    after, _ = decide(STATES[WAITING], Asked(ASK, "c", Waiter(2, 7, 2), 60.0))
    assert after == Question(QuestionPhase.WAITING, ASK, "c", Waiter(2, 7, 2), 5.0)


FACTS = st.fixed_dictionaries(
    {
        "is_agent": st.sampled_from([True, True, True, False]),
        "ring": st.sampled_from(["", "", "", "a ring"]),
        "doubt": st.sampled_from([None, None, DOUBT]),
        "is_in_mailbox": st.booleans(),
        "absence": st.sampled_from([None, None, ABSENT]),
    }
)
HAPPENS = st.one_of(
    FACTS,
    st.sampled_from([event for name, event in EVENTS.items() if not name.startswith("Asked")]),
    st.sampled_from([Ended(GONE), Ended(Outcome(output=1)), Ended(Outcome(output=2))]),
)


class Shell:
    """Carries the orders of one question out as they say, and checks that each can be carried out."""

    def __init__(self):
        self.question, self.step, self.refs = NONE, None, 0
        self.is_timed = self.is_open_in_store = False
        self.owed, self.expected = set(), []

    def ask(self, facts):
        """Have a later incarnation ask, in the place of an earlier one unless it is refused."""
        self.refs += 1
        event = Asked(ASK, "b", Waiter(self.refs, self.refs, self.refs), 5.0, known=self.step, **facts)
        owed, before = self.owed, self.question
        self.owed = owed | {self.refs}
        self.feed(event)
        if self.question is not before:
            self.owed -= owed

    def feed(self, event):
        if isinstance(event, Overdue):
            self.is_timed = False
        self.question, orders = decide(self.question, event)
        for order in orders:
            self.carry_out(order)

    def carry_out(self, order):
        match order:
            case StartAskTimer():
                assert not self.is_timed
                self.is_timed = True
            case StopAskTimer():
                assert self.is_timed
                self.is_timed = False
            case Expect(_, incarnation):
                self.expected.append(incarnation)
            case Unexpect(_, incarnation):
                self.expected.remove(incarnation)
            case SendAnswer(_, incarnation, answer):
                assert incarnation == answer.ref
                self.owed.remove(incarnation)
            case RecordStep(_, _, step):
                assert self.step is None
                self.step, self.is_open_in_store = step, False
            case CloseInStore():
                self.is_open_in_store = False
            case SendQuestion():
                self.is_open_in_store = True


@settings(max_examples=200, deadline=None)
@given(st.lists(HAPPENS, max_size=25))
def test_whatever_happens_each_that_asks_is_told_once_and_each_step_has_one_outcome(history):
    shell = Shell()
    for event in history:
        if isinstance(event, dict):
            shell.ask(event)
        elif not (isinstance(event, Reopened) and shell.step):  # the store has closed the ask of an answer
            shell.feed(event)
        question = shell.question
        waiter = [question.waiter.incarnation] if question.waiter else []
        assert (shell.expected, shell.owed) == (waiter, set(waiter)), "who waits is counted, and owed one answer"
        assert shell.is_timed == (question.phase is QuestionPhase.WAITING), (
            "a deadline holds while the answer is waited for"
        )
        assert not shell.is_open_in_store or question.phase in {WAITING, LATE}, "what is over is over in the store too"
