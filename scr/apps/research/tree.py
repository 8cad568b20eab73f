"""The tree of the research team, as data."""

from __future__ import annotations

from scr.runtime.tree import MEMORIES, PLANNER
from scr.specs import AgentSpec, Code, Strategy, SupervisorSpec

RESEARCH_TREE = SupervisorSpec(
    id="root",
    strategy=Strategy.ONE_FOR_ONE,
    max_restarts=20,
    within_s=10.0,
    children=(
        MEMORIES,
        SupervisorSpec(
            id="thinkers",
            strategy=Strategy.ONE_FOR_ONE,
            max_restarts=10,
            within_s=10.0,
            children=(
                AgentSpec(
                    id=PLANNER, code=Code(reference="scr.apps.research.agents.planner:PlannerAgent"), shutdown_s=1.0
                ),
                AgentSpec(
                    id="critic", code=Code(reference="scr.apps.research.agents.critic:CriticAgent"), shutdown_s=1.0
                ),
            ),
        ),
        SupervisorSpec(id="workers", strategy=Strategy.ONE_FOR_ONE, dynamic=True, max_restarts=20, within_s=10.0),
    ),
)
"""The research team; workers come and go."""
