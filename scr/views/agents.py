"""A live system as rows and cells: what `scr ps` prints once and `scr top` draws again and again.

Pure: the status and the vitals come in as values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from scr.launch.kernel.proc_stats import Vitals
from scr.protocol.control import AgentStatus, RuntimeStatus
from scr.protocol.status import StoreStatus

LATE_S = 1.0  # an interpreter that has not answered for so long is held by something
MIB = 1 << 20
ABSENT = frozenset({"down", "parked", "restarting"})


class Sort(StrEnum):
    """In which order rows come."""

    TREE = "tree"
    NAME = "name"
    MAIL = "mail"
    CPU = "cpu"
    MEMORY = "memory"
    RESTARTS = "restarts"
    UPTIME = "uptime"


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One child at one moment.  `load` is how much of one processor it used lately, from 0 to 1 a processor.

    Where several runtimes are shown together it has its runtime's id and the name of its run; `is_run` is the row of
    the run itself.
    """

    status: AgentStatus
    depth: int = 0
    vitals: Vitals | None = None
    load: float | None = None
    runtime: str = ""
    run: str = ""
    is_run: bool = False

    @property
    def key(self) -> str:
        """What tells it from every other row."""
        return f"{self.runtime} {self.status.id}" if self.runtime else self.status.id

    @property
    def state(self) -> str:
        """What it is doing, in a word."""
        status = self.status
        if self.vitals and self.vitals.is_stopped:
            return "stopped"
        if status.phase != "up":
            return status.phase
        if status.beat_s is not None and status.beat_s > LATE_S:
            return "held"
        if status.type == "supervisor":
            return "up"
        return "working" if status.in_hand else "waiting"


def rows_of(
    status: RuntimeStatus, vitals: Mapping[int, Vitals], before: Mapping[int, Vitals] | None = None, over_s: float = 0.0
) -> list[AgentRow]:
    """A row for each child, each supervisor before those below it; the load since `before`, `over_s` ago."""
    depths: dict[str, int] = {"": -1}
    rows = []
    for child in status.agents:
        depths[child.id] = depths.get(child.supervisor, -1) + 1
        now, then = vitals.get(child.pid or 0), (before or {}).get(child.pid or 0)
        load = (now.cpu_s - then.cpu_s) / over_s if now and then and over_s > 0 else None
        rows.append(AgentRow(child, depths[child.id], now, load))
    return rows


KEYS: Mapping[Sort, Callable[[AgentRow], Any]] = {
    Sort.NAME: lambda row: row.status.id,
    Sort.MAIL: lambda row: -row.status.mailbox,
    Sort.CPU: lambda row: (-(row.load or 0.0), -(row.vitals.cpu_s if row.vitals else 0.0)),
    Sort.MEMORY: lambda row: -(row.vitals.pss_bytes if row.vitals else 0),
    Sort.RESTARTS: lambda row: -row.status.incarnation,
    Sort.UPTIME: lambda row: row.status.uptime_s or 0.0,
}


def ordered(rows: Sequence[AgentRow], sort: Sort) -> list[AgentRow]:
    """The rows as a tree, or flat in another order; supervisors are in the tree alone."""
    if sort is Sort.TREE:
        return list(rows)
    agents = [replace(row, depth=0) for row in rows if row.status.type == "agent"]
    return sorted(agents, key=KEYS[sort])


@dataclass(frozen=True, slots=True)
class AgentColumn:
    """One column: its head, its cells, which side they keep to, and how early it goes where there is no room."""

    head: str
    cell: Callable[[AgentRow], str]
    is_right: bool = False
    rank: int = 0


def name(row: AgentRow) -> str:
    """The id, in its place in the tree; outside of one, with its run where there are several."""
    within = f"{row.run} " if row.run and not row.depth and not row.is_run else ""
    return "  " * row.depth + within + row.status.id


def in_hand(row: AgentRow) -> str:
    """The message in hand: its type, for how long, and which delivery if it is not the first."""
    status = row.status
    if not status.in_hand:
        return status.end if status.phase in ABSENT else ""
    again = f" (delivery {status.deliveries})" if status.deliveries > 1 else ""
    return f"{status.in_hand_type} {span(status.in_hand_s)}".rstrip() + again


def restarts(row: AgentRow) -> str:
    """How much of a limit is used up, where it is its own: siblings share their supervisor's."""
    status = row.status
    is_own = (status.type == "supervisor" or status.parks) and not row.is_run
    return f"{status.restarts}/{status.max_restarts}" if is_own else ""


