"""The agents of the workloads: ordinary agents that obey the injector at four points of every handler.

Live in processes of their own.  What their steps do is noted outside, in a
file, so that it can be counted whatever the runtime says.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from scr.agent.agent import Agent
from scr.agent.context import Context
from scr.agent.steps.steps import Done, NotDone
from scr.chaos.inject.agent_faults import DEEDS
from scr.chaos.plan.fault_orders import is_hindered, note, take
from scr.messages import CLIENT, ResultPayload, Task

EFFECTS = "effects"
HANDS = 3
ASK_S = 120.0


class Handled(BaseModel):
    """How many tasks this agent has handled: as many as it has turns of tasks, or a turn was not whole."""

    handled: int = 0


class Obedient(Agent):
    """What all of them share."""

    State = Handled

    @property
    def folder(self) -> Path:
        """Where the campaign lives."""
        return Path(str(self.options["folder"]))

    def on_start(self, ctx: Context) -> None:
        """Fail, if that is ordered."""
        if is_hindered(self.folder, ctx.agent):
            raise RuntimeError("ordered not to start")

    def obey(self, ctx: Context, point: int) -> None:
        """Do what is ordered for this point, if anything is."""
        if order := take(self.folder, ctx.agent, ctx.message.message_id, point):
            DEEDS[order.kind]()

    def count(self) -> None:
        """One more."""
        assert isinstance(self.state, Handled)
        self.state.handled += 1

    def inside(self, ctx: Context, kind: str, name: str, value: Any) -> Any:
        """An effect, and the worst moment of all: it has happened, and nobody has been told."""
        found = self.effect(kind, ctx.message.message_id, name, value)
        self.obey(ctx, 1)
        return found

    def effect(self, kind: str, message_id: str, name: str, value: Any) -> Any:
        """Something in the world outside."""
        note(self.folder / EFFECTS, f"{kind}\t{message_id}\t{name}")
        return value

    def is_charged(self, ctx: Context) -> Done | NotDone:
        """Look outside."""
        return Done("charged") if seen(self.folder, f"once\t{ctx.message.message_id}\tcharge") else NotDone()


class RingAgent(Obedient):
    """Passes a token on; the last one answers the client."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """One hop."""
        given: dict[str, Any] = dict(message.payload.input)  # type: ignore[arg-type]
        self.obey(ctx, 0)
        path = [*given.get("path", []), ctx.agent]
        origin = given.get("origin", ctx.message.message_id)
        ctx.step("hop", self.inside, ctx, "plain", "hop", len(path))
        self.obey(ctx, 2)
        self.count()
        if given["hops"] > 1:
            rest = {"n": given["n"], "size": given["size"], "hops": given["hops"] - 1, "path": path, "origin": origin}
            ctx.send(rest, to=after(ctx.agent, given["size"]))
        else:
            output = ResultPayload(task_id=message.payload.task_id, output={"n": given["n"], "path": path})
            ctx.send(output, to=CLIENT, in_reply_to=origin)
        self.obey(ctx, 3)


class LeadAgent(Obedient):
    """Fans out to the hands and in again, and pays once."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """Ask each hand, add up, pay, answer."""
        given: dict[str, Any] = dict(message.payload.input)  # type: ignore[arg-type]
        n, message_id = given["n"], ctx.message.message_id
        self.obey(ctx, 0)
        base = ctx.step("plan", self.effect, "plain", message_id, "plan", n % 7)
        hands = [f"hand-{(n + k) % given['hands'] + 1}" for k in range(HANDS)]
        values = [ctx.ask(hand, {"n": n, "k": k}, timeout_s=ASK_S) for k, hand in enumerate(hands)]
        total = ctx.step_once("pay", self.pay, ctx, sum(values) + base, reconcile=self.is_paid)
        self.obey(ctx, 2)
        self.count()
        ctx.remember(f"total/{n % 50}", total)
        ctx.reply({"n": n, "total": total})
        self.obey(ctx, 3)

    def pay(self, ctx: Context, amount: int) -> int:
        """What must not happen twice."""
        return int(self.inside(ctx, "once", "pay", amount))

    def is_paid(self, ctx: Context, amount: int) -> Done | NotDone:
        """Look outside."""
        return Done(amount) if seen(self.folder, f"once\t{ctx.message.message_id}\tpay") else NotDone()


class HandAgent(Obedient):
    """One hand, with an event loop."""

    async def on_task(self, ctx: Context, message: Task) -> None:
        """A plain step and one that happens once."""
        given: dict[str, Any] = dict(message.payload.input)  # type: ignore[arg-type]
        message_id = ctx.message.message_id
        self.obey(ctx, 0)
        value = await ctx.step_async("compute", self.compute, message_id, given["n"] * 3 + given["k"])
        await ctx.step_once_async("charge", self.charge, ctx, reconcile=self.is_charged)
        self.obey(ctx, 2)
        self.count()
        ctx.reply(value)
        self.obey(ctx, 3)

    async def compute(self, message_id: str, value: int) -> int:
        """The work."""
        return int(self.effect("plain", message_id, "compute", value))

    async def charge(self, ctx: Context) -> str:
        """The effect."""
        return str(self.inside(ctx, "once", "charge", "charged"))


class VictimAgent(Obedient):
    """Dies of some messages, each time, and answers the others."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """Die of poison."""
        given: dict[str, Any] = dict(message.payload.input)  # type: ignore[arg-type]
        if given.get("poison"):
            os.kill(os.getpid(), signal.SIGKILL)
        for point in range(4):
            self.obey(ctx, point)
        self.count()
        ctx.reply({"n": given["n"]})


class GuestAgent(Obedient):
    """One that a program starts: a step of each kind, and the answer."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """Compute, charge, answer."""
        given: dict[str, Any] = dict(message.payload.input)  # type: ignore[arg-type]
        self.obey(ctx, 0)
        value = ctx.step("compute", self.inside, ctx, "plain", "compute", given["n"] * 2)
        ctx.step_once("charge", self.charge, ctx, reconcile=self.is_charged)
        self.obey(ctx, 2)
        self.count()
        ctx.reply({"n": given["n"], "twice": value})
        self.obey(ctx, 3)

    def charge(self, ctx: Context) -> str:
        """What must not happen twice."""
        return str(self.effect("once", ctx.message.message_id, "charge", "charged"))


class Other(BaseModel):
    """A state that no guest's fits."""

    handled: list[str]


class MisfitAgent(GuestAgent):
    """A guest's next version, whose state does not fit what the last has committed."""

    State = Other  # type: ignore[assignment]


class BrokenAgent(GuestAgent):
    """A guest's next version, which does not start."""

    def on_start(self, ctx: Context) -> None:
        """Miss an option."""
        ctx.log(f"setting: {self.options['no such setting']}")


def after(agent: str, size: int) -> str:
    """The next of a ring."""
    kind, _, number = agent.rpartition("-")
    return f"{kind}-{int(number) % size + 1}"


def seen(folder: Path, line: str) -> bool:
    """Whether that effect has happened."""
    path = folder / EFFECTS
    return path.exists() and line in path.read_text().splitlines()
