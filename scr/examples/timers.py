"""A timer that outlives its process: the clock is killed at its second tick, and the ticks go on."""

from __future__ import annotations

import os
import signal

from pydantic import BaseModel

import scr
from scr.messages import Task, Tick


class Clock(scr.Agent):
    """A clock that counts its ticks, and answers a task after the fourth."""

    class State(BaseModel):
        """The ticks so far, and the task that waits."""

        ticks: list[int] = []
        asked: str = ""

    state: State

    def on_task(self, ctx: scr.Context, message: Task) -> None:
        """Set the timer.  The answer stays open: the id of the message is in the state."""
        self.state.asked = message.message_id
        ctx.timer("tick", every_s=message.payload.input)

    def on_timer(self, ctx: scr.Context, message: Tick) -> None:
        """Note which process saw the tick; stop the timer and answer after the fourth."""
        if len(self.state.ticks) == 1 and ctx.deliveries == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        self.state.ticks.append(ctx.incarnation)
        if len(self.state.ticks) == 4:
            ctx.cancel_timer(message.payload.name)
            answer = scr.ResultPayload(task_id=self.state.asked, output=self.state.ticks)
            ctx.send(answer, to="client", in_reply_to=self.state.asked)


def main() -> None:
    """Wait for four ticks, a tenth of a second apart."""
    with scr.Runtime() as runtime:
        runtime.start_agent("clock", Clock)
        for number, process in enumerate(runtime.ask("clock", 0.1), start=1):
            print(f"tick {number}, seen by process {process}")


if __name__ == "__main__":
    main()
