"""Who waits for an answer that does not come is told why, at once: there is none, or it waits for a person."""

import asyncio
from functools import partial

import pytest

from scr.messages import CLIENT, Result, ResultPayload, Task, TaskPayload, Tick, TimerPayload, follow, origin
from scr.protocol.frames import Answer, Ask, Commit, FailTurn, InDoubt, StepBegun
from scr.runtime.dispatch.failures import parked
from scr.runtime.dispatch.turns import Turns
from scr.runtime.recovery import restore
from scr.step_names import question_id
from scr.store.memory import MemoryStore
from scr.telemetry.sinks import EventLog
from tests.contract.store_harness import dead_in
from tests.unit.runtime.test_turn_machine import TREE, Agent, Nobody

DOUBT = "step 'pay' of b is in doubt: no word of the bank; the task waits for a person: `scr doubts` lists it, "


class Stand:
    """A runtime whose agents a and b are played by hand; `told` are the ends of the waits of clients."""

    def __init__(self, loop, store):
        self.loop, self.store, self.told, self.answers = loop, store, [], []
        self.nobody = nobody = Nobody(lambda agent, _, frame: self.answers.append((agent, frame)))
        events = EventLog(lambda: (0.0, 0.0), 100, store.append)
        self.turns = Turns(loop, store, events, nobody, nobody, memory=None, run="shop")
        for spec in TREE.children:
            store.admit(spec, "root", 1)
        restore(store.present(), self.turns, None, TREE)
        self.agents = {name: Agent(1) for name in "ab"}
        for name, agent in self.agents.items():
            self.turns.up(name, 1, agent)

    def ask(self, key, to):
        message = Task(payload=TaskPayload(task_id="t"), **origin(message_id=key, sender=CLIENT, to=to, at=0.0))
        self.turns.post.ask(message, 60.0, self.told.append, again=True)

    def send(self, key, to):
        message = Task(payload=TaskPayload(task_id="t"), **origin(message_id=key, sender=CLIENT, to=to, at=0.0))
        self.turns.post.submit(message, lambda: None, partial(pytest.fail, "refused"), again=False)

    def take(self, agent):
        """The message that the agent has in hand now."""
        return self.agents[agent].inbox.popleft().message

    def say(self, agent, frame):
        self.turns.receive_frame(agent, self.agents[agent].incarnation, frame)

    def commit(self, agent, message, *sends, **fields):
        self.say(agent, Commit(message_id=message.message_id, sends=sends, **fields))

    def asks(self, message, attempt=1):
        """Agent a asks b in the turn of this message."""
        asked = question_id("q", attempt, attempt)
        question = Task(
            payload=TaskPayload(task_id="q"), **follow(message, 0, sender="a", to="b", at=0.0) | {"message_id": asked}
        )
        frame = Ask(ref=attempt, message_id=message.message_id, step="ask b", message=question, timeout_s=60.0)
        self.say("a", frame)

    def doubt(self, message):
        self.say("b", StepBegun(ref=9, message_id=message.message_id, name="pay"))
        self.say("b", InDoubt(message_id=message.message_id, step="pay", detail="no word of the bank"))

    def reply(self, message, output):
        envelope = follow(message, 0, sender=message.to, to=message.sender, at=0.0, in_reply_to=message.message_id)
        return Result(payload=ResultPayload(task_id="t", output=output), **envelope)


@pytest.fixture
def stand():
    """One runtime; the time of its loop stands still."""
    loop = asyncio.new_event_loop()
    yield partial(Stand, loop)
    loop.close()


def test_a_client_whose_task_has_no_answer_is_told_so_at_the_commit_and_whenever_it_asks_again(stand):
    one = stand(MemoryStore())
    one.ask("k", "a")
    one.commit("a", one.take("a"), unanswered=True)
    one.ask("k", "a")
    assert [outcome.error for outcome in one.told] == ["NotAnswered"] * 2
    assert one.told[0].detail.startswith("a handled the task and gave no answer: return a value from its handler")
    assert (one.store.counts().open_messages, one.store.counts().dead_letters) == (0, 0)
    assert not one.agents["a"].inbox


def test_an_agent_that_asks_is_told_so_and_the_ask_is_over(stand):
    one = stand(MemoryStore())
    one.send("k", "a")
    message = one.take("a")
    one.asks(message)
    one.commit("b", one.take("b"), unanswered=True)
    one.asks(message)  # as after a death: the question has its outcome, and is not asked a second time
    assert [(agent, answer.ref, answer.error) for agent, answer in one.answers] == [("a", 1, "NotAnswered")] * 2
    assert (one.store.present().asks, len(one.agents["b"].inbox)) == ((), 0)


