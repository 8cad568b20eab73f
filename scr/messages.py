"""What agents say to each other: an envelope and a typed payload, frozen, in a closed set of types.

Pure: ids and the wall clock come in as arguments.  A message that does not fit
is refused by `decode` with an error that names the field.  The wire form is
JSON, and the round trip is exact for every type.
"""

from __future__ import annotations

import operator
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import BaseModel, Field, GetCoreSchemaHandler, JsonValue, TypeAdapter, ValidationError
from pydantic_core.core_schema import CoreSchema, simple_ser_schema

from scr.errors import InvalidMessage
from scr.retry import ErrorInfo, Retry
from scr.values import LATER, Frozen, complaint

AgentId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.:/#-]+$")]
MessageId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$")]

TICK_MIN_S, TICK_MAX_S = 0.01, 3660 * 24 * 3600.0
"""The shortest and the longest period of a timer: a hundredth of a second, ten years."""
CLIENT, RUNTIME = "client", "runtime"
"""The addresses of whoever is outside, and of the runtime itself: no agent can have them."""


class ExitReason(StrEnum):
    """Why a process ended (`../supervise/exits.py` decides which)."""

    NORMAL = "normal"
    SHUTDOWN = "shutdown"
    ERROR = "error"
    KILLED = "killed"
    CRASHED = "crashed"
    HUNG = "hung"
    OUT_OF_MEMORY = "out_of_memory"
    START_FAILED = "start_failed"


class TaskPayload(Frozen):
    """One piece of work: a kind that the receiver knows, and its input.

    `retry` overrides the policy of the agent.  Tasks of clients that share an `order_key` are handled in order.
    """

    task_id: str
    kind: str = "task"
    input: JsonValue = None
    retry: Retry | None = None
    order_key: Annotated[str, Field(min_length=1, max_length=128)] | None = None


class ResultPayload(Frozen):
    """What came out of a task.  `failed`: not what was asked for; `output` says why."""

    task_id: str
    output: JsonValue = None
    failed: Annotated[bool, Field(exclude_if=operator.not_)] = False


class CritiquePayload(Frozen):
    """A judgement of a result: 0 (nothing holds) to 1 (all holds), and what fails."""

    task_id: str
    score: Annotated[float, Field(ge=0, le=1)]
    failing: tuple[JsonValue, ...] = ()
    comment: str = ""


class StatusPayload(Frozen):
    """How far somebody is: for people and for whoever keeps count."""

    state: str
    detail: JsonValue = None


class PingPayload(Frozen):
    """Answered by a pong with the same nonce."""

    nonce: str = ""


class StopPayload(Frozen):
    """A request to stop, with its reason."""

    reason: str = "requested"


class DownPayload(Frozen):
    """A monitored agent ended and will not come back by itself."""

    agent: AgentId
    reason: ExitReason | Literal["unknown_agent", "parked"]
    detail: str = ""


class TimerPayload(Frozen):
    """A timer of the agent's own is due: its name, and the seconds from one tick to the next."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$")]
    every_s: Annotated[float, Field(ge=TICK_MIN_S, le=TICK_MAX_S, allow_inf_nan=False)]


class FailurePayload(Frozen):
    """A message of yours will not be handled, or was not answered: which one, whose it was to be, and why."""

    message_id: MessageId
    agent: str
    reason: Literal[
        "quarantined",
        "failed",
        "unknown_agent",
        "mailbox_full",
        "agent_gone",
        "cancelled",
        "refused",
        "unanswered",
    ]
    detail: str = ""
    deliveries: Annotated[int, Field(ge=0)] = 0
    error: ErrorInfo | None = None


class Envelope(Frozen):
    """The part that all messages share.

    `timestamp` is wall clock (seconds since the epoch), for display alone.
    `trace_id` is the message that began it all.
    """

    message_id: MessageId
    sender: AgentId
    to: AgentId
    timestamp: float
    in_reply_to: MessageId | None = None
    run_id: str | None = None
    trace_id: str


class Task(Envelope):
    """Do this."""

    type: Literal["task"] = "task"
    payload: TaskPayload


class Result(Envelope):
    """This came out."""

    type: Literal["result"] = "result"
    payload: ResultPayload


class Critique(Envelope):
    """This is how good it is."""

    type: Literal["critique"] = "critique"
    payload: CritiquePayload


class Status(Envelope):
    """This is how far I am."""

    type: Literal["status"] = "status"
    payload: StatusPayload


class Ping(Envelope):
    """Tell me that you are there."""

    type: Literal["ping"] = "ping"
    payload: PingPayload = PingPayload()


class Pong(Envelope):
    """I am."""

    type: Literal["pong"] = "pong"
    payload: PingPayload = PingPayload()


class Stop(Envelope):
    """End yourself, please, after this message."""

    type: Literal["stop"] = "stop"
    payload: StopPayload = StopPayload()


class Tick(Envelope):
    """A timer that this agent has set is due."""

    type: Literal["timer"] = "timer"
    payload: TimerPayload


class Down(Envelope):
    """Somebody whom you monitor has ended."""

    type: Literal["down"] = "down"
    payload: DownPayload


class Failure(Envelope):
    """A message of yours will not be handled."""

    type: Literal["failure"] = "failure"
    payload: FailurePayload


class AsItself:
    """A union whose values are written as what they are: pydantic would look for their type once more, at that cost."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of the union, with the serializer of any value."""
        return cast("CoreSchema", {**handler(source), "serialization": simple_ser_schema("any")})


