"""A question that closes a ring of agents that wait for each other is refused, and no other."""

import pytest

from scr.mail.pending import MessageTurn, Pending
from scr.messages import Task, TaskPayload, origin
from scr.protocol.frames import Ask
from scr.runtime.dispatch.agent_asks import Questions
from scr.store.records import OpenAsk
from scr.turns.answer import Outcome
from scr.turns.rings import refusal, ring_of
from tests.unit.runtime.asking import Asking


@pytest.mark.parametrize(
    ("waits", "ring"),
    [
        ({}, ()),
        ({"b": "c"}, ()),
        ({"c": "a"}, ()),
        ({"b": "a"}, ("a", "b", "a")),
        ({"b": "c", "c": "a"}, ("a", "b", "c", "a")),
        ({"b": "cd", "c": "", "d": "a"}, ("a", "b", "d", "a")),
        ({"b": "cd", "c": "e", "e": "a", "d": "a"}, ("a", "b", "d", "a")),
        ({"b": "c", "c": "b"}, ()),
        ({"a": "xy", "b": "c", "c": "b"}, ()),
    ],
)
def test_a_ring_is_found_by_who_waits_for_whom(waits, ring):
    assert ring_of("a", "b", lambda agent: waits.get(agent, "")) == ring


def test_a_ring_is_named_and_a_long_one_is_cut():
    assert refusal(("a", "b", "c", "a")).startswith("a asks b, which waits for c, which waits for a: ")
    long = refusal(("a0", *(f"a{n}" for n in range(1, 5000)), "a0"))
    assert len(long) < 1000
    assert "which waits for a2, which waits for a3, " in long
    assert "more, which waits for a0: " in long


class House(Asking):
    """Agents with the message that each has in hand, and the post.  Its loop is a clock that stands still."""

    def __init__(self):
        super().__init__(self)
        self.accepted = []
        self.questions = Questions(self.asks_, self, self, self)

    def call_later(self, *_):
        return self

    def cancel(self):
        pass

    def take(self, agent, message_id, deliveries=1):
        message = Task(payload=TaskPayload(task_id="t"), **origin(message_id=message_id, sender="c", to=agent, at=0.0))
        self.hands[agent] = Pending(MessageTurn(message, deliveries=deliveries))

    def ask(self, agent, to):
        in_hand = self.hands[agent]
        question = f"{agent} to {to}"
        message = Task(payload=TaskPayload(task_id="t"), **origin(message_id=question, sender=agent, to=to, at=0.0))
        ask = Ask(ref=1, message_id=in_hand.message.message_id, step=f"ask {to}", message=message, timeout_s=9.0)
        self.questions.put(agent, 1, ask, in_hand)
        refused = [frame for _, _, frame in self.told if frame.error == "InvalidMessage"]
        self.told.clear()
        return refused[0].detail.partition(":")[0] if refused else "asked"

    def answer(self, agent, to):
        self.asks_.end(f"{agent} to {to}", Outcome(output=1))

    def accept(self, message, cause, ask):
        self.accepted.append(message.message_id)


@pytest.fixture
def house():
    built = House()
    for agent in "abcd":
        built.take(agent, f"m{agent}")
    return built


def test_the_question_that_closes_a_ring_is_refused_and_not_sent(house):
    assert [house.ask("a", "b"), house.ask("b", "c")] == ["asked", "asked"]
    assert house.ask("c", "a") == "c asks a, which waits for b, which waits for c"
    assert house.accepted == ["a to b", "b to c"]


def test_one_of_several_questions_at_once_that_closes_a_ring_is_refused(house):
    assert [house.ask("a", "b"), house.ask("a", "c")] == ["asked", "asked"]
    assert house.ask("c", "d") == "asked"
    assert house.ask("d", "a") == "d asks a, which waits for c, which waits for d"
    assert house.ask("b", "d") == "asked"


def test_an_agent_that_has_its_answer_waits_no_more(house):
    house.ask("a", "b")
    house.answer("a", "b")
    assert house.ask("b", "a") == "asked"
    assert house.ask("a", "c") == "asked"


def test_an_agent_whose_turn_is_over_or_was_given_anew_waits_for_nothing_until_it_asks_again(house):
    house.ask("a", "b")
    house.take("a", "another")
    assert house.ask("b", "a") == "asked"
    house.ask("c", "d")
    house.take("c", "mc", deliveries=2)
    assert house.ask("d", "c") == "asked"
    assert house.ask("c", "d") == "c asks d, which waits for c"


def test_an_agent_that_is_down_with_its_message_waits_for_nothing(house):
    house.ask("a", "b")
    del house.hands["a"]
    assert house.ask("b", "a") == "asked"


def test_a_question_of_an_earlier_runtime_closes_no_ring(house):
    house.questions.reopen(OpenAsk("a to b", "a", "ma", "ask b", 1e12))
    assert house.ask("b", "a") == "asked"
    house.answer("a", "b")


def test_nothing_is_kept_of_questions_that_have_their_answer(house):
    house.ask("a", "b")
    house.ask("a", "c")
    house.answer("a", "b")
    house.answer("a", "c")
    assert not house.asks_._by_step
    assert not house.asks_._timers
