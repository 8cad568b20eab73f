"""A state that survives kill -9: the counter's process dies in the middle of its second task, and counts on."""

from __future__ import annotations

import os
import signal

from pydantic import BaseModel

import scr


class Total(BaseModel):
    """The state: what the next process finds is the total of the committed turns."""

    total: int = 0


class Counter(scr.Agent[Total]):
    """A counter that kills its own process once, before the turn of its second task is committed."""

    def on_task(self, ctx: scr.Context, message: scr.Task) -> None:
        """Add one to the total, and answer with the total and the process."""
        self.state.total += 1
        if self.state.total == 2 and ctx.deliveries == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        ctx.reply({"total": self.state.total, "process": ctx.incarnation})


def main() -> None:
    """Count to three."""
    with scr.Runtime() as runtime:
        runtime.start_agent("counter", Counter)
        for _ in range(3):
            answer = runtime.ask("counter", None)
            print(f"total {answer['total']}, from process {answer['process']}")


if __name__ == "__main__":
    main()
