"""Answers, doubts and timers as a program meets them, with real agents that are really killed."""

import asyncio
import os
import signal
import sqlite3

import pytest
from pydantic import BaseModel

import scr
from scr.errors import NotAnswered, UnknownAgent
from tests.conftest import until
from tests.process.conftest import Story


def parse(ctx, message):
    ctx.send(message.payload.input * 2, to="store")
    return "ok"


def store(ctx, message):
    return f"stored {message.payload.input}"


def hopeful(ctx, message):
    ctx.send({"n": 1}, to="hopefull")
    return "ok"


class Forgets(scr.Agent):
    class State(BaseModel):
        handled: int = 0

    def on_task(self, ctx, message):
        self.state.handled += 1


class Counts(scr.Agent):
    async def on_task(self, ctx, message):
        return {"double": message.payload.input * 2}


def asks(ctx, message):
    try:
        return ctx.ask(message.payload.input, 1)
    except scr.ScrError as error:
        return f"{type(error).__name__}: {error}"


def dies():
    os.kill(os.getpid(), signal.SIGKILL)


class Payer(scr.Agent):
    def on_task(self, ctx, message):
        return ctx.step_once("pay", dies)


class Timed(scr.Agent):
    """Ticks from its start on; tells how often it has, and in which incarnations."""

    class State(BaseModel):
        ticks: list[int] = []

    def on_start(self, ctx):
        ctx.timer("tick", every_s=self.options["every_s"])

    def on_timer(self, ctx, message):
        assert message.payload.name == "tick"
        self.state.ticks.append(ctx.incarnation)

    def on_task(self, ctx, message):
        if message.payload.input == "stop":
            ctx.cancel_timer("tick")
        return self.state.ticks


def test_results_and_failures_of_what_a_function_sent_are_dropped_with_a_line_and_cause_nothing(story):
    for name, code in (("parse", parse), ("store", store), ("hopeful", hopeful)):
        story.runtime.start_agent(name, code)
    assert [story.runtime.ask("parse", 21), story.runtime.ask("hopeful", 1)] == ["ok", "ok"]
    assert story.until("logged", agent="parse").text.startswith("dropped a result from store; ")
    assert "did you mean 'hopeful'?" in story.until("logged", agent="hopeful").text
    until(lambda: not story.runtime.status().open_messages)
    assert story.runtime.status().dead_letters == 1
    assert not story.events("turn_failed")


def test_a_returned_value_is_the_answer_and_a_task_without_one_is_told_so_at_the_commit(story):
    for name, code in (("counts", Counts), ("forgets", Forgets), ("asks", asks)):
        story.runtime.start_agent(name, code)
    assert story.runtime.ask("counts", 21) == {"double": 42}
    waits = (
        lambda: story.runtime.ask("forgets", 1, timeout_s=600),
        lambda: story.runtime.submit("forgets", 1).result(),
        lambda: asyncio.run(story.runtime.ask_async("forgets", 1, timeout_s=600)),
    )
    for wait in waits:
        with pytest.raises(NotAnswered, match="forgets handled the task and gave no answer: return a value"):
            wait()
    assert story.runtime.ask("asks", "forgets").startswith("NotAnswered: forgets handled")
    assert story.runtime.ask("asks", "forgts").startswith("UnknownAgent: there is no agent 'forgts'; did you mean 'fo")
    with pytest.raises(UnknownAgent, match="did you mean 'counts'"):
        story.runtime.ask("count", 1)


def test_who_asks_for_a_payment_in_doubt_is_told_in_every_way_of_asking_and_has_the_answer_once_it_is_settled(tmp_path):
    place = {"store": f"sqlite:///{tmp_path}/shop.db", "run": "shop"}
    with scr.Runtime(**place) as runtime:
        runtime.start_agent("payer", Payer)
        runtime.start_agent("asks", asks)
        with pytest.raises(scr.StepInDoubt, match="step 'pay' of payer is in doubt: it had begun, and it has no `rec"):
            runtime.ask("payer", 1, key="bill", timeout_s=600)
        assert runtime.ask("asks", "payer").startswith("StepInDoubt: step 'pay' of payer is in doubt")
    with scr.Runtime(**place) as runtime:
        told = r"it had begun, and it has no `reconcile`.*`scr resolve shop bill --store \S+shop.db --done JSON`"
        waits = (
            lambda: runtime.ask("payer", 1, key="bill", timeout_s=600),
            lambda: runtime.submit("payer", 1, key="bill").result(),
            lambda: asyncio.run(runtime.attach("bill").result_async()),
        )
        for wait in waits:
            with pytest.raises(scr.StepInDoubt, match=told):
                wait()
        runtime.resolve("bill", is_done=True, value="paid")
        assert runtime.attach("bill").result(20) == "paid"


def test_an_order_waits_with_the_payment_that_it_asked_for_and_answers_once_that_is_settled(tmp_path):
    place = {"store": f"sqlite:///{tmp_path}/shop.db", "run": "shop"}
    with scr.Runtime(**place) as runtime:
        runtime.start_agent("payer", Payer)
        runtime.start_agent("boss", lambda ctx, message: {"order": ctx.ask("payer", 1)}, retry=scr.Retry(attempts=1))
        with pytest.raises(scr.StepInDoubt, match=r"step 'pay' of payer is in doubt: .*scr resolve shop ") as told:
            runtime.ask("boss", 1, key="order", timeout_s=600)
    question = str(told.value).partition("scr resolve shop ")[2].split()[0]
    with scr.Runtime(**place) as runtime:
        with pytest.raises(scr.StepInDoubt):
            runtime.ask("boss", 1, key="order", timeout_s=600)
        runtime.resolve(question, is_done=True, value="paid")
        assert runtime.ask("boss", 1, key="order", timeout_s=600) == {"order": "paid"}


def test_a_timer_of_a_start_ticks_on_over_kills_of_its_agent_and_over_a_runtime_that_is_started_again(tmp_path):
    story = Story(store=f"sqlite:///{tmp_path}/clock.db")
    with story.runtime as runtime:
        runtime.start_agent("clock", Timed, options={"every_s": 0.05})
        until(lambda: len(runtime.ask("clock", None)) >= 2)
        os.kill(story.pid("clock"), signal.SIGKILL)
        until(lambda: runtime.ask("clock", None).count(2) >= 2)
        os.kill(runtime.pid, signal.SIGKILL)
        story.until("runtime_up", count=2)
        until(lambda: runtime.ask("clock", None)[-1] > 2)
        before = runtime.ask("clock", "stop")
        os.kill(story.pid("clock"), signal.SIGKILL)
        until(lambda: runtime.ask("clock", None)[-1] > before[-1])
    with sqlite3.connect(tmp_path / "clock.db") as database:
        assert database.execute("SELECT count(*) FROM timers WHERE end_seq IS NULL").fetchone() == (1,)
