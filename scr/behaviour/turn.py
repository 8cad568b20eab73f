"""What one handler wants to have happened: collected while it runs, one frame when it has returned."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue
from pydantic_core import from_json, to_json

from scr.errors import InvalidMessage
from scr.frames import Commit, Deliver, Entry, StartRequest
from scr.messages import Frozen, Message, Payload, TaskPayload, of_payload


@dataclass(slots=True)
class Turn:
    """The effects of the handler of one message.  None of them leaves the process before `commit`."""

    delivery: Deliver
    max_sends: int
    sends: list[Message] = field(default_factory=list)
    starts: list[StartRequest] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    monitors: list[str] = field(default_factory=list)
    demonitors: list[str] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    recorded: dict[str, JsonValue] = field(default_factory=dict)
    names: Counter[str] = field(default_factory=Counter)
    ends: bool = False

    def __post_init__(self) -> None:
        self.recorded = {step.name: step.value for step in self.delivery.steps}

    @property
    def message(self) -> Message:
        """The message in hand."""
        return self.delivery.message

    def send(self, message: Message) -> None:
        """Add a message.  Raises InvalidMessage when the turn holds as many as it may."""
        if len(self.sends) >= self.max_sends:
            raise InvalidMessage(
                f"one turn may send {self.max_sends} messages; {message.to!r} would be one more: "
                "send the rest from a later turn (send yourself a task)"
            )
        self.sends.append(message)

    def step_name(self, name: str) -> str:
        """The name under which this occurrence of a step is recorded: unique in the turn, the same in a repeat."""
        self.names[name] += 1
        return name if self.names[name] == 1 else f"{name}#{self.names[name]}"

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
            ends=self.ends,
        )


def compose(payload: Payload | Any, envelope: dict[str, Any]) -> Message:
    """The message of a payload; plain JSON becomes a task.  Raises InvalidMessage naming what does not fit."""
    if isinstance(payload, Frozen):
        return of_payload(payload, envelope)
    return of_payload(TaskPayload(task_id=envelope["message_id"], input=plain(payload, "a payload")), envelope)


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
