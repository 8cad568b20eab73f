"""A pool of workers: a leader starts them under a dynamic supervisor, and a killed worker costs no work."""

from __future__ import annotations

import os
import signal
from typing import cast

from pydantic import BaseModel

import scr

ONE = scr.Strategy.ONE_FOR_ONE
WORKERS, LEADERS = (scr.SupervisorSpec(id=name, strategy=ONE, dynamic=True) for name in ("workers", "leaders"))


def square(ctx: scr.Context, message: scr.Task) -> int:
    """Square a number.  The process that has the 3 is killed once."""
    number = cast("int", message.payload.input)
    if number == 3 and ctx.deliveries == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


class Job(BaseModel):
    """The state: the task in hand, and the squares that have come."""

    asked: str = ""
    squares: list[int] = []
    wanted: int = 0


class Leader(scr.Agent[Job]):
    """The agent that gives each number to a worker, and answers when all squares are there."""

    def on_task(self, ctx: scr.Context, message: scr.Task) -> None:
        """Start a worker for each number, and send it there."""
        numbers = cast("list[int]", message.payload.input)
        self.state.asked, self.state.wanted = message.message_id, len(numbers)
        for number in numbers:
            ctx.start_agent(f"worker-{number}", square, under="workers", on_error="retry")
            ctx.send(number, to=f"worker-{number}")

    def on_result(self, ctx: scr.Context, message: scr.Result) -> None:
        """Keep a square; answer with all of them after the last."""
        self.state.squares.append(cast("int", message.payload.output))
        if len(self.state.squares) == self.state.wanted:
            squares = scr.ResultPayload(task_id=self.state.asked, output=sorted(self.state.squares))
            ctx.send(squares, to="client", in_reply_to=self.state.asked)


def main() -> None:
    """Square five numbers with five workers."""
    with scr.Runtime(scr.SupervisorSpec(id="root", strategy=ONE, children=(WORKERS, LEADERS))) as runtime:
        runtime.start_agent("leader", Leader, under="leaders")
        print(runtime.ask("leader", [1, 2, 3, 4, 5]))


if __name__ == "__main__":
    main()
