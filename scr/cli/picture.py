"""The live view as something rich can draw: every agent, the progress, the last lines.

Pure: what to show and the time come in as arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from scr.cli.view import AgentView, RunView, State

STYLES: Mapping[State, str] = MappingProxyType(
    {
        State.STARTING: "yellow",
        State.WAITING: "dim",
        State.WORKING: "bold green",
        State.RESTARTING: "bold red",
        State.ENDED: "dim",
    }
)
URGENCY = (State.RESTARTING, State.WORKING, State.STARTING, State.WAITING, State.ENDED)
WIDE = 100
BAR_WIDTH = 32


def picture(
    view: RunView,
    *,
    title: str,
    elapsed_s: float,
    news: Sequence[str] = (),
    troubles: Sequence[str] = (),
    width: int = 80,
    rows_max: int = 1000,
) -> RenderableType:
    """The whole live view; `news` and `troubles` are the last lines of either kind."""
    parts: list[RenderableType] = [Text(title, style="bold", no_wrap=True, overflow="ellipsis"), Text()]
    parts.append(agents(view, wide=width >= WIDE, rows_max=rows_max))
    parts += [Text(), progress(view, elapsed_s)]
    for lines, style in ((troubles, "red"), (news, "dim")):
        parts += (
            [Text(), *(Text(line, style=style, no_wrap=True, overflow="ellipsis") for line in lines)] if lines else []
        )
    return Padding(Group(*parts), (1, 1))


def agents(view: RunView, *, wide: bool, rows_max: int) -> Table:
    """One row for each agent; when there are too many, the busiest."""
    table = Table(box=None, expand=True, padding=(0, 2, 0, 0), header_style="bold cyan")
    table.add_column("agent", no_wrap=True)
    if wide:
        table.add_column("type", no_wrap=True, style="dim")
    table.add_column("pid", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True, width=10)
    table.add_column("working on", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("step done", no_wrap=True, width=9)
    table.add_column("restarts", justify="right", no_wrap=True)
    known = list(view.agents.values())
    shown = set(sorted(view.agents, key=lambda name: URGENCY.index(view.agents[name].state))[:rows_max])
    for agent in known:
        if agent.agent in shown:
            table.add_row(*cells(agent, wide=wide))
    if len(shown) < len(known):
        table.add_row(Text(f"and {len(known) - len(shown)} more", style="dim"))
    return table


def cells(agent: AgentView, *, wide: bool) -> list[RenderableType]:
    """One row."""
    row: list[RenderableType] = [Text(agent.agent)]
    row += [Text(agent.type)] if wide else []
    row += [
        Text(str(agent.pid or "")),
        Text(agent.state, style=STYLES[agent.state]),
        Text(agent.work) if agent.work else Text(done(agent), style="dim"),
        Text(agent.step, style="cyan"),
        Text(str(agent.restarts), style="bold red" if agent.restarts else "dim"),
    ]
    return row


def done(agent: AgentView) -> str:
    """What an idle agent has finished."""
    return f"{agent.done} subtask{'' if agent.done == 1 else 's'} done" if agent.done else ""


def progress(view: RunView, elapsed_s: float) -> RenderableType:
    """The bar over subtasks, and the time."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    bar = ProgressBar(total=max(1, view.total), completed=view.done, width=BAR_WIDTH)
    words = f"{view.done} of {view.total} subtasks" if view.total else preparing(view)
    grid.add_row(bar, Text(words), Text(f"{elapsed_s:.1f} s", style="dim"))
    return grid


def preparing(view: RunView) -> str:
    """What goes on before there is a plan."""
    busy = any(agent.state is State.WORKING for agent in view.agents.values())
    return "reading the documents" if busy else "starting the agents"
