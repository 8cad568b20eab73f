"""Whoever waits is answered exactly once."""

import asyncio

from scr.messages import Failure, FailurePayload, Ping, Result, ResultPayload, origin
from scr.runtime.asks import Asks, Outcome


def question(n=0):
    return Ping(**origin(message_id=f"q{n}", sender="a", to="b", at=0.0))


def answer(n=0):
    envelope = origin(message_id=f"r{n}", sender="b", to="a", at=0.0) | {"in_reply_to": f"q{n}"}
    return Result(payload=ResultPayload(task_id="t", output=n), **envelope)


def failure(reason):
    payload = FailurePayload(message_id="q0", agent="b", reason=reason, detail="why")
    return Failure(payload=payload, **origin(message_id="f", sender="runtime", to="a", at=0.0) | {"in_reply_to": "q0"})


def run(scenario):
    async def main():
        told = []
        await scenario(Asks(asyncio.get_running_loop()), told)
        return told

    return asyncio.run(main())


def test_each_gets_its_own_answer_whatever_the_order():
    async def scenario(asks, told):
        for n in range(3):
            asks.open(question(n), 5.0, told.append)
        assert all(asks.answer(answer(n)) for n in (2, 0, 1))

    assert [outcome.output for outcome in run(scenario)] == [2, 0, 1]


def test_a_failure_is_an_error_with_its_sentence():
    async def scenario(asks, told):
        asks.open(question(), 5.0, told.append)
        assert asks.answer(failure("agent_gone"))

    assert run(scenario) == [Outcome(error="AgentGone", detail="why")]


def test_the_deadline_answers_and_what_comes_later_is_dropped():
    async def scenario(asks, told):
        asks.open(question(), 0.0, told.append)
        while not told:  # noqa: ASYNC110  the loop itself is what is waited for
            await asyncio.sleep(0)
        assert asks.answer(answer())

    assert [outcome.error for outcome in run(scenario)] == ["AskTimedOut"]


def test_an_answer_that_nobody_asked_for_is_ordinary_mail():
    async def scenario(asks, told):
        assert not asks.answer(answer())
        assert not asks.answer(question())

    assert run(scenario) == []


def test_asking_again_with_the_same_message_waits_for_the_same_answer():
    async def scenario(asks, told):
        dead = []
        assert asks.open(question(), 5.0, dead.append)
        assert not asks.open(question(), 5.0, told.append)
        asks.answer(answer())
        assert not dead

    assert [outcome.output for outcome in run(scenario)] == [0]
