"""Several runtimes at one moment, as rows and as one object: all runs of a server together.

Pure: what they say of themselves comes in as values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from scr.bounds import counted
from scr.protocol.control import AgentStatus, RuntimeStatus
from scr.protocol.running import Running
from scr.views.agents import AgentRow, described, doubts, size
from scr.views.columns import cut

TITLE_MAX = 60


@dataclass(frozen=True, slots=True)
class RuntimeView:
    """One runtime: what it left of itself when it began, how it stands now, and a row for each of its agents."""

    running: Running
    status: RuntimeStatus
    rows: Sequence[AgentRow]


def agent_rows(parts: Sequence[RuntimeView]) -> list[AgentRow]:
    """The rows of all, those of each run below a row of its own."""
    return [row for part in parts for row in (_run(part), *(_below(part, row) for row in part.rows))]


def _run(part: RuntimeView) -> AgentRow:
    status, title = part.status, cut(part.running.title, TITLE_MAX)
    shown = AgentStatus(
        id=status.run,
        supervisor="",
        type="supervisor",
        phase="up",
        pid=status.pid,
        code=status.runtime,
        in_hand=status.run if title else None,
        in_hand_type=title,
        uptime_s=status.uptime_s,
    )
    return AgentRow(shown, runtime=status.runtime, run=status.run, is_run=True)


def _below(part: RuntimeView, row: AgentRow) -> AgentRow:
    return replace(row, depth=row.depth + 1, runtime=part.status.runtime, run=part.status.run)


def summary(server: Running, parts: Sequence[RuntimeView]) -> str:
    """The server in one line."""
    agents = [row for part in parts for row in part.rows if row.status.type == "agent"]
    memory = sum(row.vitals.pss_bytes for row in agents if row.vitals)
    standing = [part.status for part in parts]
    total = f"{sum(one.open_messages for one in standing)} open, {sum(one.dead_letters for one in standing)} dead"
    waiting = "".join(f"; {one.run}{doubts(one)}" for one in standing if one.in_doubt)
    crashes = counted(sum(one.crashes for one in standing), "crash", "crashes")
    return (
        f"server {server.id} (pid {server.pid}): {counted(len(parts), 'run')}, {counted(len(agents), 'agent')} in"
        f" {size(memory)}, messages {total}, {crashes}{waiting}"
    )


def systems_as_json(server: Running, parts: Sequence[RuntimeView]) -> dict[str, Any]:
    """All of it for programs."""
    return {
        "server": server.id,
        "pid": server.pid,
        "runtimes": [described(part.status, part.rows) | {"title": part.running.title} for part in parts],
    }
