"""What one handler wants to have happened: collected while it runs, one frame when it has returned."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import JsonValue
from pydantic_core import from_json, to_json

from scr.behaviour.claims import Claim, Claims
from scr.errors import InvalidMessage, ReplayDiverged, ScrError
from scr.frames import Commit, Deliver, Entry, InDoubt, StartRequest, StepRecord, Timer, shown_step
from scr.messages import Message, Payload, TaskPayload, of_payload
from scr.values import Frozen

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
    made of it.  `entries_version` is what its recalls must see; while it
    `is_behind`, that may be more.  `unwinding` is why the turn will not commit, whatever its
    handler makes of that; a turn that is `over` takes nothing any more.
    """

    delivery: Deliver
    max_sends: int
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
    over: bool = False
    unwinding: Abandoned | ReplayDiverged | None = None
    entries_version: int = 0
    is_behind: bool = False
    recalled: bool = False

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
        """Add a message that is to be sent later.  Raises InvalidMessage as `send` does."""
        self._count(timer.message)
        self.timers.append(timer)

    def cancel_timer(self, message_id: str) -> None:
        """Take a timer of this turn back, or have one of an earlier turn cancelled."""
        kept = [timer for timer in self.timers if timer.message.message_id != message_id]
        if len(kept) == len(self.timers):
            self.cancels.append(message_id)
        self.timers = kept

    def catch_up(self, entries_version: int) -> None:
        """What its recalls must see is known."""
        self.entries_version, self.is_behind = entries_version, False

    def done(self, claim: Claim) -> StepRecord | None:
        """What is recorded of a step that is complete.  Raises ReplayDiverged for any other in a replay."""
        record = self.claims.recorded.get(claim.name)
        if record and record.state == "done":
            return record
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

    def unwind(self, error: Unwinding) -> Unwinding:
        """Remember that the turn will not commit; returns what is to be raised."""
        self.unwinding = error
        return error

    def commit(self, state: JsonValue) -> Commit:
        """Everything as one frame."""
        return Commit(
            message_id=self.message.message_id,
            state=state,
            sends=tuple(self.sends),
            starts=tuple(self.starts),
            stops=tuple(self.stops),
            monitors=tuple(self.monitors),
            demonitors=tuple(self.demonitors),
            entries=tuple(self.entries.values()),
            timers=tuple(self.timers),
            cancels=tuple(self.cancels),
            ends=self.ends,
        )

    def _count(self, message: Message) -> None:
        if self.posted >= self.max_sends:
            raise InvalidMessage(
                f"one turn may send {self.max_sends} messages; {message.to!r} would be one more: "
                "send the rest from a later turn (send yourself a task)"
            )
        self.posted += 1


def compose(payload: Payload | Any, envelope: dict[str, Any]) -> Message:
    """The message of a payload; plain JSON becomes a task.  Raises InvalidMessage naming what does not fit."""
    if isinstance(payload, Frozen):
        return of_payload(payload, envelope)
    return of_payload(TaskPayload(task_id=envelope["message_id"], input=plain(payload, "a payload")), envelope)


def moment(when: float | datetime) -> float:
    """A time on the wall clock in seconds since the epoch; a datetime without a zone is local time.

    Raises InvalidMessage for what no calendar can say.
    """
    at = when.timestamp() if isinstance(when, datetime) else when
    if not 0 <= at <= LATEST:
        raise InvalidMessage(f"a timer cannot be set to {when!r}: give seconds since the epoch, or a datetime")
    return at


def duration(delay_s: float) -> float:
    """Seconds to wait.  Raises InvalidMessage for what is no time."""
    if not delay_s >= 0:
        raise InvalidMessage(f"a timer cannot wait {delay_s!r} s: give seconds from now, 0 or more")
    return delay_s


def plain(value: Any, what: str) -> JsonValue:
    """The value as JSON says it.  Raises InvalidMessage for what JSON cannot say."""
    try:
        said: JsonValue = from_json(to_json(value, inf_nan_mode="constants"), allow_inf_nan=False)
    except (ValueError, RecursionError) as error:
        raise InvalidMessage(
            f"{what} must be JSON (dict, list, str, number, bool, None or a pydantic model), "
            f"but {type(value).__name__} {str(value)[:80]!r} is not: {str(error).splitlines()[0]}"
        ) from error
    return said
