"""What a store holds, and what a runtime begins from, as frozen values.

Pure.  Times are wall clock, in seconds since the epoch, and for display alone,
but where a field says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Literal, TypeAlias

from pydantic import JsonValue

from scr.messages import AgentId, Failure, Message, MessageId, Result, derive_id
from scr.protocol.frames import Commit, StartRequest, StepRecord, Timer
from scr.protocol.status import RunState
from scr.retry import ErrorInfo
from scr.specs import AgentSpec, SupervisorSpec

REASON_MAX = 1000


Kind: TypeAlias = Literal["result", "failure", "cancelled"]
ENDS: Mapping[Kind, RunState] = {
    "result": RunState.DONE,
    "failure": RunState.FAILED,
    "cancelled": RunState.CANCELLED,
}
"""Where a run stands whose first message has an answer of that kind."""


def kind_of(answer: Message) -> Kind:
    """Tell whether an answer is what was asked for."""
    match answer:
        case Failure(payload=payload):
            return "cancelled" if payload.reason == "cancelled" else "failure"
        case Result(payload=payload) if payload.failed:
            return "failure"
        case _:
            return "result"


def reason_of(answer: Message | None) -> str:
    """Tell why a run has failed whose first message has that answer; empty where it has not, or does not say."""
    match answer:
        case Failure(payload=payload):
            error = f"{payload.error.type}: {payload.error.message}" if payload.error else ""
            reason = ": ".join(part for part in (payload.reason, payload.detail or error) if part)
        case Result(payload=payload) if payload.failed:
            output = payload.output
            reason = str(output.get("error", output) if isinstance(output, dict) else output)
        case _:
            reason = ""
    return reason if len(reason) <= REASON_MAX else f"{reason[:REASON_MAX]}…"


@dataclass(frozen=True, slots=True)
class Opening:
    """The run that a runtime wants to own.

    `tree`, `title` and `first`, the message that begins it, are kept when the store does not know the run yet.

    `owner` names the runtime's process so that others can tell whether it lives: see `lease.py`.  `ticket` is the
    owner that has claimed the run for this runtime, where one has.
    """

    run: str
    runtime: str
    owner: str
    tree: SupervisorSpec
    title: str = ""
    lease_s: float = 5.0
    first: Message | None = None
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that is not over, as its row says.  `is_free`: this process may take it; else the lease has `left_s`."""

    run: str
    state: RunState
    epoch: int
    seq: int
    is_free: bool
    left_s: float


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that will not be handled, and why; `error` when its handler raised or its agent's process died."""

    message: Message
    reason: str
    detail: str
    deliveries: int
    time: float = 0.0
    error: ErrorInfo | None = None


@dataclass(frozen=True, slots=True)
class OpenAsk:
    """A question under way: `message_id` was sent for step `step` of the turn of `asked_in`, which `agent` has in hand.

    `until` is when it times out.
    """

    message_id: MessageId
    agent: AgentId
    asked_in: MessageId
    step: str
    until: float


@dataclass(frozen=True, slots=True)
class AskAnswer:
    """The send `message_id` answers the open ask `ask_id`: its output is a recorded step of the turn of `asked_in`."""

    message_id: MessageId
    ask_id: MessageId
    asked_in: MessageId
    step: StepRecord


