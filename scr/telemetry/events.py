"""What happened, as a closed set of frozen values: the truth that every view and every check folds.

Pure.  A `Record` is an event with its place in the one order of the runtime.
Names here are public and stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from scr.telemetry.output import LinesDropped as LinesDropped  # noqa: PLC0414  exported from here too
from scr.telemetry.output import Logged as Logged  # noqa: PLC0414  exported from here too
from scr.telemetry.output import Printed as Printed  # noqa: PLC0414  exported from here too
from scr.telemetry.output import Progressed as Progressed  # noqa: PLC0414  exported from here too
from scr.telemetry.plain import Plain, event


@event
class RuntimeUp(Plain):
    """The runtime process takes orders.  `epoch` counts the owners that the run has had, this one included."""

    kind: Literal["runtime_up"] = "runtime_up"
    runtime: str
    pid: int
    run: str = ""
    epoch: int = 1
    resumed: bool = False


@event
class RuntimeDown(Plain):
    """The runtime has stopped everything that it started."""

    kind: Literal["runtime_down"] = "runtime_down"
    reason: str
    causes: tuple[str, ...] = ()


@event
class AgentStarting(Plain):
    """A process was asked for; `code` is what it will run, for people."""

    kind: Literal["agent_starting"] = "agent_starting"
    agent: str
    incarnation: int
    supervisor: str
    code: str = ""


@event
class AgentUp(Plain):
    """The agent's start is complete.  `down_ms` is how long it was away, for all but the first incarnation."""

    kind: Literal["agent_up"] = "agent_up"
    agent: str
    incarnation: int
    pid: int
    down_ms: float | None = None


@event
class AgentExited(Plain):
    """An incarnation ended.  `asked` is what the runtime had asked of it, `tail` the last that it printed."""

    kind: Literal["agent_exited"] = "agent_exited"
    agent: str
    incarnation: int
    pid: int
    reason: str
    detail: str = ""
    asked: str = ""
    in_hand: str | None = None
    deliveries: int = 0
    tail: str = ""


@event
class AgentHalted(Plain):
    """The agent's process was stopped from outside: it is not scheduled until it is continued."""

    kind: Literal["agent_halted"] = "agent_halted"
    agent: str
    incarnation: int
    pid: int


@event
class AgentResumed(Plain):
    """The agent's process, which had been stopped, goes on."""

    kind: Literal["agent_resumed"] = "agent_resumed"
    agent: str
    incarnation: int
    pid: int


@event
class AgentGoneEvent(Plain):
    """The agent ended for good, or went down in another way.

    `forgotten`: its mail and its state wait for the next one of its name.  `stopped`: it went down with the runtime,
    whose run keeps both where it is resumed.
    """

    kind: Literal["agent_gone"] = "agent_gone"
    agent: str
    reason: str
    detail: str = ""
    fate: str = "ended"


@event
class AgentParkedEvent(Plain):
    """The agent is kept down until it is restarted by hand or gets new code; its mail and its state wait."""

    kind: Literal["agent_parked"] = "agent_parked"
    agent: str
    reason: str
    detail: str = ""


@event
class AgentReloaded(Plain):
    """The agent runs new code."""

    kind: Literal["agent_reloaded"] = "agent_reloaded"
    agent: str


@event
class ReloadReverted(Plain):
    """The agent's new code ended by itself too soon: the old code is put back."""

    kind: Literal["reload_reverted"] = "reload_reverted"
    agent: str
    why: str = ""


@event
class SupervisorGaveUp(Plain):
    """A supervisor reached its restart limit, with the chain of causes."""

    kind: Literal["supervisor_gave_up"] = "supervisor_gave_up"
    supervisor: str
    causes: tuple[str, ...] = ()


@event
class AgentUnkillable(Plain):
    """The process is still there after SIGKILL and a wait; the tree goes on without it."""

    kind: Literal["agent_unkillable"] = "agent_unkillable"
    agent: str
    incarnation: int
    pid: int


@event
class MessageAccepted(Plain):
    """The message is in the store and will have exactly one outcome (I1)."""

    kind: Literal["message_accepted"] = "message_accepted"
    message_id: str
    type: str
    sender: str
    to: str
    run_id: str | None = None
    trace_id: str = ""
    title: str = ""


@event
class MessageDelivered(Plain):
    """An incarnation has the message in hand; `steps_reused` were recorded in earlier deliveries."""

    kind: Literal["message_delivered"] = "message_delivered"
    message_id: str
    agent: str
    incarnation: int
    deliveries: int = 1
    steps_reused: int = 0


@event
class TurnCommitted(Plain):
    """The turn of the message happened, whole."""

    kind: Literal["turn_committed"] = "turn_committed"
    message_id: str
    agent: str
    incarnation: int
    sends: int = 0


@event
class TurnFailed(Plain):
    """A try of the message failed and nothing of it happened: its handler raised, or its agent's process died.

    `due` (wall clock) is when it is tried again; None: at once, or not at all.
    """

    kind: Literal["turn_failed"] = "turn_failed"
    message_id: str
    agent: str
    incarnation: int
    error: str = ""
    attempts: int = 0
    deaths: int = 0
    due: float | None = None


@event
class StepRecorded(Plain):
    """A step's result is recorded and will not be computed again for this message.

    `record` is the name under which it is recorded, where that is not the step's own.
    """

    kind: Literal["step_recorded"] = "step_recorded"
    message_id: str
    agent: str
    step: str
    record: str = ""


@event
class MessageBuried(Plain):
    """The message is a dead letter."""

    kind: Literal["message_buried"] = "message_buried"
    message_id: str
    type: str
    to: str
    reason: str
    deliveries: int = 0


@event
class MessageParked(Plain):
    """A `once` step of the message is in doubt: the message waits for a person (`scr doubts`)."""

    kind: Literal["message_parked"] = "message_parked"
    message_id: str
    agent: str
    step: str
    detail: str = ""


@event
class MessageCancelled(Plain):
    """Somebody cancelled the message."""

    kind: Literal["message_cancelled"] = "message_cancelled"
    message_id: str
    to: str


@event
class StoreChanged(Plain):
    """How the store is doing has changed; it loses nothing that was acknowledged."""

    kind: Literal["store_changed"] = "store_changed"
    state: str
    detail: str = ""


Event: TypeAlias = Annotated[
    RuntimeUp
    | RuntimeDown
    | AgentStarting
    | AgentUp
    | AgentExited
    | AgentGoneEvent
    | AgentParkedEvent
    | AgentHalted
    | AgentResumed
    | AgentReloaded
    | ReloadReverted
    | SupervisorGaveUp
    | AgentUnkillable
    | MessageAccepted
    | MessageDelivered
    | TurnCommitted
    | TurnFailed
    | StepRecorded
    | MessageBuried
    | MessageParked
    | MessageCancelled
    | StoreChanged
    | Logged
    | Progressed
    | Printed
    | LinesDropped,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, slots=True)
class Record(Plain):
    """An event in its place: contiguous `seq`, monotonic `at` for intervals, wall clock `time` for display.

    `cause` is the seq of the event that led to this one; 0 for none that is known.
    """

    seq: int
    at: float
    time: float
    event: Event
    cause: int = 0

    def to_json(self) -> bytes:
        """As one line of JSON."""
        return RECORD.dump_json(self)

    def as_dict(self) -> dict[str, Any]:
        """As JSON would say it."""
        told: dict[str, Any] = RECORD.dump_python(self, mode="json")
        return told


RECORD: TypeAdapter[Record] = TypeAdapter(Record)
