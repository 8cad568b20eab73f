"""The rows of a live system as something rich can draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from scr.views.agents import AgentColumn, AgentRow, fitting, in_hand

STYLES: Mapping[str, str] = {
    "working": "bold green",
    "waiting": "dim",
    "up": "dim",
    "starting": "yellow",
    "stopping": "yellow",
    "restarting": "bold red",
    "stopped": "bold red",
    "held": "bold red",
    "parked": "bold red",
    "down": "red",
}
SELECTED = "reverse"


def table(rows: Sequence[AgentRow], *, width: int, selected: str | None = None, wraps: bool = False) -> Table:
    """Draw one line for each row, in the columns that fit; a cell that has no room is cut, or `wraps`."""
    drawn = Table(box=None, padding=(0, 2, 0, 0), header_style="bold cyan", width=width)
    columns = fitting(rows, width)
    for column in columns:
        drawn.add_column(
            column.head,
            justify="right" if column.is_right else "left",
            no_wrap=not wraps,
            overflow="fold" if wraps else "ellipsis",
            ratio=1 if column.head == "IN HAND" else None,
        )
    for row in rows:
        cells = [Text(column.cell(row), style=style(column, row)) for column in columns]
        drawn.add_row(*cells, style=SELECTED if row.key == selected else None)
    return drawn


def style(column: AgentColumn, row: AgentRow) -> str:
    """How a cell looks: what is wrong, or at work, stands out."""
    match column.head:
        case "STATE":
            return STYLES.get(row.state, "")
        case "AGENT" if row.status.type == "supervisor":
            return "bold"
        case "INC" if row.status.incarnation > 1:
            return "yellow"
        case "RESTARTS" if row.status.restarts:
            return "bold red"
        case "IN HAND" if not row.status.in_hand and in_hand(row):
            return "red"
        case "TYPE" | "BEAT" | "UP":
            return "dim"
        case _:
            return ""


def draw(rows: Sequence[AgentRow], summary: str) -> None:
    """Print the table in the terminal's width."""
    console = Console(highlight=False)
    console.print(table(rows, width=console.width, wraps=True))
    console.print(Text(summary, style="dim"))
