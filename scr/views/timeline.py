"""Every event of a run as a line: when, what, and which event it came of.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scr.telemetry.events import Record
from scr.views.columns import cut
from scr.views.stored_runs import short

SAYINGS: Mapping[str, str] = {
    "runtime_up": "runtime {runtime} up, pid {pid}, owner {epoch} of the run",
    "runtime_down": "runtime down: {reason}",
    "agent_starting": "{agent} is being started under {supervisor}, incarnation {incarnation}",
    "agent_up": "{agent} up, incarnation {incarnation}, pid {pid}",
    "agent_exited": "{agent} ended: {reason} {detail}",
    "agent_gone": "{agent} is down ({fate}): {reason} {detail}",
    "agent_parked": "{agent} is parked, its mail waits: {detail}",
    "agent_halted": "{agent} was halted from outside, pid {pid}",
    "agent_resumed": "{agent} was continued, pid {pid}",
    "agent_unkillable": "{agent} is still there after SIGKILL, pid {pid}",
    "supervisor_gave_up": "supervisor {supervisor} gave up",
    "message_accepted": "{message_id} accepted: {type} from {sender} to {to} {title}",
    "message_delivered": "{message_id} delivered to {agent}, delivery {deliveries}, {steps_reused} steps reused",
    "turn_failed": "{message_id} failed in {agent}, attempt {attempts}, death {deaths}: {error}",
    "turn_committed": "{message_id} handled by {agent}, {sends} messages sent",
    "step_recorded": "{message_id} step {step} of {agent} recorded",
    "message_buried": "{message_id} to {to} is a dead letter: {reason} after {deliveries} deliveries",
    "message_parked": "{message_id} in doubt: step {step} of {agent} {detail}",
    "message_cancelled": "{message_id} to {to} cancelled",
    "store_changed": "the store is {state} {detail}",
    "logged": "{agent}: {text}",
    "progressed": "{agent}: {note} {done:,} of {total:,}",
    "printed": "{agent} | {text}",
}
"""Kinds that are not named here are told by their fields."""


def line_of(record: Record, first: float, width: int | None = None) -> str:
    """The line for one event; `first` is the wall clock that it counts from."""
    cause = f"  (of {record.cause})" if record.cause else ""
    head = f"{record.seq:>6}  {record.time - first:>+9.3f} s  "
    return head + cut(describe_event(record), None if width is None else width - len(head) - len(cause)) + cause


def describe_event(record: Record) -> str:
    """What happened."""
    kind, fields = record.event.kind, record.as_dict()["event"]
    known: dict[str, Any] = fields | {"message_id": short(fields.get("message_id") or "")}
    if kind in SAYINGS:
        return SAYINGS[kind].format_map(known).strip()
    told = ", ".join(f"{name} {value}" for name, value in known.items() if name != "kind" and value)
    return f"{kind.replace('_', ' ')}: {told}"
