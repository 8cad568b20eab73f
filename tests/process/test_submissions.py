"""What a program submits, and what it gets to hear of it."""

import asyncio
import os

import pytest

import scr
from scr.errors import AskTimedOut, InvalidInput, RunCancelled
from tests.conftest import until


def answers(ctx, message):
    return {"got": message.payload.input, "key": ctx.message.message_id}


def holds(ctx, message):
    folder = message.payload.input
    ctx.step("note", lambda: open(f"{folder}/holding", "w").close())
    until(lambda: os.path.exists(f"{folder}/go"))
    return "gone"


class Chief(scr.Agent):
    def on_task(self, ctx, message):
        for n in range(3):
            ctx.send(message.payload.input, to=f"holds-{n}")

    def on_result(self, ctx, message):
        raise AssertionError("what was cancelled has no result")


@pytest.fixture
def team(story):
    story.runtime.start_agent("answers", answers)
    story.runtime.start_agent("chief", Chief)
    for n in range(3):
        story.runtime.start_agent(f"holds-{n}", holds, shutdown_s=0.0)
    return story


def test_a_key_of_ones_own_is_done_once_and_its_answer_is_there_for_whoever_asks(team):
    first = team.runtime.submit("answers", 1, key="mine")
    assert first.result(10) == {"got": 1, "key": "mine"}
    assert team.runtime.submit("answers", 1, key="mine").result(10) == {"got": 1, "key": "mine"}
    assert team.runtime.attach("mine").result(10) == {"got": 1, "key": "mine"}
    assert len(team.events("turn_committed", agent="answers")) == 1
    with pytest.raises(InvalidInput, match="'yours'"):
        team.runtime.attach("yours").result(10)


def test_an_answer_may_be_waited_for_again_after_a_wait_that_was_too_short(team, tmp_path):
    submitted = team.runtime.submit("holds-0", str(tmp_path))
    with pytest.raises(AskTimedOut):
        submitted.result(0.05)
    (tmp_path / "go").touch()
    assert submitted.result(10) == "gone"


def test_events_tell_of_a_submission_and_of_what_grew_out_of_it_alone_and_end_with_its_answer(team, tmp_path):
    (tmp_path / "go").touch()
    team.runtime.ask("answers", "somebody else's")
    submitted = team.runtime.submit("holds-1", str(tmp_path))
    assert submitted.result(10) == "gone"
    kinds = [record.event.kind for record in submitted.events()]
    assert kinds == ["message_accepted", "message_delivered", "step_recorded", "turn_committed"]


def test_a_cancelled_submission_takes_along_all_that_grew_out_of_it_and_nothing_else(team, tmp_path):
    submitted = team.runtime.submit("chief", str(tmp_path))
    for n in range(3):
        team.until("step_recorded", agent=f"holds-{n}")
    waiting = team.runtime.submit("holds-2", str(tmp_path))
    assert submitted.cancel() == 3
    with pytest.raises(RunCancelled):
        team.runtime.attach(submitted.id).result(10)
    (tmp_path / "go").touch()
    assert waiting.result(10) == "gone"
    assert team.runtime.status().open_messages == 0
    assert len(team.events("message_cancelled")) == 3


def test_programs_with_an_event_loop_await(tmp_path):
    async def main():
        async with scr.Runtime() as runtime:
            await asyncio.to_thread(runtime.start_agent, "answers", answers)
            submitted = [await runtime.submit_async("answers", n) for n in range(3)]
            together = await asyncio.gather(*submitted)
            return [answer["got"] for answer in together], (await runtime.ask_async("answers", 7))["got"]

    assert asyncio.run(main()) == ([0, 1, 2], 7)
