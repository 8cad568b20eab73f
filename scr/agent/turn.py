"""What one handler wants to have happened: collected while it runs, one frame when it has returned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, TypeVar

from pydantic import BaseModel, JsonValue
from pydantic_core import to_json

from scr.agent.arguments import LONGEST_S, is_number
from scr.agent.steps.claims import Claims, StepCall
from scr.agent.steps.jsonable import refuse_unlike
from scr.agent.steps.readback import refuse_inexact
from scr.bounds import parsed, refuse_deep, refuse_large, shown, too_deep
from scr.errors import InvalidMessage, ReplayDiverged, ScrError
from scr.messages import Message, Payload, Result, Task, TaskPayload, derive_id, of_payload
from scr.protocol.frames import Commit, Deliver, Entry, InDoubt, StartRequest, StepRecord, Stream, Timer, name_of
from scr.step_names import shown_step
from scr.values import Frozen

LESS = "give less at once, or keep it in a file and give its name"
TOO_DEEP = ("recursion limit", "recursion depth", "serialization depth", "Circular reference")
"""What the readers and writers of JSON say of a value that is nested too deep, or contains itself."""
LATEST = 253_402_300_799.0  # the end of the year 9999: calendars can say no later time


class Abandoned(BaseException):
    """Unwinds the handler of a turn that cannot be completed.  No `Exception`: handlers catch those for other ends."""

    def __init__(self, frame: InDoubt) -> None:
        super().__init__(frame.detail)
        self.frame = frame


Unwinding = TypeVar("Unwinding", Abandoned, ReplayDiverged)


@dataclass(slots=True)
class Turn:
    """The effects of the handler of one message.  None of them leaves the process before `commit`.

    `posted` counts messages and timers, those that were cancelled too: ids are
    made of it.  A value in it may be `most_bytes` large; `fetch` has the values of recorded steps that came
    without.  `entries_version` is what its recalls must see; while it
    `is_behind`, that may be more.  `unwinding` is why the turn will not commit, whatever its
    handler makes of that; a turn that is `over` takes nothing any more.  An agent that `hears` has a handler for what
    comes back of what it sends.
    """

    delivery: Deliver
    max_sends: int
    most_bytes: int | None = None
    fetch: Callable[[str], JsonValue] | None = None
    sends: list[Message] = field(default_factory=list)
    starts: list[StartRequest] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    monitors: list[str] = field(default_factory=list)
    demonitors: list[str] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    timers: list[Timer] = field(default_factory=list)
    cancels: list[str] = field(default_factory=list)
    claims: Claims = field(init=False)
    posted: int = 0
    ends: bool = False
    answers_later: bool = False
    over: bool = False
    unwinding: Abandoned | ReplayDiverged | None = None
    entries_version: int = 0
    is_behind: bool = False
    recalled: bool = False
    streamed: Iterator[int] = field(default_factory=count)
    hears: bool = True

    def __post_init__(self) -> None:
        delivery = self.delivery
        known = {step.name: step for step in delivery.steps}
        is_again = bool(known) or delivery.deliveries > 1
        self.claims = Claims(delivery.message.message_id, known, looks_back=is_again)
        self.entries_version, self.is_behind = self.delivery.entries_version, self.delivery.ahead

    @property
    def message(self) -> Message:
        """The message in hand."""
        return self.delivery.message

    def check(self, verb: str) -> None:
        """Raise what unwinds the turn, or ScrError when it is over: something that its handler started runs on."""
        if self.unwinding:
            raise self.unwinding
        if self.over:
            raise ScrError(
                f"cannot {verb}: the turn of {self.message.message_id} is over; "
                "what a handler starts and does not wait for cannot act in its name"
            )

    def send(self, message: Message) -> None:
        """Add a message.  Raises InvalidMessage when the turn holds as many as it may."""
        self._count(message)
        self.sends.append(message)

    def set_timer(self, timer: Timer) -> None:
        """Add a message that is to be sent later; the last of a name counts.  Raises InvalidMessage as `send` does."""
        self._count(timer.message)
        if name := name_of(timer):
            self.timers = [other for other in self.timers if name_of(other) != name]
        self.timers.append(timer)

    @property
    def next_id(self) -> str:
        """The id of the next message."""
        return derive_id(self.message.message_id, self.posted)

    def cancel_timer(self, timer_id: str) -> None:
        """Take a timer of this turn back, or have one of an earlier turn cancelled, by its id or its name."""
        kept = [timer for timer in self.timers if timer_id not in {timer.message.message_id, name_of(timer)}]
        if not any(timer.message.message_id == timer_id for timer in self.timers):
            self.cancels.append(timer_id)
        self.timers = kept

    def chunk(self, data: JsonValue) -> Stream:
        """Make the next chunk of this delivery."""
        delivery, number = self.delivery.deliveries, next(self.streamed)
        return Stream(message_id=self.message.message_id, delivery=delivery, number=number, data=data)

    @property
    def has_replied(self) -> bool:
        """Whether the message in hand has its result among what is sent."""
        asked = self.message.message_id
        return any(isinstance(message, Result) and message.in_reply_to == asked for message in self.sends)

    def has_made(self, thing: object) -> bool:
        """Tell whether this is a message that the turn sends, now or later."""
        return any(thing is message for message in (*self.sends, *(timer.message for timer in self.timers)))

    def is_unanswered(self, holds: Callable[[str], bool]) -> bool:
        """Tell whether a task is in hand that has no answer, nor one that is kept open; `holds` is of the state."""
        if not isinstance(self.message, Task) or self.answers_later or self.has_replied:
            return False
        if self.hears and (self.sends or self.timers or self.starts or self.monitors):
            return False
        asked = self.message.message_id
        return not (holds(asked) or self._hands_on(asked))

    def _hands_on(self, asked: str) -> bool:
        """Tell whether something that outlives the turn holds the id of the message: what has it can answer."""
        leaving = (*self.sends, *(timer.message for timer in self.timers))
        if any(message.in_reply_to == asked for message in leaving):
            return True
        mark = to_json(asked)[1:-1]
        carried = (message.payload for message in leaving)
        options = (start.spec.options for start in self.starts)
        return any(mark in to_json(value) for value in (*carried, *options, *self.entries.values()))

    def catch_up(self, entries_version: int) -> None:
        """What its recalls must see is known."""
        self.entries_version, self.is_behind = entries_version, False

    def done(self, claim: StepCall) -> StepRecord | None:
        """What is recorded of a step that is complete.  Raises ReplayDiverged for any other in a replay."""
        record = self.claims.recorded.get(claim.name)
        if record and record.state == "done":
            return self._whole(record)
        if self.delivery.replay:
            is_other = record is None and self.claims.finished_elsewhere(claim)
            what = "with other arguments than the run had recorded" if is_other else "which the run had not finished"
            raise self.unwind(
                ReplayDiverged(
                    f"the replay of {self.message.type} {self.message.message_id} to {self.message.to} came to step "
                    f"{shown_step(claim.name)!r}, {what}: the agent's code or what it reads is not what it was"
                )
            )
        return None

    def _whole(self, record: StepRecord) -> StepRecord:
        """The record with its value, which the runtime gives when it is wanted."""
        if not record.later or self.fetch is None:
            return record
        return record.model_copy(update={"value": self.fetch(record.name), "later": False})

    def unwind(self, error: Unwinding) -> Unwinding:
        """Remember that the turn will not commit; returns what is to be raised."""
        self.unwinding = error
        return error

    def commit(self, state: JsonValue, *, holds: Callable[[str], bool] = lambda _: False) -> Commit:
        """Everything as one frame; `holds` tells whether the state that is committed holds a text."""
        frame = Commit(
            message_id=self.message.message_id,
            sends=tuple(self.sends),
            starts=tuple(self.starts),
            stops=tuple(self.stops),
            monitors=tuple(self.monitors),
            demonitors=tuple(self.demonitors),
            entries=tuple(self.entries.values()),
            timers=tuple(self.timers),
            cancels=tuple(self.cancels),
            ends=self.ends,
            unanswered=self.is_unanswered(holds),
        )
        if state is None:
            return frame
        return frame.model_copy(
            update={"state": state}
        )  # it is JSON: to validate a large one takes longer than the rest

    def _count(self, message: Message) -> None:
        if self.posted >= self.max_sends:
            raise InvalidMessage(
                f"one turn may send {self.max_sends} messages; {message.to!r} would be one more: "
                "send the rest from a later turn (send yourself a task)"
            )
        self.posted += 1


def compose(payload: Payload | Any, envelope: dict[str, Any], most_bytes: int | None = None) -> Message:
    """The message of a payload; plain JSON becomes a task.

    Raises InvalidMessage naming what does not fit, or what is larger than `most_bytes`.
    """
    if isinstance(payload, Frozen):
        refuse_inexact(payload, f"a {type(payload).__name__}")  # what is in it may have changed since it was made
        message = of_payload(payload, envelope)
        refuse_uncarried(payload, most_bytes)
        return message
    given = plain(payload, "a payload", most_bytes)
    return of_payload(TaskPayload(task_id=envelope["message_id"], input=given), envelope)


def overfull(turn: Commit, why: str) -> str:
    """The sentence about a turn that is too large to commit, which names its largest part."""
    parts = {name: len(to_json(getattr(turn, name))) for name in ("state", "sends", "starts", "entries", "timers")}
    largest = max(parts, key=lambda name: parts[name])
    return f"the turn of {turn.message_id} cannot be committed, its {largest} are {parts[largest]} bytes: {why}"


def moment(when: float | datetime) -> float:
    """A time on the wall clock in seconds since the epoch; a datetime without a zone is local time.

    Raises InvalidMessage for what no calendar can say.
    """
    try:
        at = when.timestamp() if isinstance(when, datetime) else when
    except (ValueError, OverflowError, OSError):  # a datetime without a zone, at the end of what a calendar can say
        at = -1.0
    if not is_number(at) or not 0 <= at <= LATEST:
        raise InvalidMessage(f"a timer cannot be set to {shown(when)}: give seconds since the epoch, or a datetime")
    return float(at)


def duration(delay_s: float) -> float:
    """Seconds to wait.  Raises InvalidMessage for what is no time."""
    if not is_number(delay_s) or not 0 <= delay_s <= LONGEST_S:
        raise InvalidMessage(f"a timer cannot wait {shown(delay_s)} s: give seconds from now, 0 to {LONGEST_S:.0f}")
    return float(delay_s)


def plain(value: Any, what: str, most_bytes: int | None = None) -> JsonValue:
    """The value as JSON says it.

    Raises InvalidMessage for what JSON cannot say or would change, what is nested too deep, and what is larger than
    `most_bytes`.
    """
    try:
        refuse_unlike(value, what)
        given = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        text = to_json(given, inf_nan_mode="constants")
        said = parsed(text)
    except (ValueError, RecursionError) as error:
        raise InvalidMessage(unsaid(value, what, str(error).splitlines()[0])) from error
    if most_bytes is not None:
        refuse_large(len(text), most_bytes, what, LESS)
    return said


def unsaid(value: object, what: str, why: str) -> str:
    """The sentence about a value that JSON cannot say."""
    if any(word in why for word in TOO_DEEP):
        return too_deep(what)
    if "number out of range" in why:
        return f"{what} must be JSON, but holds a number of more digits than a reader of JSON takes: give it as text"
    kinds = "dict, list, str, number, bool, None or a pydantic model"
    return f"{what} must be JSON ({kinds}), but {shown(value)} is not: {why}"


def refuse_uncarried(payload: Frozen, most_bytes: int | None = None) -> None:
    """Raise InvalidMessage for a payload that no frame can carry."""
    what = f"a {type(payload).__name__}"
    try:
        text = payload.__pydantic_serializer__.to_json(payload)
    except ValueError as error:
        raise InvalidMessage(unsaid(payload, what, str(error).splitlines()[0])) from error
    refuse_deep(text, what, around=1)
    if most_bytes is not None:
        refuse_large(len(text), most_bytes, what, LESS)
