"""The modules of SCR that code in stores and exports may name, and that have another name now.

Pure.  A run that an older SCR has left is resumed with the modules of today.
"""

from __future__ import annotations

from types import MappingProxyType

MOVED = MappingProxyType(
    {
        "scr.agents.critic": "scr.apps.research.agents.critic",
        "scr.agents.memory": "scr.services.memory",
        "scr.agents.planner": "scr.apps.research.agents.planner",
        "scr.agents.table": "scr.services.table",
        "scr.agents.worker": "scr.apps.research.agents.worker",
        "scr.behaviour.agent": "scr.agent.agent",
        "scr.behaviour.context": "scr.agent.context",
        "scr.behaviour.declared": "scr.agent.steps.step_decorators",
        "scr.behaviour.function_agent": "scr.agent.function_agent",
        "scr.behaviour.shipped_models": "scr.agent.pickling.models",
        "scr.behaviour.shipped_types": "scr.agent.pickling.types",
        "scr.behaviour.shipping": "scr.agent.pickling.pickling",
        "scr.behaviour.steps": "scr.agent.steps.steps",
        "scr.chaos.agents": "scr.chaos.lab.agents",
        "scr.chaos.guests": "scr.chaos.lab.guests",
        "scr.frames": "scr.protocol.frames",
        "scr.replay.past": "scr.replay.table_agent",
        "scr.runtime.handle": "scr.client.runtime",
        "scr.runtime.submission": "scr.client.submitted",
    }
)
"""Old module -> new module."""


def today(module: str) -> str:
    """Return the name that this module has today."""
    return MOVED.get(module, module)


def reference_today(reference: str) -> str:
    """Return a code reference ("package.module:Class") with the name that its module has today."""
    module, colon, name = reference.partition(":")
    return f"{today(module)}{colon}{name}"
