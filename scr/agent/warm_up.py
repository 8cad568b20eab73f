"""One made-up life, played by a process that waits to become an agent.

A forked process shares the zygote's memory until it writes to it; whatever it
does for the first time costs page faults.  A standby has the time to do
everything once before it matters.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from functools import partial

from pydantic import BaseModel

from scr.agent.agent import Agent
from scr.agent.context import Context
from scr.agent.loop import Loop
from scr.messages import Task, TaskPayload, origin
from scr.protocol.channel import BlockingChannel
from scr.protocol.frames import FROM_RUNTIME, Answer, Become, Deliver, FromRuntime, Halt
from scr.protocol.framing import pack
from scr.specs import Code
from scr.values import Frozen

LIMIT_BYTES = 1 << 16


class WarmUpAgent(Agent):
    """Does a little of everything."""

    class State(BaseModel):
        """One number."""

        count: int = 0

    state: State

    def on_task(self, ctx: Context, message: Task) -> None:
        """A task."""
        self.state.count += 1
        ctx.step("step", CUES.pop())
        ctx.log("line")
        ctx.send({"n": 1}, to="nobody")
        ctx.reply(message.payload.input)


CUES: list[Callable[[], None]] = []
"""Has the play go on: an answer is not heard before its question."""

OPENING = (
    Become(agent="rehearsal", incarnation=1, code=Code(reference="scr.agent.warm_up:WarmUpAgent")),
    Deliver(
        message=Task(
            payload=TaskPayload(task_id="rehearsal", input={"text": "x", "number": 1}),
            **origin(message_id="rehearsal", sender="nobody", to="rehearsal", at=0.0),
        )
    ),
)
REST = (Answer(ref=1), Halt())


def rehearse() -> None:
    """Live once, on a channel that leads nowhere.  Called in a blank process, once, while it waits."""
    build(Frozen)
    here, there = socket.socketpair()
    with here, there:
        there.sendall(packed(OPENING))
        CUES.append(partial(there.sendall, packed(REST)))
        channel = BlockingChannel(here, FROM_RUNTIME)
        first = channel.receive(1.0)
        assert isinstance(first, Become)
        Loop(channel, first).run()


def build(model: type[BaseModel]) -> None:
    """Build the validators of all values of this kind, which would else be built at their first use."""
    for kind in model.__subclasses__():
        kind.model_rebuild()
        build(kind)


def packed(frames: Sequence[FromRuntime]) -> bytes:
    """As they come over the channel."""
    return b"".join(pack(frame.model_dump_json().encode(), LIMIT_BYTES) for frame in frames)
