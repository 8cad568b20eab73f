"""The agents that SCR is measured with: a module of their own, since agents import only what they need.

Each that measures does it in its own process, and replies the figures to the client that asked.
"""

from __future__ import annotations

import re
import time
from typing import Any

from scr.agent.agent import Agent
from scr.agent.context import Context
from scr.messages import CLIENT, Result, ResultPayload, Task


def given(message: Task) -> Any:
    """What the message brings, whatever its shape: the sender and the receiver are both in this benchmark."""
    return message.payload.input


class Measuring(Agent):
    """Is given a job by a client, works on it over many turns, and answers in the last one."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """The job, from the client; anything else goes on with it."""
        if message.sender != CLIENT:
            self.go_on(ctx)
            return
        self.asked = message
        self.given = given(message)
        self.begin(ctx)

    def on_result(self, ctx: Context, message: Result) -> None:  # noqa: ARG002  as every handler has it
        """An answer of whom this agent works with."""
        self.go_on(ctx)

    def begin(self, ctx: Context) -> None:
        """Take up the job that was given."""

    def go_on(self, ctx: Context) -> None:
        """Something has come back."""

    def finish(self, ctx: Context, output: Any) -> None:
        """Answer the client."""
        payload = ResultPayload(task_id=self.asked.payload.task_id, output=output)
        ctx.send(payload, to=CLIENT, in_reply_to=self.asked.message_id)


class Caller(Measuring):
    """Sends to another agent, or to itself, again and again; answers with the seconds of each round trip."""

    def begin(self, ctx: Context) -> None:
        """Serve for the first time."""
        self.times: list[float] = []
        self._serve(ctx)

    def go_on(self, ctx: Context) -> None:
        """It has come back."""
        self.times.append(time.perf_counter() - self.served)
        if len(self.times) == self.given["count"]:
            self.finish(ctx, self.times)
        else:
            self._serve(ctx)

    def _serve(self, ctx: Context) -> None:
        self.served = time.perf_counter()
        ctx.send({"pad": self.given["pad"]}, to=self.given["to"])


class Echo(Agent):
    """Answers at once."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """A task."""
        ctx.reply(message.payload.input)


class Source(Measuring):
    """Sends batches to a sink, two under way at any time; answers when it began and when all had been handled.

    With a `pace_s`, a batch takes at least so long.
    """

    def begin(self, ctx: Context) -> None:
        """Send the first two."""
        self.sent = self.acknowledged = 0
        self.began = time.monotonic()
        self._batch(ctx)
        self._batch(ctx)

    def go_on(self, ctx: Context) -> None:
        """A batch was handled."""
        self.acknowledged += self.given["batch"]
        ahead_s = (
            self.began + self.given.get("pace_s", 0.0) * self.acknowledged / self.given["batch"] - time.monotonic()
        )
        if ahead_s > 0:
            time.sleep(ahead_s)
        if self.acknowledged >= self.given["count"]:
            self.finish(ctx, [self.began, time.monotonic(), self.acknowledged])
        elif self.sent < self.given["count"]:
            self._batch(ctx)

    def _batch(self, ctx: Context) -> None:
        size = self.given["batch"]
        for n in range(1, size + 1):
            ctx.send({"pad": self.given["pad"], "last": n == size}, to=self.given["to"])
        self.sent += size


class Sink(Agent):
    """Handles messages, and answers the last of each batch."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """One of them."""
        if given(message)["last"]:
            ctx.reply()


class Hub(Measuring):
    """Sends one message to each of many and waits for all the answers, again and again."""

    def begin(self, ctx: Context) -> None:
        """Send to all."""
        self.rounds, self.began = 0, time.monotonic()
        self._fan_out(ctx)

    def go_on(self, ctx: Context) -> None:
        """One has answered."""
        self.missing -= 1
        if self.missing:
            return
        self.rounds += 1
        if self.rounds == self.given["rounds"]:
            self.finish(ctx, [self.began, time.monotonic(), 2 * self.rounds * len(self.given["to"])])
        else:
            self._fan_out(ctx)

    def _fan_out(self, ctx: Context) -> None:
        self.missing = len(self.given["to"])
        for agent in self.given["to"]:
            ctx.send({"pad": self.given["pad"]}, to=agent)


class Holder(Agent):
    """Holds the first delivery of a message until it is killed; answers the second at once."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """A task, twice."""
        if ctx.deliveries == 1:
            ctx.log("holding")
            time.sleep(60)
        ctx.reply(message.payload.input)


class Starter(Agent):
    """Starts as many idle agents as it is told, in one turn."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """How many, and the number of the first."""
        first, number = given(message)
        for n in range(first, first + number):
            ctx.start_agent(f"idle-{n}", "scr.agent.agent:Agent")


class Hog(Agent):
    """Holds its interpreter at the first delivery; answers at the second."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """A task, twice."""
        if ctx.deliveries == 1:
            re.match(r"(a+)+$", "a" * 40 + "b")
        ctx.reply(message.payload.input)


class Filler(Agent):
    """Remembers a value under each of some keys."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """The keys, and the length of a value."""
        keys, size = given(message)
        for key in keys:
            ctx.remember(key, "x" * size)
        ctx.reply()


class Reader(Agent):
    """Recalls keys, and answers with the seconds of each time."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """The keys in order, and the length of what is to be found under each."""
        keys, size = given(message)
        times: list[float] = []
        for key in keys:
            began = time.perf_counter()
            found = ctx.recall(key)
            times.append(time.perf_counter() - began)
            assert len(found) == size
        ctx.reply(times)


class Writer(Measuring):
    """Remembers a value, and reads it back in its next turn, again and again; answers with the seconds of each."""

    def begin(self, ctx: Context) -> None:
        """Write for the first time."""
        self.times: list[float] = []
        self._write(ctx)

    def go_on(self, ctx: Context) -> None:
        """What was written is committed: see that it can be read."""
        found = ctx.recall(self.given["key"])
        self.times.append(time.perf_counter() - self.wrote)
        assert found == self.value
        if len(self.times) == self.given["count"]:
            self.finish(ctx, self.times)
        else:
            self._write(ctx)

    def _write(self, ctx: Context) -> None:
        self.wrote = time.perf_counter()
        self.value = f"{len(self.times):08}".ljust(int(self.given["size"]), "x")
        ctx.remember(self.given["key"], self.value)
        ctx.send({}, to=ctx.agent)
