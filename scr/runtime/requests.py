"""What a client may ask of a runtime, and what it is told: the frames of the control socket.

Pure.  Every request carries a `ref` that its one answer repeats.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, JsonValue, TypeAdapter

from scr.config import Settings
from scr.messages import AgentId, Frozen, Payload
from scr.specs import AgentSpec, SupervisorSpec
from scr.telemetry.events import Record


class Request(Frozen):
    """The part that all requests share."""

    ref: int


class Boot(Frozen):
    """The first frame from the owner, before any request: what to run, and how."""

    runtime: str
    tree: SupervisorSpec
    settings: Settings
    memory: AgentId | None = None


class Ask(Request):
    """Send this payload as a message; the answer is the output of its result."""

    verb: Literal["ask"] = "ask"
    to: AgentId
    payload: Payload
    run_id: str | None = None
    timeout_s: Annotated[float, Field(gt=0)]


class Send(Request):
    """Send this payload as a message; the answer is its message id, once it is accepted."""

    verb: Literal["send"] = "send"
    to: AgentId
    payload: Payload
    run_id: str | None = None


class StartAgent(Request):
    """Start an agent; the answer comes when it is up."""

    verb: Literal["start_agent"] = "start_agent"
    supervisor: AgentId
    spec: AgentSpec


class StopAgent(Request):
    """Stop a child for good; the answer comes when it is down."""

    verb: Literal["stop_agent"] = "stop_agent"
    agent: AgentId


class RestartAgent(Request):
    """Start a child that is down again; the answer comes when it is up."""

    verb: Literal["restart_agent"] = "restart_agent"
    agent: AgentId


class AwaitReady(Request):
    """The answer comes when the whole tree is up for the first time, or cannot be."""

    verb: Literal["await_ready"] = "await_ready"


class ReadStatus(Request):
    """The answer is a `RuntimeStatus`."""

    verb: Literal["read_status"] = "read_status"


class Subscribe(Request):
    """Tell me what happened from above `since`, and all that happens."""

    verb: Literal["subscribe"] = "subscribe"
    since: int = 0


class Shutdown(Request):
    """Stop everything in order, within the time."""

    verb: Literal["shutdown"] = "shutdown"
    reason: str = "requested"


AnyRequest: TypeAlias = Annotated[
    Ask | Send | StartAgent | StopAgent | RestartAgent | AwaitReady | ReadStatus | Subscribe | Shutdown,
    Field(discriminator="verb"),
]


class Answered(Frozen):
    """The outcome of one request: a value, or an error by its name in `scr.errors`, with its sentence."""

    kind: Literal["answered"] = "answered"
    ref: int
    value: JsonValue = None
    error: str | None = None
    detail: str = ""


class Happened(Frozen):
    """One event, to a subscriber."""

    kind: Literal["happened"] = "happened"
    record: Record


FromControl: TypeAlias = Annotated[Answered | Happened, Field(discriminator="kind")]
REQUEST: TypeAdapter[AnyRequest] = TypeAdapter(AnyRequest)
FROM_CONTROL: TypeAdapter[FromControl] = TypeAdapter(FromControl)


class AgentStatus(Frozen):
    """One agent, or one supervisor, as it is now."""

    id: str
    supervisor: str
    type: Literal["agent", "supervisor"]
    phase: str
    pid: int | None = None
    incarnation: int = 0
    code: str = ""
    mailbox: int = 0
    in_hand: str | None = None
    uptime_s: float | None = None


class RuntimeStatus(Frozen):
    """The whole runtime as it is now."""

    runtime: str
    pid: int
    uptime_s: float
    agents: tuple[AgentStatus, ...]
    open_messages: int
    dead_letters: int
    helpers: dict[str, int]
