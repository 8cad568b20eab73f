"""What a store tells of its runs to people and programs, as frozen values.

Pure.  Times are wall clock, in seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pydantic import JsonValue

from scr.messages import Message
from scr.protocol.frames import StepRecord
from scr.protocol.status import Priority, RunState
from scr.specs import AgentSpec, SupervisorSpec
from scr.step_names import shown_step

Outcome: TypeAlias = Literal["turn", "dead", "cancelled", "answer"]


@dataclass(frozen=True, slots=True)
class ListedRun:
    """One run.  `state` is where it stands now; `reason` why it failed, if it has.

    `seq` is that of its last event, `first_id` the message that began it.  `runtime` is whose it is or was last;
    `is_owned` whether that runtime works on it, as far as can be told.
    """

    run: str
    title: str
    state: RunState
    priority: Priority
    tree: SupervisorSpec
    created: float
    runtime: str
    is_owned: bool
    epoch: int
    seq: int
    first_id: str
    reason: str = ""
    parent_run: str | None = None
    parent_seq: int | None = None


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """One message.  `n` is its place in the order of the run's writes.

    Accepted after event `seq` (None: a timer will send it), its `outcome` after event `end_seq`, if it has one.
    """

    n: int
    message: Message
    seq: int | None
    end_seq: int | None
    outcome: Outcome | None
    deliveries: int
    deaths: int
    parked: str


@dataclass(frozen=True, slots=True)
class ListedAgent:
    """One life of an agent, from after event `seq`, to after `gone_seq` if it is over; `state` is its last one then."""

    spec: AgentSpec
    supervisor: str
    incarnation: int
    seq: int
    gone_seq: int | None
    state: JsonValue


@dataclass(frozen=True, slots=True)
class ListedTurn:
    """One committed turn.  `state` is None when it did not change; `sends` are the ids of messages.

    `caused` has the ids of whatever else there was: monitors, demonitors,
    effects, timers, cancels; entries as first version and number; answers as
    [message, ask, asked in]; ends.
    """

    n: int
    seq: int
    message_id: str
    agent: str
    incarnation: int
    state: JsonValue
    sends: tuple[str, ...]
    caused: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MessageInDoubt:
    """A message that waits for a person: its step `step` had begun, and it is not known how it ended: `detail`."""

    message: Message
    step: str
    deliveries: int
    steps: tuple[StepRecord, ...]
    detail: str = ""

    @property
    def names(self) -> frozenset[str]:
        """What a person may call it: the step, or the id of its message."""
        return frozenset({self.step, shown_step(self.step), self.message.message_id})


def standing(stored: RunState, *, is_owned: bool, answer: Literal["result", "failure", "cancelled"] | None) -> RunState:
    """Where a run stands, of what is stored of it, whether it is worked on, and the answer to its first message."""
    match stored, answer:
        case (RunState.CANCELLED, _) | (_, "cancelled"):
            return RunState.CANCELLED
        case _, "result":
            return RunState.DONE
        case _, "failure":
            return RunState.FAILED
        case RunState.RUNNING, _ if not is_owned:
            return RunState.INTERRUPTED
        case _:
            return stored
