"""What the runtime and one agent's process say to each other over the private channel.

Pure.  A closed set of frozen types in each direction.  Everything is JSON with
a schema: nothing that came from an agent is ever unpickled by the runtime (I8).
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, JsonValue, TypeAdapter

from scr.bounds import FRAME_BYTES
from scr.messages import AgentId, Message, MessageId, Tick
from scr.retry import ErrorInfo
from scr.specs import AgentLimits, AgentSpec, Code, Wanted
from scr.values import LATER, Frozen

VERSION_MAX = COUNT_MAX = (1 << 63) - 1  # what a database calls a number


class ServiceAddress(Frozen):
    """Where a service listens (the path of a Unix socket) and the key that it wants, in hex."""

    path: str
    authkey: str


class StepRecord(Frozen):
    """What is recorded of one step of the turn of one message: its result, or that a `once` step has begun.

    `name` is unique in the turn.  `digest` says what the step was called with; that of a question is the id of its
    message, and it is empty in what an SCR that knew steps by their order has written.  One that is not done had
    begun, and is known not to have happened.  With `later` the result is left out of the frame: `ReadStep` asks for it.
    """

    name: str
    value: JsonValue = None
    state: Literal["begun", "done", "not done"] = "done"
    later: bool = False
    digest: str = ""


class Timer(Frozen):
    """A message that is to be sent later: at `due` (wall clock), or `after_s` from the commit while the runtime lives.

    Its id is the message's.  One whose message is a `Tick` is known by its agent and name too, and fires again and
    again, each time under another id.
    """

    message: Message
    due: float
    after_s: float | None = None


def name_of(timer: Timer) -> str:
    """Return the name of a timer that fires again and again; empty for one that fires once."""
    return timer.message.payload.name if isinstance(timer.message, Tick) else ""


class Entry(Frozen):
    """Something an agent remembers.  `version` is the store's, ascending; 0 before the commit."""

    key: str
    value: JsonValue = None
    version: int = 0


# From the runtime to the agent.


class Become(Frozen):
    """The first frame: be this incarnation of this agent.  `pulse` is the path of its page.

    `services` are the addresses of the agents that serve the others, by name.
    With `retries` an exception in a handler fails its turn; else it ends the process.
    `messages` says what a function is given.
    """

    kind: Literal["become"] = "become"
    agent: AgentId
    incarnation: int
    code: Code
    options: dict[str, JsonValue] = {}
    state: JsonValue = None
    services: dict[str, ServiceAddress] = {}
    pulse: str | None = None
    limits: AgentLimits = AgentLimits()
    max_sends: int = 1000
    max_frame_bytes: int = FRAME_BYTES
    retries: bool = False
    messages: Wanted = "tasks"


class Deliver(Frozen):
    """Handle this message.

    `deliveries` counts this delivery too, `attempt` the tries that ended by
    an exception, and this one; `steps` are what earlier ones recorded, the
    first of them where there are `more`: `ReadSteps` asks for those;
    `deadline_s` is the handler's budget; `entries_version` is
    what the table must have reached before a recall may answer; for a message
    that was sent `ahead` it may have to be more by its turn, and `ReadVersion`
    tells.  In a `replay` a step that is not recorded must not be run.
    """

    kind: Literal["deliver"] = "deliver"
    message: Message
    deliveries: int = 1
    attempt: int = 1
    steps: tuple[StepRecord, ...] = ()
    more: bool = False
    deadline_s: float = 300.0
    entries_version: int = 0
    ahead: bool = False
    replay: bool = False


class Answer(Frozen):
    """The outcome of whatever had a `ref`: a value, or an error's name and sentence."""

    kind: Literal["answer"] = "answer"
    ref: int
    value: JsonValue = None
    error: str | None = None
    detail: str = ""
    info: ErrorInfo | None = None


class Halt(Frozen):
    """Stop in order: finish the message in hand, run `on_stop`, end."""

    kind: Literal["halt"] = "halt"
    reason: str = "requested"


# From the agent to the runtime.


class Named(Frozen):
    """The process has read who it is: from here on its end is the agent's own."""

    kind: Literal["named"] = "named"


class Ready(Frozen):
    """The agent's start is complete; these are the timers that it has set and cancelled in `on_start`."""

    kind: Literal["ready"] = "ready"
    timers: tuple[Timer, ...] = ()
    cancels: tuple[MessageId, ...] = ()


class Ignore(Frozen):
    """The agent chose not to start; that is no failure."""

    kind: Literal["ignore"] = "ignore"


class StartRequest(Frozen):
    """Start this agent under that supervisor."""

    supervisor: AgentId
    spec: AgentSpec


class Commit(Frozen):
    """One turn, whole: the ack of the message and everything that it caused.

    `state` is None when it has not changed.  `cancels` are ids or names of timers.
    With `ends` the agent ends normally after it.  It is `unanswered` when it is the turn of a task that has no reply
    and keeps none open.
    """

    kind: Literal["commit"] = "commit"
    message_id: MessageId
    state: JsonValue = None
    sends: tuple[Message, ...] = ()
    starts: tuple[StartRequest, ...] = ()
    stops: tuple[AgentId, ...] = ()
    monitors: tuple[AgentId, ...] = ()
    demonitors: tuple[AgentId, ...] = ()
    entries: tuple[Entry, ...] = ()
    timers: tuple[Timer, ...] = ()
    cancels: tuple[MessageId, ...] = ()
    ends: bool = False
    unanswered: bool = False


