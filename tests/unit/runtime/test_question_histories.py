"""Random histories of several questions at once: what is kept of them is bounded, and fits together."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from scr.runtime.dispatch import open_questions as module
from scr.store.records import OpenAsk
from scr.turns.answer import Outcome
from scr.turns.question_events import QuestionPhase
from tests.unit.runtime.asking import Asking

KEPT = 2
DOUBT, GONE, SILENT = (Outcome(error=error) for error in ("StepInDoubt", "AgentGone", "NotAnswered"))
NUMBERS = st.integers(0, 7)
ACTS = st.tuples(
    st.sampled_from(
        ["ask", "ask", "ask", "reopen", "end", "fail", "silent", "doubt", "absent", "over", "failed", "due", "late"]
    ),
    NUMBERS,
)


class Clock:
    """A loop whose timers go off when they are told to."""

    def __init__(self):
        self.running = {}

    def call_later(self, after_s, overdue, message_id):
        assert message_id not in self.running
        self.running[message_id] = overdue
        return Timer(self, message_id)

    def go_off(self, message_id):
        if message_id in self.running:
            self.running.pop(message_id)(message_id)


class Timer:
    def __init__(self, clock, message_id):
        self.clock, self.message_id = clock, message_id

    def cancel(self):
        del self.clock.running[self.message_id]


def ask_of(n):
    """Eight questions of three messages."""
    return OpenAsk(f"q{n}", "a", f"m{n % 3}", f"ask {n // 3}", 0.0)


def act(asking, clock, verb, n):
    asks, ask = asking.asks_, ask_of(n)
    match verb:
        case "ask":
            asking.open(ask, ref=n, doubt=DOUBT if n == 7 else None)
        case "reopen":
            asks.reopen(ask, 1.0)
        case "end":
            asks.end(ask.message_id, Outcome(output=n))
        case "fail":
            asks.end(ask.message_id, GONE)
        case "silent":
            asks.end(ask.message_id, SILENT)
        case "doubt":
            asks.doubted(ask.message_id, DOUBT)
        case "absent":
            asks.let_go(ask.message_id, GONE)
        case "over":
            asks.over(ask.asked_in)
            assert ask.asked_in not in {*asks._doubts, *asks._by_step}, (
                "nothing is kept of what a turn that is over asked"
            )
        case "failed":
            asks.failed(ask.asked_in, is_put_off=False)
        case "due" | "late":
            asking.held_up = lambda within_s: verb == "late"
            clock.go_off(ask.message_id)


def check(asks, clock, waiting):
    phases = {message_id: question.phase for message_id, question in asks._questions.items()}
    of = {phase: {message_id for message_id, is_in in phases.items() if is_in is phase} for phase in QuestionPhase}
    late, over = asks._by_age[QuestionPhase.LATE], asks._by_age[QuestionPhase.CLOSED]
    assert late.keys() == of[QuestionPhase.LATE]
    assert over.keys() == of[QuestionPhase.SILENT] | of[QuestionPhase.CLOSED]
    assert max(len(late), len(over), len(asks._doubts)) <= KEPT
    assert asks._timers.keys() == clock.running.keys() == of[QuestionPhase.WAITING]
    indexed = {message_id for steps in asks._by_step.values() for message_id in steps.values()}
    assert indexed == of[QuestionPhase.WAITING] | of[QuestionPhase.LATE] | of[QuestionPhase.SILENT]
    assert all(asks._by_step.values()), "nothing is kept of a message that has asked nothing"
    assert +waiting == +Counter({("a", 1): sum(bool(question.waiter) for question in asks._questions.values())})


@settings(max_examples=250, deadline=None)
@given(st.lists(ACTS, max_size=40))
def test_what_is_kept_of_questions_is_bounded_and_a_timer_runs_for_each_that_is_waited_for(history):
    bounds = module.LATE_KEPT, module.CLOSED_KEPT
    module.LATE_KEPT = module.CLOSED_KEPT = KEPT
    try:
        clock = Clock()
        asking = Asking(clock)
        for verb, n in history:
            act(asking, clock, verb, n)
            check(asking.asks_, clock, asking.waiting)
    finally:
        module.LATE_KEPT, module.CLOSED_KEPT = bounds
