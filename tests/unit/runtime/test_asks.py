"""Whoever waits is answered exactly once."""

import asyncio

from scr.messages import Failure, FailurePayload, Ping, Result, ResultPayload, origin
from scr.runtime.asks import Asks, Outcome
from scr.runtime.waits import Waits
from scr.store.records import OpenAsk


def question(n=0):
    return OpenAsk(f"q{n}", "a", f"m{n}", "ask b", 0.0)


def answer(n=0):
    envelope = origin(message_id=f"r{n}", sender="b", to="a", at=0.0) | {"in_reply_to": f"q{n}"}
    return Result(payload=ResultPayload(task_id="t", output=n), **envelope)


def failure(reason):
    payload = FailurePayload(message_id="q0", agent="b", reason=reason, detail="why")
    return Failure(payload=payload, **origin(message_id="f", sender="runtime", to="a", at=0.0) | {"in_reply_to": "q0"})


def run(scenario, held_up=lambda within_s: False):
    """What was told, and which asks expired."""

    async def main():
        told, expired = [], []
        await scenario(Asks(asyncio.get_running_loop(), expired.append, held_up), told)
        return told, expired

    return asyncio.run(main())


async def turn_of_the_loop(fact):
    while not fact():  # noqa: ASYNC110  the loop itself is what is waited for
        await asyncio.sleep(0)


def test_each_gets_its_own_answer_whatever_the_order():
    async def scenario(asks, told):
        for n in range(3):
            asks.open(question(n), "b", 5.0, told.append)
        for n in (2, 0, 1):
            assert asks.is_answer(answer(n))
            asks.answer(answer(n))

    assert [outcome.output for outcome in run(scenario)[0]] == [2, 0, 1]


def test_a_failure_is_an_error_with_its_sentence():
    async def scenario(asks, told):
        asks.open(question(), "b", 5.0, told.append)
        asks.answer(failure("agent_gone"))

    assert run(scenario)[0] == [Outcome(error="AgentGone", detail="why")]


def test_the_deadline_answers_once_and_what_comes_later_is_no_mail_and_is_dropped():
    async def scenario(asks, told):
        asks.open(question(), "b", 0.0, told.append)
        await turn_of_the_loop(lambda: told)
        assert asks.is_answer(answer())
        assert not asks.expects("q0")
        asks.answer(answer())

    told, expired = run(scenario)
    assert [outcome.error for outcome in told] == ["AskTimedOut"]
    assert expired == ["q0"]


def test_an_ask_that_nobody_could_have_answered_has_its_whole_time_again():
    asked = []

    def held_up(within_s):
        asked.append(within_s)
        return len(asked) < 3

    async def scenario(asks, told):
        asks.open(question(), "b", 0.01, told.append)
        await turn_of_the_loop(lambda: len(asked) == 2)
        assert (told, asks.expects("q0")) == ([], True)
        await turn_of_the_loop(lambda: told)

    told, expired = run(scenario, held_up)
    assert ([outcome.error for outcome in told], expired) == (["AskTimedOut"], ["q0"])
    assert asked == [0.01] * 3


def test_an_answer_that_nobody_asked_for_is_ordinary_mail():
    async def scenario(asks, told):
        assert not asks.is_answer(answer())
        assert not asks.is_answer(Ping(**origin(message_id="p", sender="a", to="b", at=0.0)))

    assert run(scenario) == ([], [])


def test_asking_again_with_the_same_message_waits_for_the_same_answer():
    async def scenario(asks, told):
        dead = []
        assert asks.open(question(), "b", 5.0, dead.append)
        assert not asks.open(question(), "b", 5.0, told.append)
        asks.answer(answer())
        assert not dead

    assert [outcome.output for outcome in run(scenario)[0]] == [0]


def test_the_step_that_an_answer_is_the_result_of_is_known_before_it_is_told():
    async def scenario(asks, told):
        asks.open(question(1), "b", 5.0, told.append)
        (found,) = asks.answers_in([answer(0), answer(1), failure("refused")])
        assert (found.message_id, found.ask_id, found.asked_in) == ("r1", "q1", "m1")
        assert (found.step.name, found.step.value) == ("ask b", 1)

    assert run(scenario) == ([], [])


def test_any_number_of_clients_wait_for_one_message_each_with_its_own_deadline():
    async def main():
        waits, told = Waits(asyncio.get_running_loop()), {1: [], 2: [], 3: []}
        for n, timeout_s in ((1, 0.0), (2, 5.0), (3, 5.0)):
            waits.listen(waits.begin("q0", "b", timeout_s, told[n].append))
        await turn_of_the_loop(lambda: told[1])
        waits.answer(answer())
        waits.answer(answer())
        return {n: [outcome.error or outcome.output for outcome in outcomes] for n, outcomes in told.items()}

    assert asyncio.run(main()) == {1: ["AskTimedOut"], 2: [0], 3: [0]}


def test_a_client_is_not_told_the_answer_to_a_message_that_is_not_known_to_be_its_own():
    async def main():
        waits, told = Waits(asyncio.get_running_loop()), {"own": [], "unjudged": [], "late": []}
        waits.listen(waits.begin("q0", "b", 5.0, told["own"].append))
        unjudged = waits.begin("q0", "b", 5.0, told["unjudged"].append)
        late = waits.begin("q0", "b", 0.0, told["late"].append)
        await turn_of_the_loop(lambda: told["late"])
        waits.answer(answer())
        waits.listen(late)
        waits.end(unjudged, Outcome(error="InvalidMessage"))
        waits.end(unjudged, Outcome(error="AskTimedOut"))
        assert not waits._waiting
        return {n: [outcome.error or outcome.output for outcome in outcomes] for n, outcomes in told.items()}

    assert asyncio.run(main()) == {"own": [0], "unjudged": ["InvalidMessage"], "late": ["AskTimedOut"]}
