"""A monitor: one `down` message says that an agent has ended for good, and why."""

from __future__ import annotations

import os
import signal

from pydantic import BaseModel

import scr
from scr.messages import Down, Message, Task


def die(ctx: scr.Context, message: Task) -> None:
    """End by SIGKILL, as a crash in native code or the kernel's killer of large processes would."""
    os.kill(os.getpid(), signal.SIGKILL)


class Watcher(scr.Agent):
    """An agent that monitors another one, and answers with the reason of its end."""

    class State(BaseModel):
        """The task that waits for the end."""

        asked: str = ""

    state: State

    def on_task(self, ctx: scr.Context, message: Task) -> None:
        """Monitor the agent that the task names, and give it something to do.  Both happen when the turn commits."""
        self.state.asked = message.message_id
        ctx.monitor(message.payload.input)
        ctx.send("begin", to=message.payload.input)

    def on_message(self, ctx: scr.Context, message: Message) -> None:
        """Answer the task when the agent is down.  The failure of the message that was sent to it comes here, too."""
        if isinstance(message, Down):
            ended = f"{message.payload.agent} is down: {message.payload.reason}"
            answer = scr.ResultPayload(task_id=self.state.asked, output=ended)
            ctx.send(answer, to="client", in_reply_to=self.state.asked)


def main() -> None:
    """Watch an agent that is never restarted."""
    with scr.Runtime() as runtime:
        runtime.start_agent("fragile", die, restart="temporary", on_error="crash")
        runtime.start_agent("watcher", Watcher)
        print(runtime.ask("watcher", "fragile"))


if __name__ == "__main__":
    main()
