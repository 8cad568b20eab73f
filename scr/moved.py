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
        "scr.research.analysis": "scr.apps.research.analysis",
        "scr.research.blocks": "scr.apps.research.text.blocks",
        "scr.research.checks": "scr.apps.research.checks",
        "scr.research.claims": "scr.apps.research.claims",
        "scr.research.documents": "scr.apps.research.text.documents",
        "scr.research.evidence": "scr.apps.research.evidence",
        "scr.research.facets": "scr.apps.research.facets",
        "scr.research.focus": "scr.apps.research.focus",
        "scr.research.index": "scr.apps.research.text.index",
        "scr.research.job": "scr.apps.research.job",
        "scr.research.markdown": "scr.apps.research.text.markdown",
        "scr.research.mentions": "scr.apps.research.text.mentions",
        "scr.research.names": "scr.apps.research.text.names",
        "scr.research.outcome": "scr.apps.research.outcome",
        "scr.research.passages": "scr.apps.research.text.passages",
        "scr.research.plan": "scr.apps.research.plan",
        "scr.research.question": "scr.apps.research.question",
        "scr.research.report": "scr.apps.research.report",
        "scr.research.restructured": "scr.apps.research.text.restructured",
        "scr.research.revision": "scr.apps.research.revision",
        "scr.research.scope": "scr.apps.research.scope",
        "scr.research.webpage": "scr.apps.research.text.webpage",
        "scr.runtime.handle": "scr.client.runtime",
        "scr.runtime.submission": "scr.client.submitted",
    }
)
"""Old module -> new module."""
FORMER = MappingProxyType({new: old for old, new in MOVED.items()})
"""New module -> old module."""
RENAMED = MappingProxyType(
    {
        "scr.apps.research.agents.planner:ResearchTask": "scr.agents.planner:Request",
        "scr.apps.research.checks:ClaimFault": "scr.research.checks:Fault",
        "scr.apps.research.outcome:ResearchOutcome": "scr.research.outcome:Outcome",
    }
)
"""New name of a class -> its first one, for those that are arguments of recorded steps."""


def today(module: str) -> str:
    """Return the name that this module has today."""
    return MOVED.get(module, module)


def name_before(module: str, name: str) -> str:
    """Return the name ("package.module:Class") that this class had first: what is recorded under it stays there."""
    return RENAMED.get(f"{module}:{name}") or f"{FORMER.get(module, module)}:{name}"


def reference_today(reference: str) -> str:
    """Return a code reference ("package.module:Class") with the name that its module has today."""
    module, colon, name = reference.partition(":")
    return f"{today(module)}{colon}{name}"