def test_a_task_that_an_agent_only_sends_needs_no_answer(stand):
    one = stand(MemoryStore())
    one.send("k", "a")
    message = one.take("a")
    sent = Task(payload=TaskPayload(task_id="s"), **follow(message, 0, sender="a", to="b", at=0.0))
    one.commit("a", message, sent)
    one.commit("b", one.take("b"), unanswered=True)
    assert not one.agents["a"].inbox
    assert one.store.counts().open_messages == 0


def test_a_client_whose_task_is_in_doubt_is_told_the_step_and_the_remedy_and_has_the_answer_once_it_is_settled(stand):
    one = stand(MemoryStore())
    one.ask("k", "b")
    one.doubt(one.take("b"))
    one.ask("k", "b")
    assert [outcome.error for outcome in one.told] == ["StepInDoubt"] * 2
    assert one.told[0].detail == f"{DOUBT}Runtime.resolve('k', is_done=...) settles it; then ask again"
    one.turns.parked.resolve("k", "paid", is_done=True, then=lambda: None)
    one.ask("k", "b")
    message = one.take("b")
    one.commit("b", message, one.reply(message, "paid"))
    one.ask("k", "b")
    assert [outcome.output for outcome in one.told[2:]] == ["paid", "paid"]


def test_a_doubt_that_an_earlier_runtime_has_left_is_told_at_once_too(stand):
    first = stand(MemoryStore())
    first.send("k", "b")
    first.doubt(first.take("b"))
    one = stand(first.store)
    one.ask("k", "b")
    ((outcome),) = one.told
    assert (outcome.error, outcome.detail.startswith(DOUBT)) == ("StepInDoubt", True)


def test_a_client_is_told_of_the_doubt_also_while_the_agent_is_down_to_stay(stand):
    one = stand(MemoryStore())
    one.ask("k", "b")
    one.doubt(one.take("b"))
    one.turns.router.leave("b", parked("b", "by hand"))
    one.ask("k", "b")
    assert [outcome.error for outcome in one.told] == ["StepInDoubt"] * 2


def test_a_store_that_others_can_open_is_settled_by_a_command_that_names_run_message_and_store(stand, monkeypatch):
    store = MemoryStore()
    status = store.status().model_copy(update={"url": "sqlite:////my files/work.db"})
    monkeypatch.setattr(store, "status", lambda: status)
    one = stand(store)
    one.ask("k", "b")
    one.doubt(one.take("b"))
    command = "`scr resolve shop k --store 'sqlite:////my files/work.db' --done JSON` (or --not-done)"
    assert one.told[0].detail == f"{DOUBT}{command} or Runtime.resolve('k', is_done=...) settles it; then ask again"


def test_an_agent_that_asks_is_told_of_the_doubt_and_no_later_try_of_its_turn_asks_a_second_time(stand):
    one = stand(MemoryStore())
    one.send("k", "a")
    message = one.take("a")
    one.asks(message)
    question = one.take("b")
    one.doubt(question)
    for attempt in (1, 2, 3):
        one.asks(message, attempt)
    told = [answer for agent, answer in one.answers if agent == "a"]
    assert [(answer.ref, answer.error) for answer in told] == [(n, "StepInDoubt") for n in (1, 1, 2, 3)]
    assert not one.agents["b"].inbox
    one.turns.parked.resolve(question.message_id, "paid", is_done=True, then=lambda: None)
    one.asks(message, 4)
    assert one.take("b").message_id == question.message_id
    one.commit("b", question, one.reply(question, "paid"))
    assert one.answers[-1] == ("a", Answer(ref=4, value="paid"))
    assert not one.agents["b"].inbox


def test_an_answer_that_comes_after_the_doubt_is_settled_is_a_step_of_a_turn_that_is_tried_again(stand):
    one = stand(MemoryStore())
    one.send("k", "a")
    message = one.take("a")
    one.asks(message)
    question = one.take("b")
    one.doubt(question)
    one.say("a", FailTurn(ref=5, message_id="k", names=("scr.errors.StepInDoubt",), error_type="StepInDoubt"))
    one.turns.parked.resolve(question.message_id, "paid", is_done=True, then=lambda: None)
    one.commit("b", one.take("b"), one.reply(question, "paid"))
    (kept,) = one.store.present().mail
    assert [(step.name, step.value) for step in kept.steps] == [("ask b", "paid")]


def test_a_tick_that_waits_when_its_agent_is_stopped_for_good_is_no_dead_letter(stand):
    one = stand(MemoryStore())
    payload = TimerPayload(name="tick", every_s=1.0)
    tick = Tick(payload=payload, **origin(message_id="tick", sender="a", to="a", at=0.0))
    one.turns.post.accept(tick)
    one.send("k", "a")
    held, _ = one.turns.close("a")
    assert sorted(pending.message.message_id for pending in held) == ["k", "tick"]
    one.turns.bury(held, "a ended for good")
    assert [letter.message.message_id for letter in dead_in(one.store)] == ["k"]
    assert one.store.counts().open_messages == 0
