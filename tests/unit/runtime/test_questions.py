"""A question is put once, whoever asks it again."""

import pytest

from scr.frames import Answer, Ask, StepRecord
from scr.mail.pending import Pending, Turn
from scr.messages import Ping, Task, TaskPayload, derive_id, origin
from scr.runtime.asks import Outcome
from scr.runtime.questions import Questions


class Stand:
    """In place of the asks, the post, the router and care: notes what it is given."""

    def __init__(self, *, is_new, is_on_its_way):
        self.is_new, self.is_on_its_way = is_new, is_on_its_way
        self.accepted, self.waiting, self.ends, self.absent = [], [], [], {}

    def open(self, ask, to, timeout_s, tell):
        self.ends.append(tell)
        return self.is_new

    def asks(self, agent, incarnation):
        self.waiting.append((agent, incarnation))

    def answered(self, agent, incarnation):
        self.waiting.remove((agent, incarnation))

    def find(self, agent, message_id):
        return Pending(Turn(question())) if self.is_on_its_way else None

    def accept(self, message, cause, ask):
        self.accepted.append(message.message_id)


def question():
    return Ping(**origin(message_id="q", sender="a", to="b", at=0.0))


def in_hand(**steps):
    message = Task(payload=TaskPayload(task_id="t"), **origin(message_id="m", sender="client", to="a", at=0.0))
    return Pending(Turn(message), {name: StepRecord(name=name, value=value) for name, value in steps.items()})


def put(pending, *, is_new=True, is_on_its_way=False):
    stand, told = Stand(is_new=is_new, is_on_its_way=is_on_its_way), []
    asked(stand, told, pending)
    return stand.accepted, told


def asked(stand, told, pending):
    questions = Questions(stand, stand, stand, stand, lambda *frame: told.append(frame), lambda *_: None)
    questions.put("a", 2, Ask(ref=7, message_id="m", step="ask_b", message=question(), timeout_s=1.0), pending)


def test_a_question_is_sent_unless_it_is_waited_for_or_on_its_way_already():
    assert put(in_hand()) == (["q"], [])
    assert put(in_hand(), is_new=False) == ([], [])
    assert put(in_hand(), is_on_its_way=True) == ([], [])


def test_an_answer_that_came_after_the_message_was_delivered_again_is_told_and_nothing_is_asked_twice():
    assert put(in_hand(ask_b="known")) == ([], [("a", 2, Answer(ref=7, value="known"))])


class Router:
    """Has one question under way, by its id."""

    def __init__(self, message):
        self.message, self.absent = message, {}

    def find(self, agent, message_id):
        return Pending(Turn(self.message)) if message_id == self.message.message_id else None


def asked_of(message_id, given):
    payload = TaskPayload(task_id=message_id, input=given)
    return Task(payload=payload, **origin(message_id=message_id, sender="a", to="b", at=0.0))


@pytest.mark.parametrize(
    ("given", "kept_as"), [("x", ("ask b", "")), ("other", (f"ask b~{'0' * 12}", "new"))], ids=["same", "another"]
)
def test_a_question_that_was_asked_by_order_is_the_same_only_when_it_asks_the_same(given, kept_as):
    former = derive_id("m", "ask b")
    stand, steps = Stand(is_new=False, is_on_its_way=False), []
    router = Router(asked_of(former, "x"))
    questions = Questions(stand, stand, router, stand, lambda *_: None, lambda *told: steps.append(told[2]))
    ask = Ask(
        ref=7, message_id="m", step=f"ask b~{'0' * 12}", message=asked_of("new", given), timeout_s=1.0, former="ask b"
    )
    questions.put("a", 2, ask, in_hand())
    router.message = in_hand().message
    stand.ends[0](Outcome(output="answer"))
    assert [(step.name, step.digest) for step in steps] == [kept_as]


def test_who_asks_is_known_to_wait_until_the_answer_is_told():
    stand, told = Stand(is_new=True, is_on_its_way=True), []
    asked(stand, told, in_hand())
    assert (stand.waiting, told) == ([("a", 2)], [])
    stand.ends[0](Outcome(error="AgentGone", detail="why"))
    assert (stand.waiting, told) == ([], [("a", 2, Answer(ref=7, error="AgentGone", detail="why"))])
    asked(stand, [], in_hand(ask_b="known"))
    assert stand.waiting == []
