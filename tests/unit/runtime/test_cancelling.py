"""What is cancelled is cancelled once, with all that grew out of it, and holds up nothing."""

import asyncio

import pytest

from scr.errors import FrameTooLarge, InvalidMessage
from scr.messages import CLIENT, Task, TaskPayload, Tick, TimerPayload, follow, origin
from scr.protocol.frames import FailTurn, Ready, Timer
from scr.runtime.dispatch.failures import IncarnationFailure
from scr.store.memory import MemoryStore
from tests.unit.runtime.test_late_questions import Stand
from tests.unit.runtime.test_turn_machine import KILLED, Agent

DOUBT = {"names": ("scr.errors.StepInDoubt",), "error_type": "StepInDoubt", "message": "unpaid", "in_doubt": True}
FATAL = {"names": ("scr.errors.Fatal",), "error_type": "Fatal", "message": "no"}


@pytest.fixture
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def one(loop):
    """A runtime whose agent a has a task in hand and the next one already."""
    stand = Stand(loop, MemoryStore())
    for key in ("k", "l"):
        stand.send(key, "a")
    return stand


def replaced(stand, name, incarnation):
    """Have the process of an agent end, and another one be up."""
    stand.turns.died(IncarnationFailure(name, incarnation - 1, KILLED), blamed=False)
    stand.agents[name] = Agent(incarnation)
    stand.turns.up(name, incarnation, stand.agents[name])


def test_a_task_that_is_cancelled_once_more_while_its_process_ends_counts_no_second_time(one):
    assert [one.turns.cancel("k"), one.turns.cancel("k")] == [1, 0]
    assert one.nobody.recycled == ["a"]


def test_what_a_process_made_of_its_state_in_a_cancelled_turn_is_in_no_turn_that_it_had_ahead(one):
    k, ahead = one.take("a"), one.take("a")
    one.turns.cancel("k")
    one.commit("a", k, state={"done": ["k"]})
    one.commit("a", ahead, state={"done": ["k", "l"]})
    assert one.turns.state_of("a") is None
    replaced(one, "a", 2)
    one.commit("a", one.take("a"), state={"done": ["l"]})
    assert one.turns.state_of("a") == {"done": ["l"]}


def test_a_process_that_is_replaced_as_two_of_its_tasks_were_cancelled_speaks_of_both_in_vain(one):
    k, ahead = one.take("a"), one.take("a")
    assert [one.turns.cancel("k"), one.turns.cancel("l")] == [1, 1]
    one.commit("a", k)
    one.fail("a", ahead)
    replaced(one, "a", 2)
    with pytest.raises(AssertionError, match="failed in the turn of l"):
        one.fail("a", ahead)


def test_a_cancelled_task_that_waits_behind_an_older_question_of_its_own_is_handed_to_no_process(loop):
    """The question is older than the task: that was a dead letter, and is delivered once more."""
    one = Stand(loop, MemoryStore())
    one.send("k", "a")
    one.asks(one.take("a"))
    question = one.take("b")
    one.say("a", FailTurn(ref=5, message_id="k", **FATAL))
    replaced(one, "a", 2)
    one.doubt(question)
    one.store.exhume("k", one.turns.post.reopen)
    one.asks(one.take("a"), 1)
    one.say("a", FailTurn(ref=6, message_id="k", **DOUBT))
    assert one.turns.cancel("k") == 2
    assert (one.turns.router.in_hand("a"), one.turns.router.open_messages()) == (None, [])
    one.send("next", "a")
    one.commit("a", one.take("a"))
    assert not one.turns.router.open_messages()


class Looking(MemoryStore):
    """A store that looks a key up when it is told to."""

    looks_up = None

    def find(self, *given):
        self.looks_up = lambda: MemoryStore.find(self, *given)


