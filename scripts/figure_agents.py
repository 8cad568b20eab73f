"""The agents that `figures.py` measures with: a module of their own, since agents import only what they need."""

from __future__ import annotations

import re
import time

from scr.behaviour.agent import Agent
from scr.behaviour.context import Context
from scr.messages import Task


class Holder(Agent):
    """Holds the first delivery of a message until it is killed; answers the second at once."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """A task, twice."""
        if ctx.deliveries == 1:
            ctx.log("holding")
            time.sleep(60)
        ctx.reply(message.payload.input)


class Echo(Agent):
    """Answers at once."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """A task."""
        ctx.reply(message.payload.input)


class Starter(Agent):
    """Starts as many idle agents as it is told, in one turn."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """How many."""
        assert isinstance(message.payload.input, int)
        for n in range(message.payload.input):
            ctx.start_agent(f"idle-{n}", "scr.behaviour.agent:Agent")


class Hog(Agent):
    """Holds its interpreter at the first delivery; answers at the second."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """A task, twice."""
        if ctx.deliveries == 1:
            re.match(r"(a+)+$", "a" * 40 + "b")
        ctx.reply(message.payload.input)
