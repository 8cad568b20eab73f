"""An answer is read as the model that the asker names, whichever way it asks."""

import asyncio

import pytest
from pydantic import BaseModel

import scr


class Sum(BaseModel):
    n: int = 0


class Adder(scr.Agent[Sum]):
    def on_task(self, ctx, message):
        self.state.n += message.payload.input
        return self.state


class Asker(scr.Agent):
    async def on_task(self, ctx, message):
        first = ctx.ask("adder", 1, output=Sum)
        second = await ctx.ask_async("adder", 1, output=Sum)
        return [first.n, second.n]


@pytest.fixture(scope="module")
def runtime():
    with scr.Runtime(quiet=True) as runtime:
        runtime.start_agent("adder", Adder)
        runtime.start_agent("asker", Asker)
        yield runtime


def test_every_way_to_ask_reads_the_answer_as_the_model(runtime):
    async def ask():
        submitted = await runtime.submit_async("adder", 0, output=Sum)
        return await submitted, await runtime.ask_async("adder", 0, output=Sum)

    submitted = runtime.submit("adder", 5, output=Sum)
    assert submitted.result() == runtime.attach(submitted.id, output=Sum).result()
    answers = [submitted.result(), runtime.ask("adder", 0, output=Sum), *asyncio.run(ask())]
    assert answers == [answers[0]] * 4
    assert isinstance(answers[0], Sum)
    assert runtime.ask("adder", 0) == {"n": answers[0].n}


def test_an_agent_reads_answers_as_the_model(runtime):
    first, second = runtime.ask("asker", {})
    assert second == first + 1


def test_an_answer_that_does_not_fit_is_refused_and_stays_to_be_had(runtime):
    submitted = runtime.submit("asker", {}, output=Sum)
    with pytest.raises(scr.InvalidMessage, match=f"Sum from task {submitted.id}"):
        submitted.result()
    assert len(runtime.attach(submitted.id).result()) == 2
