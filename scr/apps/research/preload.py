"""What the zygote of a research run imports before it forks: names alone, so that reading them imports nothing."""

from __future__ import annotations

from scr.runtime.preload import BASE

RESEARCH = (
    *BASE,
    "scr.apps.research.agents.planner",
    "scr.apps.research.agents.critic",
    "scr.apps.research.agents.worker",
)