def test_a_task_that_is_cancelled_while_its_key_is_found_to_have_missed_an_agent_goes_to_none(loop):
    one = Stand(loop, MemoryStore())
    for to in ("nowhere", "a"):
        task = Task(payload=TaskPayload(task_id="t"), **origin(message_id="K", sender=CLIENT, to=to, at=0.0))
        one.turns.post.ask(task, 60.0, one.told.append, again=True)
        one.store.__class__ = Looking
    assert one.turns.cancel("K") == 1
    one.store.looks_up()
    assert not one.agents["a"].inbox
    assert one.told[-1].error == "RunCancelled"


def test_a_key_that_is_cancelled_while_it_is_looked_up_has_that_answer_now_and_later(loop):
    one = Stand(loop, MemoryStore())
    one.store.__class__ = Looking
    task = Task(payload=TaskPayload(task_id="t"), **origin(message_id="K", sender=CLIENT, to="a", at=0.0))
    one.turns.post.ask(task, 60.0, one.told.append, again=True)
    assert one.turns.cancel("K") == 1
    one.store.looks_up()
    assert [outcome.error for outcome in one.told] == ["RunCancelled"]
    one.store.__class__ = MemoryStore
    one.turns.post.attach("K", 60.0, one.told.append)
    assert [outcome.error for outcome in one.told] == ["RunCancelled"] * 2
    assert not one.agents["a"].inbox


class Refusing(MemoryStore):
    """A store that keeps no question and no timer, while it is `bad`."""

    bad = True

    def accept(self, message, then=None, **more):
        self.refuse(more.get("ask"))
        super().accept(message, then, **more)

    def set_timers(self, *given, **more):
        self.refuse(asked=True)
        super().set_timers(*given, **more)

    def refuse(self, asked):
        if asked and self.bad:
            raise InvalidMessage("the store cannot hold it")


def test_a_question_that_no_store_keeps_is_over_and_asked_anew(loop):
    one, distrusted = Stand(loop, Refusing()), []
    one.nobody.distrust = lambda *given: distrusted.append(given)
    one.send("k", "a")
    one.asks(one.take("a"))
    assert distrusted == [("a", 1, "the store cannot hold it")]
    replaced(one, "a", 2)
    one.store.bad = False
    one.asks(one.take("a"))
    assert len(one.agents["b"].inbox) == 1


def test_a_timer_of_a_start_that_no_store_keeps_is_set_by_the_next_start(loop):
    one, distrusted = Stand(loop, Refusing()), []
    one.nobody.distrust = lambda *given: distrusted.append(given)
    payload = TimerPayload(name="tick", every_s=10.0)
    tick = Tick(payload=payload, **origin(message_id="t", sender="a", to="a", at=0.0))
    started = Ready(timers=(Timer(message=tick, due=100.0, after_s=10.0),))
    one.turns.receive_frame("a", 1, started)
    assert distrusted == [("a", 1, "the store cannot hold it")]
    one.store.bad = False
    one.turns.receive_frame("a", 1, started)
    assert [timer.message.message_id for timer in one.store.present().timers] == ["t"]


class Narrow(Agent):
    """A process whose frames hold no task."""

    def send(self, frame):
        if frame.message.type == "task":
            raise FrameTooLarge("it is too large")
        super().send(frame)

    send_next = send


def test_an_agent_that_cannot_be_handed_its_own_mail_is_told_so_of_each_however_many_they_are(loop):
    one = Stand(loop, MemoryStore())
    one.send("k", "c")
    one.agents["c"] = Agent(1)
    one.turns.up("c", 1, one.agents["c"])
    asked = one.take("c")
    one.turns.pause("c")
    payload = TaskPayload(task_id="t")
    one.commit("c", asked, *(Task(payload=payload, **follow(asked, n, sender="c", to="c", at=0.0)) for n in range(500)))
    one.turns.died(IncarnationFailure("c", 1, KILLED), blamed=False)
    one.turns.up("c", 2, Narrow(2))
    counts = one.store.counts()
    assert (counts.dead_letters, counts.open_messages) == (500, 500)
