"""The trees that SCR starts, as data: who is supervised by whom, in start order.

Agents are named, not imported: their code is loaded in their own processes.
"""

from __future__ import annotations

from scr.specs import AgentSpec, Code, Strategy, SupervisorSpec

MEMORY = "memory"
PLANNER = "planner"

TABLE_SPEC = AgentSpec(id="table", code=Code(reference="scr.services.table:TableAgent"), shutdown_s=1.0)
MEMORY_SPEC = AgentSpec(
    id=MEMORY, code=Code(reference="scr.services.memory:MemoryAgent"), shutdown_s=0.1, start_timeout_s=600.0
)
"""It loses nothing when it is killed, and may be in the midst of writing to a table that has just died: the next table
waits for its end.  To fill a table takes it a second for every 50 MB or so."""

MEMORIES = SupervisorSpec(
    id="memories",
    strategy=Strategy.REST_FOR_ONE,
    max_restarts=20,
    within_s=10.0,
    children=(TABLE_SPEC, MEMORY_SPEC),
)
"""The memory agent fills a new table, hence rest_for_one.  Nobody else has to start again with it: readers wait."""

AGENTS_TREE = SupervisorSpec(
    id="root",
    strategy=Strategy.ONE_FOR_ONE,
    max_restarts=20,
    within_s=10.0,
    children=(
        MEMORIES,
        SupervisorSpec(id="agents", strategy=Strategy.ONE_FOR_ONE, dynamic=True, max_restarts=20, within_s=10.0),
    ),
)
"""For programs that start agents of their own: they come under `agents`."""
