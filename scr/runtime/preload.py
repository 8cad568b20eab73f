"""What zygotes import before they fork: names alone, for whoever must not wait for an import."""

from __future__ import annotations

ENTRY = "scr.agent.child:main"
WARM = "scr.agent.warm"
SHIPPING = "scr.agent.pickling.pickling"
BASE = (WARM, "scr.services.table", "scr.services.memory")
AGENTS = (*BASE, SHIPPING)
