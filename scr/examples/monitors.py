"""A monitor: one `down` message says that an agent has ended for good, and why."""

from __future__ import annotations

import os
import signal

from pydantic import BaseModel

import scr


def die(ctx: scr.Context, message: scr.Task) -> None:
    """End by SIGKILL, as a crash in native code or the kernel's killer of large processes would."""
    os.kill(os.getpid(), signal.SIGKILL)


class Waiting(BaseModel):
    """The state: the id of the task that waits for the end."""

    asked: str = ""


class Watcher(scr.Agent[Waiting]):
    """An agent that monitors another one, and answers with the reason of its end."""

    def on_task(self, ctx: scr.Context, message: scr.Task) -> None:
        """Monitor the agent that the task names, and give it something to do.  Both happen when the turn commits."""
        self.state.asked = message.message_id
        watched = str(message.payload.input)
        ctx.monitor(watched)
        ctx.send("begin", to=watched)

    def on_message(self, ctx: scr.Context, message: scr.Message) -> None:
        """Answer the task when the agent is down.  The failure of the message that was sent to it comes here, too."""
        if isinstance(message, scr.Down):
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
