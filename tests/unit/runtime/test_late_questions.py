"""A question that an earlier delivery asked is asked once: under way, late or in doubt, a later delivery joins it."""

import asyncio
from functools import partial

import pytest

from scr.messages import Task, TaskPayload, follow
from scr.protocol.frames import Answer, Ask, FailTurn
from scr.runtime.dispatch.failures import IncarnationFailure
from scr.step_names import question_id
from scr.store.memory import MemoryStore
from scr.turns.answer import Outcome
from tests.unit.runtime import test_no_answer
from tests.unit.runtime.asking import question, run
from tests.unit.runtime.test_turn_machine import KILLED, Agent


class Stand(test_no_answer.Stand):
    """A runtime whose agents are played by hand, and fail."""

    def puts(self, message, delivery=1, *, asker="a", asked="b", timeout_s=60.0):
        """Have an agent ask another one in this delivery of this message."""
        to = {"message_id": question_id(f"{asker} to {asked}", delivery, self.agents[asker].incarnation)}
        fields = follow(message, 0, sender=asker, to=asked, at=0.0) | to
        question = Task(payload=TaskPayload(task_id="q"), **fields)
        step = f"ask {asked}"
        frame = Ask(ref=delivery, message_id=message.message_id, step=step, message=question, timeout_s=timeout_s)
        self.say(asker, frame)

    def fail(self, agent, message, **fields):
        failed = {"names": ("ValueError",), "error_type": "ValueError"} | fields
        self.say(agent, FailTurn(ref=99, message_id=message.message_id, **failed))

    def doubts(self, agent, message):
        self.fail(agent, message, names=("scr.errors.StepInDoubt",), error_type="StepInDoubt", in_doubt=True)

    def again(self, agent, message):
        """Have the message delivered to the next process."""
        self.turns.mail.try_again(agent, message.message_id)
        self.restart(agent)
        return self.agents[agent].inbox.popleft()

    def dies(self, agent):
        """End the process of an agent by no doing of its own, and start the next one."""
        self.turns.died(IncarnationFailure(agent, self.agents[agent].incarnation, KILLED), blamed=False)
        self.restart(agent)

    def restart(self, agent):
        """Start the next process of an agent."""
        self.agents[agent].incarnation += 1
        self.turns.up(agent, self.agents[agent].incarnation, self.agents[agent])

    def until_told(self, agent, error):
        while not any(told == agent and answer.error == error for told, answer in self.answers):
            self.loop.run_until_complete(asyncio.sleep(0))

    def resolve(self, question):
        self.turns.parked.resolve(question.message_id, "paid", is_done=True, then=lambda: None)

    @property
    def kept(self):
        """The charged tries of each open message."""
        return {kept.message.message_id: kept.attempts for kept in self.store.present().mail}


@pytest.fixture
def stand():
    """One runtime; its loop runs only while a test waits for an answer."""
    loop = asyncio.new_event_loop()
    yield partial(Stand, loop)
    loop.close()


def begun(stand, store=None, **fields):
    """A runtime in which a has a task in hand and has asked b."""
    one = stand(store or MemoryStore())
    one.ask("k", "a")
    message = one.take("a")
    one.puts(message, **fields)
    return one, message, one.take("b")


class SlowStore(MemoryStore):
    """A store that keeps turns when it is told to."""

    def commit(self, turn, then):
        self.keep = partial(super().commit, turn, then)


def test_a_question_whose_turn_is_on_its_way_into_the_store_is_joined(stand):
    one, message, question = begun(stand, SlowStore())
    one.fail("a", message)
    one.commit("b", question, one.reply(question, "paid"))
    assert one.again("a", message).deliveries == 2
    one.puts(message, 2)
    one.store.keep()
    assert one.answers[-1] == ("a", Answer(ref=2, value="paid"))
    assert not one.agents["b"].inbox


def test_a_later_delivery_joins_a_question_that_was_not_answered_in_time(stand):
    one, message, question = begun(stand, timeout_s=0.0)
    one.until_told("a", "AskTimedOut")
    one.fail("a", message)
    one.again("a", message)
    one.puts(message, 2)
    assert not one.agents["b"].inbox
    one.commit("b", question, one.reply(question, "paid"))
    assert one.answers[-1] == ("a", Answer(ref=2, value="paid"))