Message: TypeAlias = Annotated[
    Task | Result | Critique | Status | Ping | Pong | Stop | Tick | Down | Failure,
    Field(discriminator="type"),
    AsItself,
]
Payload: TypeAlias = (
    TaskPayload
    | ResultPayload
    | CritiquePayload
    | StatusPayload
    | PingPayload
    | StopPayload
    | TimerPayload
    | DownPayload
    | FailurePayload
)
MESSAGE_OF: dict[type[Frozen], type[Task | Result | Critique | Status | Ping | Stop]] = {
    TaskPayload: Task,
    ResultPayload: Result,
    CritiquePayload: Critique,
    StatusPayload: Status,
    PingPayload: Ping,
    StopPayload: Stop,
}
MESSAGE: TypeAdapter[Message] = TypeAdapter(Message, config=LATER)


def to_json(value: BaseModel) -> bytes:
    """The model as JSON.  Raises ValueError for what JSON cannot say.

    The serializer itself: `model_dump_json` takes twice as long for a small model.
    """
    return value.__pydantic_serializer__.to_json(value)


def encode(message: Message) -> bytes:
    """The wire form.  Raises InvalidMessage for what JSON cannot say (NaN, a lone surrogate)."""
    try:
        return to_json(message)
    except ValueError as error:
        raise InvalidMessage(f"the {message.type} to {message.to!r} cannot be written as JSON: {error}") from error


def decode(data: bytes | str) -> Message:
    """A message from its wire form.  Raises InvalidMessage naming the type or the field."""
    try:
        return MESSAGE.validate_json(data)
    except ValidationError as error:
        raise InvalidMessage(complaint("message", error)) from error


def of_payload(payload: Frozen, envelope: dict[str, Any]) -> Message:
    """The message that carries this payload.  Raises InvalidMessage naming what does not fit."""
    try:
        return MESSAGE_OF[type(payload)](payload=payload, **envelope)
    except ValidationError as error:
        raise InvalidMessage(complaint("message", error)) from error
    except KeyError as error:
        raise InvalidMessage(f"{type(payload).__name__} is for the runtime alone; no agent can send it") from error


def derive_id(parent: str, what: int | str) -> str:
    """The id of something that grew out of `parent` (the nth, or by name): the same whenever the turn is run again."""
    return blake2b(f"{parent}/{what}".encode(), digest_size=12).hexdigest()


def follow(
    cause: Envelope, n: int, *, sender: str, to: str, at: float, in_reply_to: str | None = None
) -> dict[str, Any]:
    """Envelope fields of the nth message sent in the turn of `cause`; `at` is wall clock."""
    return {
        "message_id": derive_id(cause.message_id, n),
        "sender": sender,
        "to": to,
        "timestamp": at,
        "in_reply_to": in_reply_to,
        "run_id": cause.run_id,
        "trace_id": cause.trace_id,
    }


def origin(*, message_id: str, sender: str, to: str, at: float, run_id: str | None = None) -> dict[str, Any]:
    """Envelope fields of a message that nothing caused; `at` is wall clock."""
    return {
        "message_id": message_id,
        "sender": sender,
        "to": to,
        "timestamp": at,
        "run_id": run_id,
        "trace_id": message_id,
    }
