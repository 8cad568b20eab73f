"""SCR, the Supervised Cognitive Runtime: AI agents as supervised processes that do not lose work.

These are all public names.  Each is loaded when it is first used, so that
`import scr` costs a program, or an agent's process, only what it needs.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # a type checker takes it for true; `typing` would be half of the time of `import scr`
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.1.0"

HOMES = {
    "Agent": "scr.agent.agent",
    "AgentError": "scr.errors",
    "AgentGone": "scr.errors",
    "AgentParked": "scr.errors",
    "AgentSpec": "scr.specs",
    "AlreadyStarted": "scr.errors",
    "AskTimedOut": "scr.errors",
    "Chunk": "scr.client.chunks",
    "Code": "scr.specs",
    "Context": "scr.agent.context",
    "CritiquePayload": "scr.messages",
    "Done": "scr.agent.steps.steps",
    "ExitReason": "scr.messages",
    "Fatal": "scr.errors",
    "FrameTooLarge": "scr.errors",
    "Ignored": "scr.agent.agent",
    "InvalidCode": "scr.errors",
    "InvalidInput": "scr.errors",
    "InvalidMessage": "scr.errors",
    "InvalidSpec": "scr.errors",
    "Limits": "scr.config",
    "MailboxFull": "scr.errors",
    "Message": "scr.messages",
    "NotAnswered": "scr.errors",
    "NotDone": "scr.agent.steps.steps",
    "NotHappened": "scr.errors",
    "OnError": "scr.specs",
    "PingPayload": "scr.messages",
    "ReplayDiverged": "scr.errors",
    "Restart": "scr.specs",
    "ResultPayload": "scr.messages",
    "Retry": "scr.retry",
    "RunCancelled": "scr.errors",
    "RunOwned": "scr.errors",
    "Runtime": "scr.client.runtime",
    "RuntimeGone": "scr.errors",
    "ScrError": "scr.errors",
    "Settings": "scr.config",
    "StartFailed": "scr.errors",
    "StatusPayload": "scr.messages",
    "StepInDoubt": "scr.errors",
    "StoreError": "scr.errors",
    "StoreUnavailable": "scr.errors",
    "Strategy": "scr.specs",
    "SupervisorSpec": "scr.specs",
    "TableUnavailable": "scr.errors",
    "TaskFailed": "scr.errors",
    "TaskPayload": "scr.messages",
    "TryLater": "scr.errors",
    "UnknownAgent": "scr.errors",
    "step": "scr.agent.steps.step_decorators",
    "step_once": "scr.agent.steps.step_decorators",
}

__all__ = [  # noqa: PLE0604  the names are the keys above
    *HOMES
]


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"scr has no public name {name!r}; it has {', '.join(HOMES)}")
    return getattr(import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    return list(HOMES)
