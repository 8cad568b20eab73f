"""What the policy wants done: the shell carries these out in the order given.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from scr.messages import ExitReason
from scr.specs import AgentSpec


class Refusal(StrEnum):
    """Why a call was refused."""

    ALREADY_STARTED = "already_started"
    ALREADY_PRESENT = "already_present"
    NOT_FOUND = "not_found"
    RUNNING = "running"
    RESTARTING = "restarting"
    MAX_CHILDREN = "max_children"
    START_FAILED = "start_failed"
    SHUTTING_DOWN = "shutting_down"
    INVALID_SPEC = "invalid_spec"
    DEADLOCK = "deadlock"


@dataclass(frozen=True, slots=True)
class CallDone:
    """The call did what it asked for.  `id` is the child, or None when the child chose not to start."""

    id: str | None


@dataclass(frozen=True, slots=True)
class CallRefused:
    """The call changed nothing, or what it began failed."""

    code: Refusal
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StartProcess:
    """Start this incarnation; report Started, ChildIgnored, ChildStartFailed or ChildExited."""

    id: str
    incarnation: int
    spec: AgentSpec


@dataclass(frozen=True, slots=True)
class StopProcess:
    """Ask it to stop in order; report ChildExited."""

    id: str
    incarnation: int


@dataclass(frozen=True, slots=True)
class KillProcess:
    """SIGKILL to all of its process group; report ChildExited."""

    id: str
    incarnation: int


class Fate(StrEnum):
    """What the end of an agent that does not come back by itself means for its mail and its state.

    `ended`: it was wanted, so both end too.  `parked` (kept down after too
    many failures) and `forgotten` (lost with its supervisor, or its start
    failed): both wait for the next agent of that name.
    """

    ENDED = "ended"
    PARKED = "parked"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class Gone:
    """The agent is down and does not come back by itself: answer its monitors; `fate` says what its mail is to do."""

    id: str
    reason: ExitReason
    detail: str = ""
    fate: Fate = Fate.ENDED


@dataclass(frozen=True, slots=True)
class GaveUp:
    """A supervisor had one restart too many and ends.  `causes`: from it down to what happened first."""

    supervisor: str
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unkillable:
    """The process is still there after SIGKILL and a wait: the tree goes on without it, for people to look at."""

    id: str
    incarnation: int


@dataclass(frozen=True, slots=True)
class Reply:
    """The one answer to a call."""

    call: str
    outcome: CallDone | CallRefused


@dataclass(frozen=True, slots=True)
class Finish:
    """The root is down and nothing lives, but what was reported as unkillable.

    `reason` is the one that the EndTree gave, or "gave_up", "auto_shutdown"
    or "start_failed".
    """

    reason: str
    causes: tuple[str, ...] = ()


Order: TypeAlias = StartProcess | StopProcess | KillProcess | Gone | GaveUp | Unkillable | Reply | Finish
