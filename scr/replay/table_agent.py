"""The agent of a replay that serves the table as it was: no part of the run, and started by nobody else."""

from __future__ import annotations

from scr.agent.agent import Agent
from scr.agent.context import Context
from scr.errors import ScrError
from scr.messages import Task
from scr.table.history import Past
from scr.table.table import serve
from scr.values import Frozen


class Turned(Frozen):
    """Be as at this version."""

    version: int


class Later(Frozen):
    """Tell which later versions, up to `until`, would have made a difference to who has read."""

    until: int


class PastAgent(Agent):
    """Reads all entries of the run when it starts, in pages; then it turns to whatever version is asked for."""

    def on_start(self, ctx: Context) -> None:
        """Serve the table.  Raises ScrError where there is no place for it."""
        if ctx.table is None:
            raise ScrError("a past has a table; it is started by a replay alone")
        self._past = Past()
        for page in ctx.pages():
            for entry in page:
                self._past.add(entry)
        serve(ctx.table.address, self._past)

    def on_task(self, ctx: Context, message: Task) -> None:
        """Turn, or tell what would have made a difference; both reply."""
        match message.payload.kind:
            case "turn":
                self._past.turn(Turned.model_validate(message.payload.input).version)
                ctx.reply()
            case "later":
                ctx.reply(self._past.later(Later.model_validate(message.payload.input).until))
