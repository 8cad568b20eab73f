"""The agent that serves the shared table."""

from __future__ import annotations

from scr.agent.agent import Agent
from scr.agent.context import Context
from scr.errors import ScrError
from scr.failpoints import reach
from scr.table.table import serve


class TableAgent(Agent):
    """Serves an empty table from threads of its process; the memory agent, which is restarted after it, fills it."""

    def on_start(self, ctx: Context) -> None:
        """Bind the socket.  Raises ScrError in a runtime that has no place for a table, OSError when it is taken."""
        if ctx.table is None:
            raise ScrError("this runtime gave its table no address; start it from one of the trees in scr.runtime.tree")
        serve(ctx.table.address)
        reach("table.bound")
