"""A timer that outlives its process: the clock is killed at its second tick, and the ticks go on."""

from __future__ import annotations

import os
import signal

from pydantic import BaseModel

import scr


class Ticks(BaseModel):
    """The state: which process saw each tick, and the id of the task that waits."""

    seen_by: list[int] = []
    asked: str = ""


class Clock(scr.Agent[Ticks]):
    """A clock that answers a task after its fourth tick."""

    def on_task(self, ctx: scr.Context, message: scr.Task) -> None:
        """Set the timer.  The answer stays open: the id of the message is in the state."""
        self.state.asked = message.message_id
        ctx.timer("tick", every_s=0.1)

    def on_timer(self, ctx: scr.Context, message: scr.Tick) -> None:
        """Note which process saw the tick; stop the timer and answer after the fourth."""
        if len(self.state.seen_by) == 1 and ctx.deliveries == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        self.state.seen_by.append(ctx.incarnation)
        if len(self.state.seen_by) == 4:
            ctx.cancel_timer(message.payload.name)
            answer = scr.ResultPayload(task_id=self.state.asked, output=self.state.seen_by)
            ctx.send(answer, to="client", in_reply_to=self.state.asked)


def main() -> None:
    """Wait for four ticks, a tenth of a second apart."""
    with scr.Runtime() as runtime:
        runtime.start_agent("clock", Clock)
        for number, process in enumerate(runtime.ask("clock", None), start=1):
            print(f"tick {number}, seen by process {process}")


if __name__ == "__main__":
    main()