COLUMNS = (
    AgentColumn("AGENT", name),
    AgentColumn("TYPE", lambda row: row.status.code, rank=8),
    AgentColumn("STATE", lambda row: row.state),
    AgentColumn("PID", lambda row: str(row.status.pid or ""), is_right=True),
    AgentColumn("INC", lambda row: str(row.status.incarnation or ""), is_right=True, rank=4),
    AgentColumn("RESTARTS", restarts, is_right=True, rank=6),
    AgentColumn("MAIL", lambda row: str(row.status.mailbox) if row.status.type == "agent" else "", is_right=True),
    AgentColumn("IN HAND", in_hand, rank=3),
    AgentColumn("BEAT", lambda row: span(row.status.beat_s), is_right=True, rank=7),
    AgentColumn("MEMORY", lambda row: size(row.vitals.pss_bytes) if row.vitals else "", is_right=True, rank=1),
    AgentColumn("CPU", lambda row: load(row) if row.vitals else "", is_right=True, rank=2),
    AgentColumn("UP", lambda row: span(row.status.uptime_s), is_right=True, rank=5),
)


def load(row: AgentRow) -> str:
    """The share of a processor where it is known, else the time that it has used."""
    if row.load is not None:
        return f"{row.load:.0%}"
    return span(row.vitals.cpu_s) if row.vitals else ""


def fitting(rows: Sequence[AgentRow], width: int, gap: int = 2) -> list[AgentColumn]:
    """The columns that there is room for: the least needed go first."""
    columns = list(COLUMNS)
    widths = {column.head: max(map(len, [column.head, *map(column.cell, rows)])) for column in columns}
    for column in sorted((column for column in columns if column.rank), key=lambda column: -column.rank):
        if sum(widths[kept.head] + gap for kept in columns) - gap <= width:
            break
        columns.remove(column)
    return columns


def plain(rows: Sequence[AgentRow]) -> list[str]:
    """Every column as aligned text, for pipes."""
    cells = [[column.head for column in COLUMNS], *([column.cell(row) for column in COLUMNS] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(aligned, line, widths, COLUMNS)).rstrip() for line in cells]


def aligned(cell: str, width: int, column: AgentColumn) -> str:
    """The cell on its side of the column."""
    return cell.rjust(width) if column.is_right else cell.ljust(width)


WORDS = {"slow": "slow", "trouble": "in trouble", "lost": "lost"}


def summary(status: RuntimeStatus, rows: Sequence[AgentRow]) -> str:
    """The runtime in one line."""
    agents = [row for row in rows if row.status.type == "agent"]
    memory = sum(row.vitals.pss_bytes for row in agents if row.vitals)
    zygote = f", zygote {status.helpers['zygote']}" if "zygote" in status.helpers else ""
    return (
        f"{status.runtime} (pid {status.pid}) up {span(status.uptime_s)}: {len(agents)} agents in {size(memory)},"
        f" messages {status.open_messages} open, {status.dead_letters} dead{doubts(status)}, {status.crashes} crashes,"
        f" {status.helpers.get('standbys', 0)} standbys{zygote}{trouble(status.store)}"
    )


def doubts(status: RuntimeStatus) -> str:
    """How many messages wait for a person, where any do."""
    return f", {status.in_doubt} in doubt (scr doubts)" if status.in_doubt else ""


def trouble(store: StoreStatus) -> str:
    """What is the matter with the store, where anything is."""
    if store.state == "ok":
        return ""
    why = f": {store.detail}" if store.detail else ""
    return f"; the store is {WORDS[store.state]}, {store.pending} writes wait, {store.behind_s:.1f} s{why}"


def described(status: RuntimeStatus, rows: Sequence[AgentRow]) -> dict[str, Any]:
    """All of it for programs."""
    whole = status.model_dump(mode="json")
    whole["agents"] = [
        row.status.model_dump(mode="json")
        | {
            "state": row.state,
            "pss_bytes": row.vitals.pss_bytes if row.vitals else None,
            "cpu_s": row.vitals.cpu_s if row.vitals else None,
            "load": row.load,
            "stopped": row.vitals.is_stopped if row.vitals else None,
        }
        for row in rows
    ]
    return whole


def span(seconds: float | None) -> str:
    """A duration in at most six characters."""
    match seconds:
        case None:
            return ""
        case _ if seconds < 10:
            return f"{seconds:.1f}s"
        case _ if seconds < 100:
            return f"{seconds:.0f}s"
        case _ if seconds < 6000:
            return f"{seconds / 60:.0f}m"
        case _ if seconds < 360_000:
            return f"{seconds / 3600:.0f}h"
        case _:
            return f"{seconds / 86400:.0f}d"


def size(count_bytes: int) -> str:
    """A number of bytes in mebibytes."""
    return f"{count_bytes / MIB:.1f}M" if count_bytes < 1000 * MIB else f"{count_bytes / MIB / 1024:.1f}G"
