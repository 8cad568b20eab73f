"""What a client may ask of a runtime, and what it is told: the frames of the control socket.

Pure.  Every request carries a `ref` that its one answer repeats.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, JsonValue, TypeAdapter

from scr.messages import AgentId, MessageId, Payload
from scr.protocol.status import StoreStatus
from scr.retry import ErrorInfo
from scr.specs import AgentSpec, Code
from scr.telemetry.events import Record
from scr.values import LATER, Frozen

LISTED_MAX = 1_000_000


class Request(Frozen):
    """The part that all requests share."""

    ref: int


class Submission(Request):
    """A message from outside.  `again`: it may have been accepted before, under this id, and is not accepted twice."""

    message_id: MessageId
    again: bool = False
    to: AgentId
    payload: Payload
    run_id: MessageId | None = None


class AskAgent(Submission):
    """Send this payload as a message; the answer is the output of its result."""

    verb: Literal["ask"] = "ask"
    timeout_s: Annotated[float, Field(gt=0)]


class SendMessage(Submission):
    """Send this payload as a message; the answer is its message id, once it is accepted.

    With `streams`, chunks of it are told under this request's `ref` until its answer is there.
    """

    verb: Literal["send"] = "send"
    streams: bool = False


class AwaitAnswer(Request):
    """The answer is the output of the result of a message of a client's, which is or was accepted.

    Chunks of it are told under the number `stream` until then.
    """

    verb: Literal["await_answer"] = "await_answer"
    message_id: MessageId
    timeout_s: Annotated[float, Field(gt=0)]
    stream: int | None = None


class CancelMessage(Request):
    """Cancel a message of a client's and all that grew out of it; the answer is how many were dropped."""

    verb: Literal["cancel"] = "cancel"
    message_id: MessageId


class Resolve(Request):
    """The step of a message that is in doubt was done, with this value, or was not done."""

    verb: Literal["resolve"] = "resolve"
    message_id: MessageId
    is_done: bool
    value: JsonValue = None


class RetryDead(Request):
    """Deliver a dead letter once more; the answer says to whom."""

    verb: Literal["retry_dead"] = "retry_dead"
    message_id: MessageId


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
    """Have a fresh process of a child, which is counted as no restart; the answer comes when it is up."""

    verb: Literal["restart_agent"] = "restart_agent"
    agent: AgentId


class ReloadAgent(Request):
    """Replace a child's code; the answer comes when the new is up, an error when the old had to be put back."""

    verb: Literal["reload_agent"] = "reload_agent"
    agent: AgentId
    code: Code | None = None


class SignalAgent(Request):
    """Send a signal to an agent's process; the answer is its pid."""

    verb: Literal["signal_agent"] = "signal_agent"
    agent: AgentId
    number: Annotated[int, Field(ge=1, le=64)]


class ReadStack(Request):
    """The answer is where the agent's threads stand, as text."""

    verb: Literal["read_stack"] = "read_stack"
    agent: AgentId


class ReadCrashes(Request):
    """The answer is a list of the last so many `CrashRecord`s, of one agent or of all, oldest first."""

    verb: Literal["read_crashes"] = "read_crashes"
    agent: AgentId | None = None
    last: Annotated[int, Field(ge=1, le=LISTED_MAX)] = 100


class AwaitReady(Request):
    """The answer comes when the whole tree is up for the first time, or cannot be."""

    verb: Literal["await_ready"] = "await_ready"


class ReadStatus(Request):
    """The answer is a `RuntimeStatus`."""

    verb: Literal["read_status"] = "read_status"


class Subscribe(Request):
    """Tell me what happened from above `since`, and all that happens; of one agent, of some kinds, if any are named.

    Where kinds are named, events are left out and counted while a client does not read.
    """

    verb: Literal["subscribe"] = "subscribe"
    since: int = 0
    agent: AgentId | None = None
    kinds: tuple[str, ...] = ()


class ShutDownRuntime(Request):
    """Stop everything in order, within the time."""

    verb: Literal["shutdown"] = "shutdown"
    reason: str = "requested"


AnyRequest: TypeAlias = Annotated[
    AskAgent
    | SendMessage
    | AwaitAnswer
    | CancelMessage
    | Resolve
    | RetryDead
    | StartAgent
    | StopAgent
    | RestartAgent
    | ReloadAgent
    | SignalAgent
    | ReadStack
    | ReadCrashes
    | AwaitReady
    | ReadStatus
    | Subscribe
    | ShutDownRuntime,
    Field(discriminator="verb"),
]


class Answered(Frozen):
    """The outcome of one request: a value, or an error by its name in `scr.errors`, with its sentence."""

    kind: Literal["answered"] = "answered"
    ref: int
    value: JsonValue = None
    error: str | None = None
    detail: str = ""
    info: ErrorInfo | None = None


class Happened(Frozen):
    """One event, to a subscriber."""

    kind: Literal["happened"] = "happened"
    record: Record


class Streamed(Frozen):
    """One chunk, to a client that reads the stream of a message under `ref`."""

    kind: Literal["streamed"] = "streamed"
    ref: int
    delivery: int
    number: int
    data: JsonValue = None


FromControl: TypeAlias = Annotated[Answered | Happened | Streamed, Field(discriminator="kind")]
REQUEST: TypeAdapter[AnyRequest] = TypeAdapter(AnyRequest, config=LATER)
FROM_CONTROL: TypeAdapter[FromControl] = TypeAdapter(FromControl, config=LATER)


class AgentStatus(Frozen):
    """One agent, or one supervisor, as it is now.

    `restarts` of `max_restarts` within `within_s` is how much of a limit is
    used up: of a supervisor its own; of an agent the one that its restarts
    count against, which it shares with its siblings unless it `parks`.
    `mailbox` counts what waits and what is in hand, `retries` what waits for
    its next try.  `progress_s` is how long
    ago its handler took a message or said that it gets on, `beat_s` how long
    ago its interpreter answered.  `end` is how its last process ended.
    """

    id: str
    supervisor: str
    type: Literal["agent", "supervisor"]
    phase: str
    pid: int | None = None
    incarnation: int = 0
    code: str = ""
    restarts: int = 0
    max_restarts: int = 0
    within_s: float = 0.0
    parks: bool = False
    mailbox: int = 0
    retries: int = 0
    in_hand: str | None = None
    in_hand_type: str | None = None
    in_hand_s: float | None = None
    deliveries: int = 0
    progress_s: float | None = None
    beat_s: float | None = None
    uptime_s: float | None = None
    end: str = ""


class RuntimeStatus(Frozen):
    """The whole runtime as it is now; `agents` in start order, each supervisor before those below it.

    `helpers` are processes that are no agents: the zygote's pid, the number of standbys.
    """

    runtime: str
    run: str = ""
    pid: int
    uptime_s: float
    agents: tuple[AgentStatus, ...]
    open_messages: int
    dead_letters: int
    crashes: int = 0
    in_doubt: int = 0
    store: StoreStatus = StoreStatus(url="memory:")
    helpers: dict[str, int]
