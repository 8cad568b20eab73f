"""`ctx.stream`, between the real loop of an agent and a runtime that is played by hand."""

import asyncio
import threading

import pytest

from scr.agent.agent import Agent
from scr.messages import Result, ResultPayload, Task, TaskPayload, origin
from scr.protocol.frames import Answer, Commit, Deliver, Exiting, FailTurn, Halt, Stream


def streams(ctx, message):
    for chunk in message.payload.input:
        ctx.stream(chunk)


async def streams_async(ctx, message):
    for chunk in message.payload.input:
        await asyncio.sleep(0)
        ctx.stream(chunk)


def streams_in_a_step(ctx, message):
    def call():
        streams(ctx, message)

    ctx.step.using(key="call")("call", call)


@pytest.mark.parametrize("handler", [streams, streams_async])
def test_chunks_leave_before_the_turn_commits_numbered_within_their_delivery(play, handler):
    runtime = play(handler)
    runtime.deliver(["a", {"b": [1]}, None], deliveries=3)
    heard = [runtime.hear(Stream) for _ in range(3)]
    assert [(chunk.delivery, chunk.number, chunk.data) for chunk in heard] == [
        (3, 0, "a"),
        (3, 1, {"b": [1]}),
        (3, 2, None),
    ]
    assert {chunk.message_id for chunk in heard} == {"m"}
    runtime.hear(Commit)


def test_a_step_streams_while_it_runs(play):
    runtime = play(streams_in_a_step)
    runtime.deliver(["token"])
    assert runtime.hear(Stream).data == "token"
    runtime.keep()
    runtime.hear(Commit)


def test_chunks_of_several_threads_leave_in_the_order_of_their_numbers(play):
    def handler(ctx, message):
        threads = [threading.Thread(target=lambda: [ctx.stream(n) for n in range(100)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    runtime = play(handler)
    runtime.deliver()
    assert [runtime.hear(Stream).number for _ in range(400)] == list(range(400))
    runtime.hear(Commit)


@pytest.mark.parametrize(
    ("chunk", "complaint"),
    [
        ({1, 2}, "a chunk must be JSON"),
        (float("nan"), "a chunk must be JSON"),
        ("\ud800", "a chunk must be JSON"),
        ("x" * 100_000, "a chunk is 100002 bytes as JSON, and 61440 can be handed on"),
    ],
)
def test_what_no_frame_can_carry_is_refused_in_the_turn(play, chunk, complaint):
    runtime = play(lambda ctx, message: ctx.stream(chunk), retries=True, max_frame_bytes=64 << 10)
    runtime.deliver()
    failed = runtime.hear(FailTurn)
    assert (failed.error_type, complaint in failed.message) == ("InvalidMessage", True), failed.message


def test_only_a_task_of_another_can_be_streamed_to(play):
    class Streams(Agent):
        def on_message(self, ctx, message):
            ctx.stream("x")

    runtime = play(Streams, retries=True)
    envelope = origin(message_id="m", sender="me", to="me", at=0.0)
    for message, complaint in [
        (Task(payload=TaskPayload(task_id="t"), **envelope), "the message in hand is a task of this agent itself"),
        (Result(payload=ResultPayload(task_id="t"), **envelope | {"sender": "a"}), "the message in hand is a result;"),
    ]:
        runtime.say(Deliver(message=message))
        failed = runtime.hear(FailTurn)
        assert complaint in failed.message
        runtime.say(Answer(ref=failed.ref))


def test_a_replay_streams_nothing(play):
    runtime = play(streams)
    runtime.deliver(["a"], replay=True)
    runtime.hear(Commit)


def test_what_runs_on_after_its_turn_cannot_stream_in_its_name(play):
    said = []

    class Lingers(Agent):
        def on_task(self, ctx, message):
            self.ctx = ctx

        def on_stop(self, ctx):
            for stale in (self.ctx, ctx):
                with pytest.raises(Exception, match="cannot stream") as caught:
                    stale.stream("late")
                said.append(str(caught.value))

    runtime = play(Lingers)
    runtime.deliver()
    runtime.hear(Commit)
    runtime.say(Halt())
    assert runtime.hear(Exiting).reason == "shutdown"
    assert "the turn of m is over" in said[0]
    assert "only the handler of a message is a turn" in said[1]
