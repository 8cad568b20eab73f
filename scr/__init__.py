"""SCR, the Supervised Cognitive Runtime: AI agents as supervised processes that do not lose work.

These are all public names.  Each is loaded when it is first used, so that
`import scr` costs a program, or an agent's process, only what it needs.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # a type checker takes it for true; `typing` would be half of the time of `import scr`
if TYPE_CHECKING:
    from typing import Any

    from scr.agent.agent import Agent as Agent
    from scr.agent.agent import Ignored as Ignored
    from scr.agent.context import Context as Context
    from scr.agent.spec_fields import AgentFields as AgentFields
    from scr.agent.steps.step_decorators import step as step
    from scr.agent.steps.step_decorators import step_once as step_once
    from scr.agent.steps.steps import Done as Done
    from scr.agent.steps.steps import NotDone as NotDone
    from scr.client.chunks import Chunk as Chunk
    from scr.client.connect import connect as connect
    from scr.client.runtime import Runtime as Runtime
    from scr.client.submitted import Submitted as Submitted
    from scr.config import Limits as Limits
    from scr.config import Settings as Settings
    from scr.errors import AgentError as AgentError
    from scr.errors import AgentGone as AgentGone
    from scr.errors import AgentParked as AgentParked
    from scr.errors import AlreadyStarted as AlreadyStarted
    from scr.errors import AskTimedOut as AskTimedOut
    from scr.errors import Fatal as Fatal
    from scr.errors import FrameTooLarge as FrameTooLarge
    from scr.errors import InvalidCode as InvalidCode
    from scr.errors import InvalidDocuments as InvalidDocuments
    from scr.errors import InvalidInput as InvalidInput
    from scr.errors import InvalidMessage as InvalidMessage
    from scr.errors import InvalidSpec as InvalidSpec
    from scr.errors import LaunchFailed as LaunchFailed
    from scr.errors import LeaseLost as LeaseLost
    from scr.errors import MailboxFull as MailboxFull
    from scr.errors import NotAnswered as NotAnswered
    from scr.errors import NotHappened as NotHappened
    from scr.errors import NotPermitted as NotPermitted
    from scr.errors import QueueFull as QueueFull
    from scr.errors import ReplayDiverged as ReplayDiverged
    from scr.errors import RunCancelled as RunCancelled
    from scr.errors import RunFailed as RunFailed
    from scr.errors import RunOwned as RunOwned
    from scr.errors import RuntimeGone as RuntimeGone
    from scr.errors import ScrError as ScrError
    from scr.errors import StartFailed as StartFailed
    from scr.errors import StepInDoubt as StepInDoubt
    from scr.errors import StoreDamaged as StoreDamaged
    from scr.errors import StoreError as StoreError
    from scr.errors import StoreForeign as StoreForeign
    from scr.errors import StoreUnavailable as StoreUnavailable
    from scr.errors import TableUnavailable as TableUnavailable
    from scr.errors import TaskFailed as TaskFailed
    from scr.errors import TryLater as TryLater
    from scr.errors import UnknownAgent as UnknownAgent
    from scr.errors import UnknownRun as UnknownRun
    from scr.messages import Critique as Critique
    from scr.messages import CritiquePayload as CritiquePayload
    from scr.messages import Down as Down
    from scr.messages import DownPayload as DownPayload
    from scr.messages import ExitReason as ExitReason
    from scr.messages import Failure as Failure
    from scr.messages import FailurePayload as FailurePayload
    from scr.messages import Message as Message
    from scr.messages import Ping as Ping
    from scr.messages import PingPayload as PingPayload
    from scr.messages import Pong as Pong
    from scr.messages import Result as Result
    from scr.messages import ResultPayload as ResultPayload
    from scr.messages import Status as Status
    from scr.messages import StatusPayload as StatusPayload
    from scr.messages import Stop as Stop
    from scr.messages import Task as Task
    from scr.messages import TaskPayload as TaskPayload
    from scr.messages import Tick as Tick
    from scr.messages import TimerPayload as TimerPayload
    from scr.retry import Retry as Retry
    from scr.specs import AgentLimits as AgentLimits
    from scr.specs import AgentSpec as AgentSpec
    from scr.specs import AutoShutdown as AutoShutdown
    from scr.specs import Backoff as Backoff
    from scr.specs import Code as Code
    from scr.specs import OnError as OnError
    from scr.specs import Restart as Restart
    from scr.specs import Strategy as Strategy
    from scr.specs import SupervisorSpec as SupervisorSpec

__version__ = "0.1.0"

HOMES = {
    "Agent": "scr.agent.agent",
    "AgentError": "scr.errors",
    "AgentFields": "scr.agent.spec_fields",
    "AgentGone": "scr.errors",
    "AgentLimits": "scr.specs",
    "AgentParked": "scr.errors",
    "AgentSpec": "scr.specs",
    "AlreadyStarted": "scr.errors",
    "AskTimedOut": "scr.errors",
    "AutoShutdown": "scr.specs",
    "Backoff": "scr.specs",
    "Chunk": "scr.client.chunks",
    "Code": "scr.specs",
    "Context": "scr.agent.context",
    "Critique": "scr.messages",
    "CritiquePayload": "scr.messages",
    "Done": "scr.agent.steps.steps",
    "Down": "scr.messages",
    "DownPayload": "scr.messages",
    "ExitReason": "scr.messages",
    "Failure": "scr.messages",
    "FailurePayload": "scr.messages",
    "Fatal": "scr.errors",
    "FrameTooLarge": "scr.errors",
    "Ignored": "scr.agent.agent",
    "InvalidCode": "scr.errors",
    "InvalidDocuments": "scr.errors",
    "InvalidInput": "scr.errors",
    "InvalidMessage": "scr.errors",
    "InvalidSpec": "scr.errors",
    "LaunchFailed": "scr.errors",
    "LeaseLost": "scr.errors",
    "Limits": "scr.config",
    "MailboxFull": "scr.errors",
    "Message": "scr.messages",
    "NotAnswered": "scr.errors",
    "NotDone": "scr.agent.steps.steps",
    "NotHappened": "scr.errors",
    "NotPermitted": "scr.errors",
    "OnError": "scr.specs",
    "Ping": "scr.messages",
    "PingPayload": "scr.messages",
    "Pong": "scr.messages",
    "QueueFull": "scr.errors",
    "ReplayDiverged": "scr.errors",
    "Restart": "scr.specs",
    "Result": "scr.messages",
    "ResultPayload": "scr.messages",
    "Retry": "scr.retry",
    "RunCancelled": "scr.errors",
    "RunFailed": "scr.errors",
    "RunOwned": "scr.errors",
    "Runtime": "scr.client.runtime",
    "RuntimeGone": "scr.errors",
    "ScrError": "scr.errors",
    "Settings": "scr.config",
    "StartFailed": "scr.errors",
    "Status": "scr.messages",
    "StatusPayload": "scr.messages",
    "StepInDoubt": "scr.errors",
    "Stop": "scr.messages",
    "StoreDamaged": "scr.errors",
    "StoreError": "scr.errors",
    "StoreForeign": "scr.errors",
    "StoreUnavailable": "scr.errors",
    "Strategy": "scr.specs",
    "Submitted": "scr.client.submitted",
    "SupervisorSpec": "scr.specs",
    "TableUnavailable": "scr.errors",
    "Task": "scr.messages",
    "TaskFailed": "scr.errors",
    "TaskPayload": "scr.messages",
    "Tick": "scr.messages",
    "TimerPayload": "scr.messages",
    "TryLater": "scr.errors",
    "UnknownAgent": "scr.errors",
    "UnknownRun": "scr.errors",
    "connect": "scr.client.connect",
    "step": "scr.agent.steps.step_decorators",
    "step_once": "scr.agent.steps.step_decorators",
}

__all__ = [  # noqa: PLE0604  the names are the keys above
    *HOMES
]


if not TYPE_CHECKING:  # a name that is not there is an error for a type checker

    def __getattr__(name: str) -> Any:
        if name not in HOMES:
            raise AttributeError(f"scr has no public name {name!r}; it has {', '.join(HOMES)}")
        return getattr(import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    return list(HOMES)
