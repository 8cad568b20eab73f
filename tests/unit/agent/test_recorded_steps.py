"""Recorded steps that do not go along with their message are read when they are needed."""

import asyncio
import select

import pytest

from scr.agent import runtime_link
from scr.protocol.frames import Answer, Ask, Commit, Exiting, ReadStep, ReadSteps, StepRecord


def recorded(name, value=None, **fields):
    return StepRecord(name=name, value=value, **fields)


def never():
    raise AssertionError("it is recorded")


def give(runtime, frame, value):
    runtime.say(Answer(ref=frame.ref, value=value))


def test_the_steps_that_did_not_go_along_are_read_page_by_page_before_the_handler_runs(play):
    runtime = play(lambda ctx, message: [ctx.step(name, never) for name in "abc"])
    runtime.deliver(None, recorded("a", 1), more=True, deliveries=2)
    for after, page in ((1, [recorded("b", 2)]), (2, [recorded("c", 3)]), (3, [])):
        frame = runtime.hear(ReadSteps)
        assert (frame.message_id, frame.after) == ("m", after)
        give(runtime, frame, [step.model_dump() for step in page])
    assert runtime.hear(Commit).sends[0].payload.output == [1, 2, 3]


def steps_and_asks(ctx, message):
    return [ctx.step("large", never), ctx.ask("b", None), ctx.step_once("once", never)]


async def steps_and_asks_async(ctx, message):
    async def step():
        never()

    return [
        await ctx.step_async("large", step),
        await ctx.ask_async("b", None),
        await ctx.step_once_async("once", step),
    ]


@pytest.mark.parametrize("handler", [steps_and_asks, steps_and_asks_async])
def test_a_result_that_was_left_out_is_read_when_the_step_is_come_to(play, handler):
    runtime = play(handler)
    left_out = [recorded(name, later=True) for name in ("large", "ask b", "once", "never asked for")]
    runtime.deliver(None, *left_out, deliveries=2)
    for name in ("large", "ask b", "once"):
        frame = runtime.hear(ReadStep)
        assert (frame.message_id, frame.name) == ("m", name)
        give(runtime, frame, name.upper())
    assert runtime.hear(Commit).sends[0].payload.output == ["LARGE", "ASK B", "ONCE"]


def test_a_result_that_cannot_be_given_ends_the_turn_with_its_reason(play):
    runtime = play(lambda ctx, message: ctx.step("large", never))
    runtime.deliver(None, recorded("large", later=True), deliveries=2)
    runtime.say(Answer(ref=runtime.hear(ReadStep).ref, error="FrameTooLarge", detail="so many bytes"))
    assert runtime.hear(Exiting).message == "so many bytes"


def test_what_is_read_in_between_leaves_no_other_task_waiting_for_it(play, monkeypatch):
    """The loop has been told that there is something to read; by the time it looks, the step has read it."""
    monkeypatch.setattr(runtime_link, "FRAME_S", 60.0)

    async def handler(ctx, message):
        asked = asyncio.create_task(ctx.ask_async("b", None))
        await asyncio.sleep(0)
        assert select.select([ctx._link.fileno()], [], [], 5.0)[0]
        await asyncio.sleep(0)
        return [await ctx.step_async("large", never), await asked]

    runtime = play(handler)
    runtime.deliver(None, recorded("large", later=True), deliveries=2)
    give(runtime, runtime.hear(Ask), "answer")
    give(runtime, runtime.hear(ReadStep), "value")
    assert runtime.hear(Commit).sends[0].payload.output == ["value", "answer"]
