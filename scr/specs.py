"""What may be asked for: an agent or a supervisor, as frozen data.

Whoever asks (a program, an agent, the command line) and whoever supervises
share these words.  A key that is not known, a negative budget or a
contradiction is an error when the value is made.  Seconds end in `_s`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, JsonValue, model_validator

from scr.messages import AgentId, Frozen

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Restart(StrEnum):
    """Who comes back: always, after an abnormal end, never."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    TEMPORARY = "temporary"


class Strategy(StrEnum):
    """Who is restarted with a child: nobody, those after it, all."""

    ONE_FOR_ONE = "one_for_one"
    REST_FOR_ONE = "rest_for_one"
    ONE_FOR_ALL = "one_for_all"


class AutoShutdown(StrEnum):
    """Whether a supervisor ends when its significant children have."""

    NEVER = "never"
    ANY_SIGNIFICANT = "any_significant"
    ALL_SIGNIFICANT = "all_significant"


class Code(Frozen):
    """What an agent runs: a name that can be imported ("package.module:Class"), or `dill` bytes in base64.

    The bytes are opened inside the agent's own process and nowhere else.
    """

    reference: str | None = None
    pickled: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.reference is None) == (self.pickled is None):
            raise ValueError("give either a reference or pickled bytes")
        return self


class AgentSpec(Frozen):
    """One agent: what it runs, and what happens when it ends.

    `shutdown_s` is the time it gets to stop by itself before SIGKILL; "kill"
    means SIGKILL at once, "infinity" waits as long as it takes.
    """

    id: AgentId
    code: Code
    options: dict[str, JsonValue] = {}
    restart: Restart = Restart.PERMANENT
    shutdown_s: Seconds | Literal["infinity", "kill"] = 5.0
    start_timeout_s: Seconds = 30.0
    significant: bool = False
    mailbox_size: Annotated[int, Field(ge=1)] = 1000
    max_deliveries: Annotated[int, Field(ge=1)] = 3


class SupervisorSpec(Frozen):
    """A supervisor: a node of the policy's tree, not a process.  `children` are in start order."""

    id: AgentId
    strategy: Strategy
    children: tuple[AgentSpec | SupervisorSpec, ...] = ()
    max_restarts: Annotated[int, Field(ge=0)] = 3
    within_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 5.0
    auto_shutdown: AutoShutdown = AutoShutdown.NEVER
    restart: Restart = Restart.PERMANENT
    significant: bool = False
    dynamic: bool = False
    max_children: Annotated[int, Field(ge=0)] | None = None


ChildSpec: TypeAlias = AgentSpec | SupervisorSpec
