"""Events of a message's life, as the log and the store have them.

Pure.
"""

from __future__ import annotations

from scr.messages import Message, Task
from scr.protocol.frames import StepRecord
from scr.retry import ErrorInfo
from scr.step_names import shown_step
from scr.telemetry.events import MessageAccepted, StepRecorded

TITLE_CHARACTERS = 500


def accepted(message: Message) -> MessageAccepted:
    """Return the event of a message that is now in the runtime's care; a task's title is for people."""
    title = ""
    if isinstance(message, Task):
        given = message.payload.input
        named = given.get("title") if isinstance(given, dict) else None
        title = f"{message.payload.kind}: {named}" if isinstance(named, str) else message.payload.kind
        title = title[:TITLE_CHARACTERS]
    return MessageAccepted(
        message_id=message.message_id,
        type=message.type,
        sender=message.sender,
        to=message.to,
        run_id=message.run_id,
        trace_id=message.trace_id,
        title=title,
    )


def recorded(message: Message, step: StepRecord) -> StepRecorded:
    """Return the event of a step that is complete."""
    shown = shown_step(step.name)
    record = step.name if step.name != shown else ""
    return StepRecorded(message_id=message.message_id, agent=message.to, step=shown, record=record)


def summary(error: ErrorInfo) -> str:
    """Return type and text of an error in one line."""
    return f"{error.type}: {error.message}" if error.message else error.type
