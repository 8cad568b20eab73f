"""A pool of workers: a leader starts them under a dynamic supervisor, and a killed worker costs no work."""

from __future__ import annotations

import os
import signal

from pydantic import BaseModel

import scr
from scr.messages import Result, Task

TREE = scr.SupervisorSpec(
    id="root",
    strategy=scr.Strategy.ONE_FOR_ONE,
    children=(
        scr.SupervisorSpec(id="workers", strategy=scr.Strategy.ONE_FOR_ONE, dynamic=True, max_children=8),
        scr.SupervisorSpec(id="agents", strategy=scr.Strategy.ONE_FOR_ONE, dynamic=True),
    ),
)


def square(ctx: scr.Context, message: Task) -> int:
    """Square a number.  The process that has the 3 is killed once."""
    number: int = message.payload.input
    if number == 3 and ctx.deliveries == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


class Leader(scr.Agent):
    """The agent that gives each number to a worker, and answers when all squares are there."""

    class State(BaseModel):
        """The question in hand, and the squares that have come."""

        asked: str = ""
        squares: list[int] = []
        wanted: int = 0

    state: State

    def on_task(self, ctx: scr.Context, message: Task) -> None:
        """Start a worker for each number, and send it there."""
        numbers = message.payload.input
        self.state.asked, self.state.wanted = message.message_id, len(numbers)
        for number in numbers:
            ctx.start_agent(f"worker-{number}", square, under="workers", on_error="retry")
            ctx.send(number, to=f"worker-{number}")

    def on_result(self, ctx: scr.Context, message: Result) -> None:
        """Keep a square; answer with all of them after the last."""
        self.state.squares.append(message.payload.output)
        if len(self.state.squares) == self.state.wanted:
            squares = scr.ResultPayload(task_id=self.state.asked, output=sorted(self.state.squares))
            ctx.send(squares, to="client", in_reply_to=self.state.asked)


def main() -> None:
    """Square five numbers with five workers."""
    with scr.Runtime(TREE) as runtime:
        runtime.start_agent("leader", Leader)
        print(runtime.ask("leader", [1, 2, 3, 4, 5]))


if __name__ == "__main__":
    main()
