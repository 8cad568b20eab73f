import pytest
from rich.console import Console

from scr.cli.terminal.run_view import picture
from scr.views.run import AgentActivity, AgentView, Reading, RunView, SubtaskView

WORKING = AgentView("worker-2", "WorkerAgent", AgentActivity.WORKING, (7, 9), work="research: Ponds", step="retrieve")
VIEW = RunView(
    agents={
        "planner": AgentView("planner", "PlannerAgent", AgentActivity.WAITING, (5,)),
        "worker-2": WORKING,
        "worker-3": AgentView("worker-3", "WorkerAgent", AgentActivity.STARTING),
    },
    subtasks={
        "m1": SubtaskView("research: Ponds", "worker-2"),
        "m2": SubtaskView("research: Rivers", "worker-3", done=True),
    },
    planned=8,
)


def drawn(view, width, **more):
    console = Console(width=width, record=True, file=None, force_terminal=False, quiet=False, color_system=None)
    with console.capture() as captured:
        console.print(picture(view, title="scr: Why?", elapsed_s=0.5, width=width, **more))
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_each_agent_has_one_row_with_pid_state_work_step_and_restarts(width):
    (row,) = [line for line in drawn(VIEW, width) if "worker-2" in line]
    cells = row.split()
    assert cells[0] == "worker-2"
    assert cells[-6:] == ["9", "working", "research:", "Ponds", "retrieve", "1"]
    assert ("WorkerAgent" in cells) == (width == 120)


def test_the_bar_counts_subtasks():
    assert any("1 of 8 subtasks" in line for line in drawn(VIEW, 80))


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(width):
    assert all(len(line) <= width for line in drawn(VIEW, width, news=["x" * 300], troubles=["y" * 300]))


def test_of_too_many_agents_the_busiest_are_shown():
    crowd = {f"worker-{n}": AgentView(f"worker-{n}", state=AgentActivity.WAITING, pids=(n,)) for n in range(20, 60)}
    lines = drawn(RunView(agents={**crowd, "worker-2": WORKING}), 80, rows_max=5)
    assert any(line.split()[:1] == ["worker-2"] for line in lines)
    assert any("and 36 more" in line for line in lines)


def test_an_idle_agent_shows_what_it_has_finished():
    view = RunView(
        agents={name: AgentView(name, state=AgentActivity.ENDED, pids=(1,), done=n) for n, name in enumerate("abc")}
    )
    words = [line.split()[3:-1] for line in drawn(view, 80)[4:7]]
    assert words == [[], ["1", "subtask", "done"], ["2", "subtasks", "done"]]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_word_is_lost_in_a_narrow_terminal(width):
    title = "research: Supervision trees, their restart strategies and what becomes of unfinished work"
    worker = AgentView("worker-2", "WorkerAgent", AgentActivity.WORKING, (70123, 90456), work=title, step="retrieve")
    news = "worker-2 working on research: Supervision trees and their strategies again (delivery 2, 1 step reused)"
    lines = drawn(RunView(agents={"worker-2": worker}), width, news=[news], troubles=[news.upper()])
    assert max(map(len, lines)) <= width
    words = " ".join(lines).replace("(", " ").replace(")", " ").replace(",", " ").replace(":", " ").split()
    wanted = f"{title} {news} {news.upper()} 90456 retrieve working".translate(str.maketrans("(),:", "    ")).split()
    assert set(wanted) <= set(words)
    assert "\N{HORIZONTAL ELLIPSIS}" not in "".join(lines)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_before_there_is_a_plan_the_bar_counts_documents(width):
    view = RunView(reading=Reading("reading documents 240 of 1,000", 240, 1000))
    assert {"reading", "documents", "240", "of", "1,000"} <= set(" ".join(drawn(view, width)).split())
