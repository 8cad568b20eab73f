"""A question is put once, whoever asks it again."""

from types import SimpleNamespace

import pytest

from scr.mail.pending import MessageTurn, Pending
from scr.messages import Ping, Task, TaskPayload, derive_id, origin
from scr.protocol.frames import Answer, Ask, StepRecord
from scr.runtime.dispatch.agent_asks import Questions
from scr.store.records import OpenAsk
from scr.turns.answer import Outcome
from tests.unit.runtime.asking import Asking


class Stand(Asking):
    """The agents' messages, the post too: notes what it is given.  Its loop is a clock that stands still."""

    def __init__(self, *on_their_way):
        super().__init__(self)
        self.accepted, self.on_their_way = (
            [],
            {message.message_id: Pending(MessageTurn(message)) for message in on_their_way},
        )
        self.questions = Questions(self.asks_, self, self, self)

    def call_later(self, *_):
        return self

    def cancel(self):
        pass

    def find(self, agent, message_id):
        return self.on_their_way.get(message_id)

    def accept(self, message, cause, ask):
        self.accepted.append(message.message_id)

    def asked(self, pending, incarnation=2):
        ask = Ask(ref=7, message_id="m", step="ask_b", message=question(), timeout_s=1.0)
        self.questions.put("a", incarnation, ask, pending)


def question():
    return Ping(**origin(message_id="q", sender="a", to="b", at=0.0))


def in_hand(**steps):
    message = Task(payload=TaskPayload(task_id="t"), **origin(message_id="m", sender="client", to="a", at=0.0))
    return Pending(MessageTurn(message), {name: StepRecord(name=name, value=value) for name, value in steps.items()})


def test_a_question_is_sent_unless_it_is_waited_for_or_on_its_way_already():
    stand = Stand()
    stand.asked(in_hand())
    assert (stand.accepted, stand.told) == (["q"], [])
    stand.asked(in_hand(), incarnation=3)
    assert (stand.accepted, stand.told) == (["q"], [])
    held = Stand(question())
    held.asked(in_hand())
    assert (held.accepted, held.told, held.waiting["a", 2]) == ([], [], 1)


def test_a_later_delivery_joins_its_question_and_sends_another_one_of_the_same_step():
    stand = Stand()
    stand.asked(in_hand())
    for message_id in ("q.2", "other.2"):
        ask = Ask(ref=8, message_id="m", step="ask_b", message=asked_of(message_id, "x"), timeout_s=1.0)
        stand.questions.put("a", 3, ask, in_hand())
    assert stand.accepted == ["q", "other.2"]


def test_an_answer_that_came_after_the_message_was_delivered_again_is_told_and_nothing_is_asked_twice():
    stand = Stand()
    stand.asked(in_hand(ask_b="known"))
    assert (stand.accepted, stand.told) == ([], [("a", 2, Answer(ref=7, value="known"))])


def asked_of(message_id, given):
    payload = TaskPayload(task_id=message_id, input=given)
    return Task(payload=payload, **origin(message_id=message_id, sender="a", to="b", at=0.0))


@pytest.mark.parametrize(
    ("given", "kept_as"), [("x", ("ask b", "")), ("other", (f"ask b~{'0' * 12}", "new"))], ids=["same", "another"]
)
def test_a_question_that_was_asked_by_order_is_the_same_only_when_it_asks_the_same(given, kept_as):
    former, pending = derive_id("m", "ask b"), in_hand()
    stand = Stand(asked_of(former, "x"), pending.message)
    ask = Ask(
        ref=7, message_id="m", step=f"ask b~{'0' * 12}", message=asked_of("new", given), timeout_s=1.0, former="ask b"
    )
    stand.questions.put("a", 2, ask, pending)
    (asked,) = [known for known in (former, "new") if stand.asks_.expects(known)]
    stand.asks_.end(asked, Outcome(output="answer"))
    assert [(step.name, step.digest) for step in stand.steps] == [kept_as]


def test_who_asks_is_known_to_wait_until_the_answer_is_told():
    stand = Stand(question())
    stand.asked(in_hand())
    assert (+stand.waiting, stand.told) == ({("a", 2): 1}, [])
    stand.asks_.end("q", Outcome(error="AgentGone", detail="why"))
    assert (+stand.waiting, stand.told) == ({}, [("a", 2, Answer(ref=7, error="AgentGone", detail="why"))])
    stand.asked(in_hand(ask_b="known"))
    assert not +stand.waiting


def test_a_question_that_an_earlier_runtime_has_left_is_waited_for_until_its_time_is_over(monkeypatch):
    monkeypatch.setattr("scr.runtime.dispatch.agent_asks.time", SimpleNamespace(time=lambda: 100.0))
    stand, timers = Stand(), []
    stand.call_later = lambda after_s, *_: timers.append(after_s) or stand
    for until in (130.0, 50.0):
        stand.questions.reopen(OpenAsk(f"q{until}", "a", "m", f"ask {until}", until))
    assert timers == [30.0, 0.0]
    assert stand.asks_.expects("q130.0")


def test_a_question_of_an_earlier_runtime_that_waits_for_a_person_is_late_at_once():
    stand = Stand()
    stand.doubt_of = lambda message_id: Outcome(error="StepInDoubt")
    stand.questions.reopen(OpenAsk("q", "a", "m", "ask b", 1e12))
    assert (stand.asks_.knows("q"), stand.asks_.expects("q"), stand.told) == (True, False, [])
