"""A question is put once, whoever asks it again."""

from scr.frames import Answer, Ask, StepRecord
from scr.mail.pending import Pending
from scr.messages import Ping, Task, TaskPayload, origin
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
        return Pending(question()) if self.is_on_its_way else None

    def accept(self, message, cause, ask):
        self.accepted.append(message.message_id)


def question():
    return Ping(**origin(message_id="q", sender="a", to="b", at=0.0))


def in_hand(**steps):
    message = Task(payload=TaskPayload(task_id="t"), **origin(message_id="m", sender="client", to="a", at=0.0))
    return Pending(message, steps={name: StepRecord(name=name, value=value) for name, value in steps.items()})


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


def test_who_asks_is_known_to_wait_until_the_answer_is_told():
    stand, told = Stand(is_new=True, is_on_its_way=True), []
    asked(stand, told, in_hand())
    assert (stand.waiting, told) == ([("a", 2)], [])
    stand.ends[0](Outcome(error="AgentGone", detail="why"))
    assert (stand.waiting, told) == ([], [("a", 2, Answer(ref=7, error="AgentGone", detail="why"))])
    asked(stand, [], in_hand(ask_b="known"))
    assert stand.waiting == []