class StepBegun(Frozen):
    """A `once` step of the turn of `message_id` is about to run: answer when that is in the store."""

    kind: Literal["step_begun"] = "step_begun"
    ref: int
    message_id: MessageId
    name: str
    digest: str = ""


class StepDone(Frozen):
    """A step of the turn of `message_id` is complete, or taken back: answer when that is in the store."""

    kind: Literal["step_done"] = "step_done"
    ref: int
    message_id: MessageId
    step: StepRecord


class FailTurn(Frozen):
    """Instead of a commit: the handler raised, and nothing of the turn has happened.

    `names` are the full names of the exception's class and its bases; `after_s` is given by `scr.TryLater`;
    `in_doubt`: it is `scr.StepInDoubt`, and nothing else.  The answer's value says whether what was sent ahead is to
    be forgotten.  A process that is to be replaced gets nothing more but the request to stop.
    """

    kind: Literal["turn_failed"] = "turn_failed"
    ref: int
    message_id: MessageId
    names: tuple[str, ...]
    after_s: float | None = None
    in_doubt: bool = False
    error_type: str = ""
    message: str = ""
    traceback: str = ""


class ReadSteps(Frozen):
    """Give me a page of what earlier deliveries of the message recorded, from above the first `after`."""

    kind: Literal["read_steps"] = "read_steps"
    ref: int
    message_id: MessageId
    after: Annotated[int, Field(ge=0)]


class ReadStep(Frozen):
    """Give me the result of this recorded step."""

    kind: Literal["read_step"] = "read_step"
    ref: int
    message_id: MessageId
    name: str


class InDoubt(Frozen):
    """Instead of a commit: the `once` step recorded as `step` had begun, and it is not known how it ended.

    The message is parked until a person says; the agent goes on with the next one.
    """

    kind: Literal["in_doubt"] = "in_doubt"
    message_id: MessageId
    step: str
    detail: str = ""


class Ask(Frozen):
    """Send this at once and answer me with its result.  Belongs to the turn of `message_id`, as step `step`.

    `former` is the step as which an SCR that knew steps by their order would have asked it, in a redelivery.
    """

    kind: Literal["ask"] = "ask"
    ref: int
    message_id: MessageId
    step: str
    message: Message
    timeout_s: float
    former: str = ""


class Fetch(Frozen):
    """Give me a page of what agents remember, in order of version, from above `after`: fewer where they are large."""

    kind: Literal["fetch"] = "fetch"
    ref: int
    after: Annotated[int, Field(ge=0, le=VERSION_MAX)] = 0
    limit: Annotated[int, Field(ge=1, le=10_000)] = 1000


class ReadVersion(Frozen):
    """Tell me the version of the newest of what agents remember."""

    kind: Literal["read_version"] = "read_version"
    ref: int


class Stream(Frozen):
    """Pass a chunk on to the clients that wait for the answer to the message in hand; number `number` of a delivery."""

    kind: Literal["stream"] = "stream"
    message_id: MessageId
    delivery: Annotated[int, Field(ge=1)]
    number: Annotated[int, Field(ge=0)]
    data: JsonValue = None


class Log(Frozen):
    """One line for people."""

    kind: Literal["log"] = "log"
    text: Annotated[str, Field(max_length=8192)]


class Progress(Frozen):
    """Tell people how far something is: `done` of `total`.  `message_id` is in hand, where a handler tells it."""

    kind: Literal["progress"] = "progress"
    message_id: MessageId | None = None
    done: Annotated[int, Field(ge=0, le=COUNT_MAX)]
    total: Annotated[int, Field(ge=1, le=COUNT_MAX)]
    note: Annotated[str, Field(max_length=8192)] = ""


class Exiting(Frozen):
    """The exit record: the last frame of a process that could still speak."""

    kind: Literal["exiting"] = "exiting"
    reason: Literal["normal", "shutdown", "error", "start_failed"]
    error_type: str = ""
    message: str = ""
    traceback: str = ""


FromRuntime: TypeAlias = Annotated[Become | Deliver | Answer | Halt, Field(discriminator="kind")]
FromAgent: TypeAlias = Annotated[
    Named
    | Ready
    | Ignore
    | Commit
    | FailTurn
    | StepBegun
    | StepDone
    | ReadSteps
    | ReadStep
    | InDoubt
    | Ask
    | Fetch
    | ReadVersion
    | Stream
    | Log
    | Progress
    | Exiting,
    Field(discriminator="kind"),
]
FROM_RUNTIME: TypeAdapter[FromRuntime] = TypeAdapter(FromRuntime, config=LATER)
FROM_AGENT: TypeAdapter[FromAgent] = TypeAdapter(FromAgent, config=LATER)
