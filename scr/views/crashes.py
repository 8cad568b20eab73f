"""Crash records as people read them: one line each, or everything about one.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from scr.telemetry.crashes import CrashRecord, without_dumps
from scr.views.agents import size, span

HEADS = ("TIME", "AGENT", "INC", "PID", "REASON", "UP", "WHY")
WHY_MAX = 100


def overview(records: Sequence[CrashRecord]) -> list[str]:
    """A table, one line for each death."""
    rows = [HEADS, *map(_row, records)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _row(record: CrashRecord) -> tuple[str, ...]:
    why = record.detail.splitlines()[0] if record.detail.strip() else record.signal
    return (
        f"{_moment(record):%H:%M:%S}",
        record.agent,
        str(record.incarnation),
        str(record.pid),
        record.reason,
        span(record.uptime_s),
        why[:WHY_MAX],
    )


def story(record: CrashRecord) -> Iterator[str]:
    """Everything about one death, as lines."""
    yield f"{record.agent} #{record.incarnation} (pid {record.pid}) at {_moment(record):%Y-%m-%d %H:%M:%S}"
    yield f"  reason     {record.reason}: {record.detail}" if record.detail else f"  reason     {record.reason}"
    if record.signal:
        yield f"  signal     {record.signal}"
    yield f"  asked      {record.asked}"
    yield f"  in hand    {_in_hand(record)}"
    yield f"  uptime     {span(record.uptime_s)}"
    yield f"  used       {size(record.memory_bytes)} of memory at its peak, {record.cpu_s:.2f} s of processor time"
    yield f"  restarts   {record.restarts} of {record.max_restarts} in {record.within_s:g} s, before this one"
    for head, text in (
        ("traceback", record.traceback),
        ("stack", record.stack),
        ("stdout", record.stdout),
        ("stderr", without_dumps(record.stderr)),
    ):
        if text.strip():
            yield f"  {head}"
            yield from (f"    {line}" for line in text.rstrip().splitlines())


def _in_hand(record: CrashRecord) -> str:
    if record.in_hand is None:
        return "nothing"
    begun = f", in the middle of step {record.begun} (once)" if record.begun else ""
    return f"{record.in_hand_type} {record.in_hand}, delivery {record.deliveries}{begun}"


def _moment(record: CrashRecord) -> datetime:
    return datetime.fromtimestamp(record.time).astimezone()
