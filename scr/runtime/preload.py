"""What zygotes import before they fork: names alone, for whoever must not wait for an import."""

from __future__ import annotations

ENTRY = "scr.behaviour.child:main"
WARM = "scr.behaviour.warm"
SHIPPING = "scr.behaviour.shipping"
BASE = (WARM, "scr.agents.table", "scr.agents.memory")
AGENTS = (*BASE, SHIPPING)
RESEARCH = (*BASE, "scr.agents.planner", "scr.agents.critic", "scr.agents.worker")