def test_an_answer_that_comes_between_two_deliveries_is_a_step_of_the_second(stand):
    one, message, question = begun(stand, timeout_s=0.0)
    one.until_told("a", "AskTimedOut")
    one.fail("a", message)
    one.commit("b", question, one.reply(question, "paid"))
    assert [(step.name, step.value) for step in one.again("a", message).steps] == [("ask b", "paid")]
    one.puts(message, 2)
    assert one.answers[-1] == ("a", Answer(ref=2, value="paid"))
    assert not one.agents["b"].inbox


def test_an_answer_that_comes_when_the_task_is_a_dead_letter_is_a_step_of_its_next_delivery(stand):
    one, message, question = begun(stand, timeout_s=0.0)
    one.until_told("a", "AskTimedOut")
    one.fail("a", message, names=("scr.errors.Fatal",))
    assert one.store.counts().dead_letters == 1
    one.commit("b", question, one.reply(question, "paid"))
    one.store.exhume("k", one.turns.post.reopen)
    assert [(step.name, step.value) for step in one.again("a", message).steps] == [("ask b", "paid")]


def test_a_dead_letter_that_is_delivered_once_more_joins_what_it_asked(stand):
    one, message, question = begun(stand, timeout_s=0.0)
    one.until_told("a", "AskTimedOut")
    one.fail("a", message, names=("scr.errors.Fatal",))
    one.store.exhume("k", one.turns.post.reopen)
    one.again("a", message)
    one.puts(message, 2)
    one.commit("b", question, one.reply(question, "paid"))
    assert one.answers[-1] == ("a", Answer(ref=2, value="paid"))
    assert not one.agents["b"].inbox


def test_a_question_that_failed_is_asked_anew_by_a_later_delivery(stand):
    one, message, _ = begun(stand)
    one.fail("b", one.turns.router.in_hand("b").message, names=("scr.errors.Fatal",))
    assert one.answers[-2][1].error == "TaskFailed"
    one.fail("a", message)
    one.again("a", message)
    one.restart("b")
    one.puts(message, 2)
    assert one.take("b").message_id == "a to b.2.2"


def test_a_task_that_had_no_answer_is_told_so_again_after_a_death_and_asked_anew_after_an_error(stand):
    one, message, question = begun(stand)
    one.commit("b", question, unanswered=True)
    one.dies("a")
    one.take("a")
    one.puts(message, 2)
    assert (one.answers[-1][1].error, len(one.agents["b"].inbox)) == ("NotAnswered", 0)
    one.fail("a", message)
    one.again("a", message)
    one.puts(message, 3)
    assert one.take("b").message_id == "a to b.3.3"


def test_a_failure_that_an_older_incarnation_tells_lets_nothing_be_asked_anew(stand):
    one, message, question = begun(stand)
    one.commit("b", question, unanswered=True)
    one.dies("a")
    failed = FailTurn(ref=99, message_id=one.take("a").message_id, names=("ValueError",), error_type="ValueError")
    one.turns.receive_frame("a", 1, failed)
    one.puts(message, 2)
    assert (one.answers[-1][1].error, len(one.agents["b"].inbox)) == ("NotAnswered", 0)


def test_what_a_committed_turn_had_asked_is_forgotten_and_its_late_answer_is_no_mail(stand):
    one, message, question = begun(stand, timeout_s=0.0)
    one.until_told("a", "AskTimedOut")
    one.commit("a", message, one.reply(message, "without"))
    one.commit("b", question, one.reply(question, "paid"))
    assert (one.store.present().asks, one.store.counts().open_messages) == ((), 0)
    assert not one.agents["a"].inbox


def test_late_questions_are_bounded_and_the_oldest_is_closed(monkeypatch):
    monkeypatch.setattr("scr.runtime.dispatch.open_questions.LATE_KEPT", 2)

    async def scenario(asking, asks):
        for n in range(3):
            asking.open(question(n))
            asks.let_go(f"q{n}", Outcome(error="AskTimedOut"))
        assert (asking.closed, [asks.knows(f"q{n}") for n in range(3)]) == (["q0"], [False, True, True])

    assert run(scenario).answers == ["AskTimedOut"] * 3


