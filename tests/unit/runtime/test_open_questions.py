"""Whoever waits is answered exactly once."""

import asyncio

from scr.messages import Failure, FailurePayload, Ping, Result, ResultPayload, origin
from scr.runtime.dispatch.client_waits import Waits
from scr.turns.answer import Outcome
from tests.unit.runtime.asking import question, run, turn_of_the_loop


def answer(n=0):
    envelope = origin(message_id=f"r{n}", sender="b", to="a", at=0.0) | {"in_reply_to": f"q{n}"}
    return Result(payload=ResultPayload(task_id="t", output=n), **envelope)


def failure(reason):
    payload = FailurePayload(message_id="q0", agent="b", reason=reason, detail="why")
    return Failure(payload=payload, **origin(message_id="f", sender="runtime", to="a", at=0.0) | {"in_reply_to": "q0"})


def test_each_gets_its_own_answer_whatever_the_order():
    async def scenario(asking, asks):
        for n in range(3):
            asking.open(question(n), ref=n)
        for n in (2, 0, 1):
            assert asks.is_answer(answer(n))
            asks.answer(answer(n))

    assert [(frame.ref, frame.value) for _, _, frame in run(scenario).told] == [(2, 2), (0, 0), (1, 1)]


def test_a_failure_is_an_error_with_its_sentence():
    async def scenario(asking, asks):
        asking.open(question())
        asks.answer(failure("agent_gone"))

    ((_, _, told),) = run(scenario).told
    assert (told.value, told.error, told.detail, told.info) == (None, "AgentGone", "why", None)


def test_the_deadline_answers_once_and_what_comes_later_is_no_mail_and_is_dropped(monkeypatch):
    monkeypatch.setattr("scr.runtime.dispatch.open_questions.LATE_KEPT", 0)

    async def scenario(asking, asks):
        asking.open(question(), timeout_s=0.0)
        await turn_of_the_loop(lambda: asking.told)
        assert asks.is_answer(answer())
        assert not asks.expects("q0")
        asks.answer(answer())

    noted = run(scenario)
    assert (noted.answers, noted.closed, noted.steps) == (["AskTimedOut"], ["q0"], [])


def test_an_ask_that_nobody_could_have_answered_has_its_whole_time_again(monkeypatch):
    monkeypatch.setattr("scr.runtime.dispatch.open_questions.LATE_KEPT", 0)
    asked = []

    def held_up(within_s):
        asked.append(within_s)
        return len(asked) < 3

    async def scenario(asking, asks):
        asking.open(question(), timeout_s=0.01)
        await turn_of_the_loop(lambda: len(asked) == 2)
        assert (asking.told, asks.expects("q0")) == ([], True)
        await turn_of_the_loop(lambda: asking.told)

    noted = run(scenario, held_up=held_up)
    assert (noted.answers, noted.closed) == (["AskTimedOut"], ["q0"])
    assert asked == [0.01] * 3


def test_an_answer_that_nobody_asked_for_is_ordinary_mail():
    async def scenario(asking, asks):
        assert not asks.is_answer(answer())
        assert not asks.is_answer(Ping(**origin(message_id="p", sender="a", to="b", at=0.0)))

    noted = run(scenario)
    assert (noted.told, noted.closed) == ([], [])


def test_asking_again_with_the_same_message_waits_for_the_same_answer():
    async def scenario(asking, asks):
        assert asking.open(question(), incarnation=1, ref=7)
        assert not asking.open(question(), incarnation=2, ref=8)
        asks.answer(answer())

    noted = run(scenario)
    assert [(incarnation, frame.ref, frame.value) for _, incarnation, frame in noted.told] == [(2, 8, 0)]
    assert not noted.waiting.total(), "the process that died waits for nothing, and the next has its answer"


def test_a_turn_that_is_put_off_is_told_again_that_there_was_no_answer_and_one_that_failed_asks_anew():
    async def scenario(asking, asks):
        asking.open(question())
        asks.answer(failure("unanswered"))
        asks.failed("m0", is_put_off=True)
        assert not asking.open(question())
        asks.failed("m0", is_put_off=False)
        assert asking.open(question())

    assert run(scenario).answers == ["NotAnswered"] * 2


def test_the_step_that_an_answer_is_the_result_of_is_known_before_it_is_told():
    async def scenario(asking, asks):
        asking.open(question(1))
        (found,) = asks.answers_in([answer(0), answer(1), failure("refused")])
        assert (found.message_id, found.ask_id, found.asked_in) == ("r1", "q1", "m1")
        assert (found.step.name, found.step.value) == ("ask b", 1)

    noted = run(scenario)
    assert (noted.told, noted.closed) == ([], [])


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