@dataclass(frozen=True, slots=True)
class CommittedTurn:
    """One turn as it is kept: the frame, whose it is, and which of its sends answer asks.

    `ended` are the ids of the timers that it replaces or cancels by name.  `failure` is what its client gets where
    it has no answer.
    """

    agent: AgentId
    incarnation: int
    frame: Commit
    answers: tuple[AskAnswer, ...] = ()
    ended: tuple[MessageId, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that a committed turn has asked of the supervisor and that is not known to be done: start, or stop."""

    effect_id: str
    agent: AgentId
    message_id: MessageId
    start: StartRequest | None = None
    stop: AgentId | None = None


@dataclass(frozen=True, slots=True)
class KeptAgent:
    """An agent that exists: its specification, its supervisor, its last incarnation, its last committed state.

    `parked` is why it is kept down, or empty.
    """

    spec: AgentSpec
    supervisor: AgentId
    incarnation: int = 0
    state: JsonValue = None
    parked: str = ""


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """An accepted message without an outcome.  `parked` is the step that is in doubt, or empty; `doubt` says why.

    `attempts`, `deaths` and `outage_since` are what it was charged with (`scr.charging`).  `due` is when it is tried
    again, None when it does not wait for that.
    """

    message: Message
    deliveries: int = 0
    attempts: int = 0
    deaths: int = 0
    outage_since: float | None = None
    due: float | None = None
    steps: tuple[StepRecord, ...] = ()
    parked: str = ""
    doubt: str = ""


def with_step(kept: KeptMessage, step: StepRecord) -> KeptMessage:
    """Return the message with what is known of a step now: what is done stays done."""
    steps = {record.name: record for record in kept.steps}
    known = steps.get(step.name)
    if step.state == "done" or (step.state == "begun" and known is None):
        steps[step.name] = step
    elif step.state == "not done" and known and known.state == "begun":
        del steps[step.name]
    return replace(kept, steps=tuple(steps.values()))


@dataclass(frozen=True, slots=True)
class Image:
    """All that a runtime begins from: nothing for a new run, what was acknowledged for one that is resumed.

    `seq` is that of the last event; `mail` is in the order in which it was
    accepted; `agents` in the order in which they first came.  `is_fresh`: no
    runtime has had the run, so nothing of it was ever delivered.
    """

    epoch: int = 1
    seq: int = 0
    agents: tuple[KeptAgent, ...] = ()
    mail: tuple[KeptMessage, ...] = ()
    monitors: tuple[tuple[AgentId, AgentId], ...] = ()
    asks: tuple[OpenAsk, ...] = ()
    timers: tuple[Timer, ...] = ()
    effects: tuple[Effect, ...] = ()
    entries_version: int = 0
    past: Mapping[AgentId, int] = field(default_factory=dict)
    is_fresh: bool = False

    @property
    def resumed(self) -> bool:
        """Whether anything had happened before."""
        return self.seq > 0

    @property
    def incarnations(self) -> dict[AgentId, int]:
        """The last incarnation of every agent that there is or was: the numbering goes on."""
        return {**self.past, **{kept.spec.id: kept.incarnation for kept in self.agents}}


@dataclass(frozen=True, slots=True)
class Given:
    """What a message was given as: by whom, to whom, and a digest of its payload.

    The number of a task is no part of it: each call makes another one.
    """

    sender: AgentId
    to: AgentId
    digest: str

    def conflict(self, other: Given, key: str) -> str:
        """Why a message that is given under the same key is not this one; empty when it is."""
        if self.sender != other.sender:
            return f"the key {key!r} is the id of a message of {self.sender!r}; choose another key"
        if self.to != other.to:
            return f"the key {key!r} was used for {self.to!r} and cannot be used for {other.to!r}; choose another key"
        if self.digest != other.digest:
            return (
                f"the key {key!r} was used for {self.to!r} with another payload (of digest {self.digest[:12]}; this one"
                f" has {other.digest[:12]}); choose another key, or give the same task again"
            )
        return ""


NOT_GIVEN = {"task_id", "retry", "order_key"}
"""What of a task says how it is to be done, and not what."""


def given_of(message: Message) -> Given:
    """What the message was given as: the same for the same input, in whatever order its keys stand."""
    payload = message.payload.model_dump(mode="json", exclude=NOT_GIVEN if message.type == "task" else None)
    text = json.dumps([message.type, payload], sort_keys=True)
    return Given(message.sender, message.to, sha256(text.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of a client's message: never seen, open, or answered; and as what it was given, if kept."""

    state: Literal["unknown", "open", "ended"]
    answer: Message | None = None
    given: Given | None = None

    @property
    def missed(self) -> AgentId:
        """The name under which it found no agent, if it was never delivered; empty otherwise."""
        match self.answer:
            case Failure(payload=failure) if failure.reason == "unknown_agent" and not failure.deliveries:
                return failure.agent
            case _:
                return ""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are of what must not be forgotten."""

    open_messages: int = 0
    parked: int = 0
    dead_letters: int = 0
    crashes: int = 0


def kept_of(kept: KeptMessage | Message) -> KeptMessage:
    """Return a message with what is known of it; one of which nothing is known may be held alone."""
    return kept if isinstance(kept, KeptMessage) else KeptMessage(kept)


def effects_of(agent: AgentId, frame: Commit) -> tuple[Effect, ...]:
    """What a turn wants of the supervisor, in order, each under an id that is the same whenever it is computed."""
    if not (frame.starts or frame.stops):
        return ()
    starts = tuple(
        Effect(derive_id(frame.message_id, f"start {n}"), agent, frame.message_id, start=request)
        for n, request in enumerate(frame.starts)
    )
    stops = tuple(
        Effect(derive_id(frame.message_id, f"stop {n}"), agent, frame.message_id, stop=target)
        for n, target in enumerate(frame.stops)
    )
    return (*starts, *stops)