def test_the_doubts_that_turns_may_fail_by_are_bounded(monkeypatch):
    monkeypatch.setattr("scr.runtime.dispatch.open_questions.LATE_KEPT", 2)

    async def scenario(asking, asks):
        for n in range(3):
            asking.open(question(n), doubt=Outcome(error="StepInDoubt"))
        assert [asks.doubt_told(f"m{n}") for n in range(3)] == ["", "q1", "q2"]

    run(scenario)


def test_a_task_waits_without_an_attempt_while_what_it_asked_waits_for_a_person_and_who_asked_for_it_is_told(stand):
    one, message, question = begun(stand)
    one.doubt(question)
    one.doubts("a", message)
    one.ask("k", "a")
    assert [outcome.error for outcome in one.told] == ["StepInDoubt"] * 2
    assert one.told[0].detail.startswith("step 'pay' of b is in doubt: no word of the bank; ")
    assert "Runtime.resolve('a to b', is_done=...)" in one.told[0].detail
    assert (one.kept, len(one.agents["a"].inbox)) == ({"k": 0, "a to b": 0}, 0)
    one.ask("k", "a")
    one.resolve(question)
    delivery = one.agents["a"].inbox.popleft()
    assert (delivery.deliveries, delivery.attempt) == (2, 1)
    one.puts(message, 2)
    one.commit("b", one.take("b"), one.reply(question, "paid"))
    assert one.answers[-1] == ("a", Answer(ref=2, value="paid"))
    one.commit("a", message, one.reply(message, "ordered"))
    one.ask("k", "a")
    assert one.told[-1].output == "ordered"


def test_who_asks_a_task_that_waits_behind_a_doubt_is_told_and_waits_behind_it_too(stand):
    one = stand(MemoryStore())
    one.turns.up("c", 1, one.agents.setdefault("c", Agent(1)))
    one.ask("k", "c")
    message = one.take("c")
    one.puts(message, asker="c", asked="a")
    inner = one.take("a")
    one.puts(inner)
    question = one.take("b")
    one.doubt(question)
    one.doubts("a", inner)
    one.doubts("c", message)
    assert [answer.error for agent, answer in one.answers if agent == "c"] == ["StepInDoubt", None]
    assert "Runtime.resolve('a to b', is_done=...)" in one.told[0].detail
    one.resolve(question)
    assert [one.take(name).message_id for name in "abc"] == ["c to a", "a to b", "k"]


def test_a_doubt_that_is_settled_before_the_turn_fails_by_it_is_waited_for_no_more(stand):
    one, message, question = begun(stand)
    one.doubt(question)
    one.resolve(question)
    one.doubts("a", message)
    assert (one.agents["a"].inbox.popleft().attempt, one.told) == (1, [])


def test_a_turn_that_fails_by_anything_else_than_the_doubt_uses_an_attempt(stand):
    one, message, question = begun(stand)
    one.doubt(question)
    one.fail("a", message)
    assert (one.kept["k"], one.told) == (1, [])


def test_a_task_that_waits_behind_a_doubt_is_cancelled_with_it(stand):
    one, message, question = begun(stand)
    one.doubt(question)
    one.doubts("a", message)
    assert (one.turns.cancel("k"), one.nobody.recycled) == (2, [])
    assert (one.store.counts().open_messages, one.told[-1].error) == (0, "StepInDoubt")
    one.ask("k", "a")
    assert one.told[-1].error == "RunCancelled"


def test_a_later_runtime_delivers_what_waited_behind_a_doubt_which_is_told_again(stand):
    first, message, question = begun(stand)
    first.doubt(question)
    first.doubts("a", message)
    one = stand(first.store)
    assert one.agents["a"].inbox.popleft().attempt == 1
    one.puts(message, 3)
    one.doubts("a", message)
    assert next(answer.error for agent, answer in one.answers if agent == "a") == "StepInDoubt"
    assert not one.agents["b"].inbox
    one.resolve(question)
    assert (one.take("a").message_id, one.take("b").message_id) == ("k", "a to b")
