"""What one agent wrote and lived through, as lines.

Pure.
"""

from __future__ import annotations

from datetime import datetime

from scr.telemetry.events import (
    AgentExited,
    AgentGoneEvent,
    AgentParkedEvent,
    AgentUp,
    LinesDropped,
    Logged,
    MessageParked,
    Printed,
    Progressed,
    Record,
    TurnFailed,
)

MARKS = {"stdout": "out", "stderr": "err"}


def line_of(record: Record) -> str | None:
    """The line for one event, with its time of day; None for what is no matter of a log."""
    match record.event:
        case Printed(stream=stream, text=text):
            mark, said = MARKS[stream], text
        case Logged(text=text) | Progressed(text=text):
            mark, said = "log", text
        case AgentUp(pid=pid, incarnation=incarnation):
            mark, said = "---", f"incarnation {incarnation} is up, pid {pid}"
        case AgentExited(pid=pid, incarnation=incarnation, reason=reason, detail=detail):
            because = f": {detail.splitlines()[0]}" if detail.strip() else ""
            mark, said = "---", f"incarnation {incarnation} ended, pid {pid}: {reason}{because}"
        case AgentGoneEvent(reason=reason, fate=fate):
            how = "gone for good" if fate == "ended" else "down, its mail waits"
            mark, said = "---", f"{how} ({reason})"
        case AgentParkedEvent(detail=detail):
            mark, said = "---", f"parked, its mail waits: {detail}"
        case MessageParked(message_id=message_id, step=step, detail=detail):
            because = f": {detail.splitlines()[0]}" if detail.strip() else ""
            mark, said = "---", f"step {step} of {message_id} is in doubt, it waits for a person (scr doubts){because}"
        case TurnFailed(message_id=message_id, error=error, attempts=attempts) if attempts:
            mark, said = "---", f"try {attempts} of {message_id} failed: {error}"
        case LinesDropped(count=count):
            mark, said = "---", f"{count} more lines than it may print in a second were left out"
        case _:
            return None
    moment = datetime.fromtimestamp(record.time).astimezone()
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03} {mark} | {said}"
