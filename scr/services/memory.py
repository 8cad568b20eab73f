"""The agent that keeps the shared table complete."""

from __future__ import annotations

from scr.agent.agent import Agent
from scr.agent.context import Context
from scr.errors import ScrError
from scr.failpoints import reach
from scr.messages import Message


class MemoryAgent(Agent):
    """Writes into the table what agents `remember`.

    The store is the truth and the table its projection, so that either process
    may die at any moment: whoever comes back reads on from the version that the
    table holds, which is none after the table itself was replaced.
    """

    def on_start(self, ctx: Context) -> None:
        """Bring the table up to date before anything that depends on it is started.  Raises TableUnavailable."""
        if ctx.table is None:
            raise ScrError("this runtime has no table to keep; start it from one of the trees in scr.runtime.tree")
        self._version = ctx.table.version()
        self._publish(ctx)

    def on_message(self, ctx: Context, message: Message) -> None:
        """The runtime tells that there is more, a `status` whose state is "remembered"."""
        if message.type == "status" and message.payload.state == "remembered":
            self._publish(ctx)

    def _publish(self, ctx: Context) -> None:
        assert ctx.table is not None
        for page in ctx.pages(self._version):
            ctx.progress()
            self._version = page[-1].version
            ctx.table.publish(page, self._version)
            reach("memory.published")
