"""Events in short, for a reader whose frames cannot hold all of one.

Pure.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from scr.telemetry.events import Record

SHORT, SHORT_LIST = 128, 4


def shortened(record: Record) -> Record:
    """Return the record with the beginning of each of its texts."""
    event = record.event
    changed: dict[str, Any] = {}
    for field in fields(event):
        value = getattr(event, field.name)
        if isinstance(value, str):
            changed[field.name] = value[:SHORT]
        elif isinstance(value, tuple):
            changed[field.name] = tuple(text[:SHORT] for text in value[:SHORT_LIST])
    return replace(record, event=replace(event, **changed))
