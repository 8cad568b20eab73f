"""What the policy is told: what happened, and what somebody asks for.

Pure.  Every fact carries `at`, monotonic seconds.  The shell makes them; facts
about an incarnation that is no longer the agent's are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from scr.messages import ExitReason
from scr.specs import AgentSpec, ChildSpec


@dataclass(frozen=True, slots=True)
class Started:
    """The agent said that it is ready."""

    id: str
    incarnation: int
    at: float


@dataclass(frozen=True, slots=True)
class ChildIgnored:
    """The agent chose not to start, and its process is gone."""

    id: str
    incarnation: int
    at: float


@dataclass(frozen=True, slots=True)
class ChildStartFailed:
    """The agent's start failed, and its process is gone: whatever it held is free for the next attempt."""

    id: str
    incarnation: int
    at: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ChildExited:
    """The process is gone, with the reason that `exits.classify` found.

    `explained`: a message that it had in hand was charged with the end, so it counts against no restart limit.
    """

    id: str
    incarnation: int
    at: float
    reason: ExitReason
    detail: str = ""
    explained: bool = False


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Time has passed.  Due when `deadline` says so; harmless at any other time."""

    at: float


@dataclass(frozen=True, slots=True)
class ParkAgent:
    """Take an agent down and keep it down until it is restarted by hand: too many of its messages failed."""

    at: float
    id: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class EndTree:
    """End the whole tree.  Whatever still lives after `within_s` is killed at once."""

    at: float
    reason: str = "requested"
    within_s: float | None = None


@dataclass(frozen=True, slots=True)
class StartChild:
    """Add a child at the end of a supervisor's order and start it.

    Here as in the other calls: `call` is the token that the one `Reply`
    carries, `caller` the agent that waits for it, if one does.
    """

    at: float
    call: str
    supervisor: str
    spec: ChildSpec
    caller: str | None = None


@dataclass(frozen=True, slots=True)
class TerminateChild:
    """Stop a child and keep it down."""

    at: float
    call: str
    id: str
    caller: str | None = None


@dataclass(frozen=True, slots=True)
class RestartChild:
    """Start a child that is down or parked."""

    at: float
    call: str
    id: str
    caller: str | None = None


@dataclass(frozen=True, slots=True)
class RecycleChild:
    """Have a fresh process of a child, whatever it is doing: answered when it is up.

    None of it is counted as a restart, and to everybody else the child was
    never gone.  One that is down is started.  With a `spec`, of the same id,
    each process from the next on is as that says.
    """

    at: float
    call: str
    id: str
    caller: str | None = None
    spec: AgentSpec | None = None


@dataclass(frozen=True, slots=True)
class DeleteChild:
    """Forget a child that is down."""

    at: float
    call: str
    id: str
    caller: str | None = None


Report: TypeAlias = Started | ChildIgnored | ChildStartFailed | ChildExited
Call: TypeAlias = StartChild | TerminateChild | RestartChild | RecycleChild | DeleteChild
Fact: TypeAlias = Report | Call | TimePassed | ParkAgent | EndTree
