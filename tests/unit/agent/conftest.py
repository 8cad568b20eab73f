"""The real loop of an agent in a thread, and a runtime at the other end of its channel that a test plays by hand."""

import asyncio
import socket
import threading

import pytest

from scr.agent import async_handlers, loop
from scr.agent.loop import Loop
from scr.messages import Task, TaskPayload, origin
from scr.protocol.channel import BlockingChannel
from scr.protocol.frames import FROM_AGENT, FROM_RUNTIME, Answer, Become, Deliver, Ready, StepDone
from scr.protocol.framing import pack
from scr.specs import Code

LIMIT_S = 5.0


def task(given=None, message_id="m"):
    return Task(
        payload=TaskPayload(task_id="t", input=given),
        **origin(message_id=message_id, sender="boss", to="me", at=0.0, run_id="r"),
    )


class Played:
    """A runtime with one agent.  It says what it is told to, and hears what the agent says, in order."""

    def __init__(self, state=None, **become):
        self._agents, ours = socket.socketpair()
        self._channel = BlockingChannel(ours, FROM_AGENT)
        become = Become(agent="me", incarnation=1, code=Code(reference="any:Thing"), state=state, **become)
        life = Loop(BlockingChannel(self._agents, FROM_RUNTIME), become)
        self.exit_codes = []
        self._thread = threading.Thread(target=lambda: self.exit_codes.append(life.run()), name="agent")
        self._thread.start()

    def deliver(self, given=None, *steps, message_id="m", **fields):
        self.say(Deliver(message=task(given, message_id), steps=steps, **fields))

    def say(self, *frames):
        for frame in frames:
            self._channel.send(frame)

    def say_together(self, *frames):
        """All in one piece, as answers come after a commit of many turns."""
        data = b"".join(pack(frame.model_dump_json().encode(), 1 << 20) for frame in frames)
        self._channel._end.write_all(data)

    def hear(self, kind):
        frame = self._channel.receive(LIMIT_S)
        assert isinstance(frame, kind), frame
        return frame

    def keep(self, kind=StepDone):
        """Hear what is to be kept, and answer that it is in the store."""
        frame = self.hear(kind)
        self.say(Answer(ref=frame.ref))
        return frame

    def close(self):
        """The runtime is gone; the exit code of the agent that it leaves."""
        self._channel.close()
        self._thread.join(LIMIT_S)
        self._agents.close()
        return self.exit_codes[0]


@pytest.fixture
def play(monkeypatch):
    """Start the loop of an agent of this class, or of this function; it is up when this returns."""
    played = []

    def start(thing, *, up=True, **become):
        monkeypatch.setattr(loop, "open_code", lambda code: thing)
        played.append(Played(**become))
        if up:
            played[-1].hear(Ready)
        return played[-1]

    with asyncio.Runner() as runner:
        monkeypatch.setattr(async_handlers, "RUNNER", runner)
        yield start
        for runtime in played:
            runtime.close()
