"""The live view as something rich can draw: every agent, the progress, the last lines.

Pure: what to show and the time come in as arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from scr.views.run import AgentActivity, AgentView, RunView

STYLES: Mapping[AgentActivity, str] = MappingProxyType(
    {
        AgentActivity.STARTING: "yellow",
        AgentActivity.WAITING: "dim",
        AgentActivity.WORKING: "bold green",
        AgentActivity.RESTARTING: "bold red",
        AgentActivity.ENDED: "dim",
    }
)
URGENCY = (
    AgentActivity.RESTARTING,
    AgentActivity.WORKING,
    AgentActivity.STARTING,
    AgentActivity.WAITING,
    AgentActivity.ENDED,
)
BAR_WIDTH, MARGIN = 32, 1


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
    room = max(1, width - 2 * MARGIN)
    parts: list[RenderableType] = [Text(title, style="bold"), Text()]
    parts.append(agents(view, width=room, rows_max=rows_max))
    parts += [Text(), progress(view, elapsed_s, room)]
    for lines, style in ((troubles, "red"), (news, "dim")):
        parts += [Text(), *(Text(line, style=style) for line in lines)] if lines else []
    return Padding(Group(*parts), (1, MARGIN))


def agents(view: RunView, *, width: int, rows_max: int) -> Table:
    """Draw one row for each agent; when there are too many, the busiest.

    The less room there is, the more of an agent is in one cell, where its words wrap and none is lost.
    """
    columns = next(columns for least, columns in LAYOUTS if width >= least)
    table = Table(box=None, expand=True, padding=(0, 2, 0, 0), header_style="bold cyan")
    for column in columns:
        table.add_column(
            column.head,
            justify="right" if column.is_right else "left",
            style=column.style,
            width=column.width,
            ratio=column.ratio,
            overflow="fold",
        )
    shown = set(sorted(view.agents, key=lambda name: URGENCY.index(view.agents[name].state))[:rows_max])
    for agent in view.agents.values():
        if agent.agent in shown:
            table.add_row(*(column.cell(agent) for column in columns))
    if len(shown) < len(view.agents):
        table.add_row(Text(f"and {len(view.agents) - len(shown)} more", style="dim"))
    return table


def done(agent: AgentView) -> str:
    """What an idle agent has finished."""
    return f"{agent.done} subtask{'' if agent.done == 1 else 's'} done" if agent.done else ""


def work(agent: AgentView) -> Text:
    """What an agent works on, or has finished."""
    return Text(agent.work) if agent.work else Text(done(agent), style="dim")


def work_and_step(agent: AgentView) -> Text:
    """What an agent works on, the last step of it that is done, and how often the agent was restarted."""
    step = f"{agent.step} done" if agent.step else ""
    restarts = f"restarts: {agent.restarts}" if agent.restarts else ""
    more = ", ".join(filter(None, (step, restarts)))
    return work(agent).append(f" ({more})", style="cyan") if more else work(agent)


def whole(agent: AgentView) -> Text:
    """All that is known of an agent but its name."""
    pid = f", pid {agent.pid}" if agent.pid else ""
    text = Text(agent.state, style=STYLES[agent.state]).append(pid, style="dim")
    words = work_and_step(agent)
    return text.append(": ").append_text(words) if words else text


@dataclass(frozen=True, slots=True)
class RunColumn:
    """One column of the table of agents; one with a `ratio` takes the room that the others leave."""

    head: str
    cell: Callable[[AgentView], RenderableType]
    is_right: bool = False
    style: str = ""
    width: int | None = None
    ratio: int | None = None


NAME = RunColumn("agent", lambda agent: Text(agent.agent))
TYPE = RunColumn("type", lambda agent: Text(agent.type), style="dim")
PID = RunColumn("pid", lambda agent: Text(str(agent.pid or "")), is_right=True)
STATE = RunColumn("state", lambda agent: Text(agent.state, style=STYLES[agent.state]), width=10)
WORK = RunColumn("working on", work, ratio=1)
STEP = RunColumn("step done", lambda agent: Text(agent.step, style="cyan"), width=9)
RESTARTS = RunColumn(
    "restarts",
    lambda agent: Text(str(agent.restarts), style="bold red" if agent.restarts else "dim"),
    is_right=True,
)
LAYOUTS = (
    (98, (NAME, TYPE, PID, STATE, WORK, STEP, RESTARTS)),
    (78, (NAME, PID, STATE, WORK, STEP, RESTARTS)),
    (56, (NAME, PID, STATE, RunColumn("working on", work_and_step, ratio=1))),
    (0, (NAME, RunColumn("state", whole, ratio=1))),
)
"""The columns for so much room, the most first."""


def progress(view: RunView, elapsed_s: float, width: int) -> RenderableType:
    """Draw the bar over subtasks or documents, and the time."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    reading = None if view.total else view.reading
    total, completed = (reading.total, reading.done) if reading else (view.total, view.done)
    words = f"{view.done} of {view.total} subtasks" if view.total else preparing(view)
    time = f"{elapsed_s:.1f} s"
    room = width - len(words) - len(time) - 6
    bar = ProgressBar(total=max(1, total), completed=completed, width=max(4, min(BAR_WIDTH, room)))
    grid.add_row(bar, Text(words), Text(time, style="dim"))
    return grid


def preparing(view: RunView) -> str:
    """What goes on before there is a plan."""
    if view.reading:
        return view.reading.text
    busy = any(agent.state is AgentActivity.WORKING for agent in view.agents.values())
    return "reading the documents" if busy else "starting the agents"
