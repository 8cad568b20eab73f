"""A live system as rows and cells."""

import pytest

from scr.launch.kernel.proc_stats import Vitals
from scr.protocol.control import AgentStatus, RuntimeStatus
from scr.protocol.status import StoreStatus
from scr.views import agents as board
from scr.views.agents import COLUMNS, AgentRow, Sort, described, fitting, ordered, plain, rows_of, size, span, summary

MIB = 1 << 20


def agent(name, under="workers", **fields):
    given = {"phase": "up", "pid": 100, "incarnation": 1, "code": "Worker", "max_restarts": 3, "beat_s": 0.0}
    return AgentStatus.model_validate({"id": name, "supervisor": under, "type": "agent", **given, **fields})


def supervisor(name, under="", **fields):
    return AgentStatus(id=name, supervisor=under, type="supervisor", phase="up", code="one_for_one", **fields)


def runtime(*agents):
    return RuntimeStatus(
        runtime="r-1",
        pid=9,
        uptime_s=61.0,
        agents=agents,
        open_messages=3,
        dead_letters=2,
        crashes=1,
        helpers={"standbys": 2, "zygote": 8},
    )


TREE = runtime(
    supervisor("root", max_restarts=3),
    agent("first", "root", pid=11),
    supervisor("workers", "root", restarts=2, max_restarts=5),
    agent("b", pid=12, mailbox=4, in_hand="m", in_hand_type="task", in_hand_s=2.0, deliveries=2, uptime_s=5.0),
    agent("a", pid=13, mailbox=1, parks=True, restarts=1, uptime_s=50.0, incarnation=7),
)
VITALS = {
    11: Vitals(pss_bytes=6 * MIB, cpu_s=1.0, is_stopped=False),
    12: Vitals(pss_bytes=9 * MIB, cpu_s=4.0, is_stopped=False),
    13: Vitals(pss_bytes=7 * MIB, cpu_s=2.0, is_stopped=True),
}


def cell(head, row):
    return next(column for column in COLUMNS if column.head == head).cell(row)


def test_rows_are_a_tree_in_start_order():
    assert [(row.status.id, row.depth) for row in rows_of(TREE, {})] == [
        ("root", 0),
        ("first", 1),
        ("workers", 1),
        ("b", 2),
        ("a", 2),
    ]


@pytest.mark.parametrize(
    ("status", "vitals", "state"),
    [
        (agent("a"), None, "waiting"),
        (agent("a", in_hand="m"), None, "working"),
        (agent("a", in_hand="m", beat_s=3.0), None, "held"),
        (agent("a", in_hand="m", beat_s=3.0), VITALS[13], "stopped"),
        (agent("a", phase="starting", beat_s=3.0), None, "starting"),
        (agent("a", phase="parked", pid=None), None, "parked"),
        (supervisor("s"), None, "up"),
    ],
)
def test_the_state_is_one_word(status, vitals, state):
    assert AgentRow(status, vitals=vitals).state == state


def test_a_limit_is_shown_where_it_is_the_childs_own():
    assert [cell("RESTARTS", row) for row in rows_of(TREE, {})] == ["0/3", "", "2/5", "", "1/3"]


def test_what_is_in_hand_is_told_with_its_age_and_its_delivery():
    assert [cell("IN HAND", row) for row in rows_of(TREE, {})] == ["", "", "", "task 2.0s (delivery 2)", ""]


def test_why_one_is_down_is_told_where_its_message_would_be():
    assert cell("IN HAND", AgentRow(agent("a", phase="parked", end="crashed: SIGABRT"))) == "crashed: SIGABRT"
    assert cell("IN HAND", AgentRow(agent("a", end="crashed: SIGABRT"))) == ""


def test_the_load_is_of_the_time_since_the_look_before():
    before = {12: Vitals(pss_bytes=0, cpu_s=3.0, is_stopped=False)}
    rows = {row.status.id: row for row in rows_of(TREE, VITALS, before, 2.0)}
    assert (rows["b"].load, rows["a"].load) == (0.5, None)
    assert (cell("CPU", rows["b"]), cell("CPU", rows["a"])) == ("50%", "2.0s")


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        (Sort.TREE, ["root", "first", "workers", "b", "a"]),
        (Sort.NAME, ["a", "b", "first"]),
        (Sort.MAIL, ["b", "a", "first"]),
        (Sort.CPU, ["b", "a", "first"]),
        (Sort.MEMORY, ["b", "a", "first"]),
        (Sort.RESTARTS, ["a", "first", "b"]),
        (Sort.UPTIME, ["first", "b", "a"]),
    ],
)
def test_agents_may_be_sorted_and_then_there_are_no_supervisors(sort, names):
    rows = ordered(rows_of(TREE, VITALS), sort)
    assert [row.status.id for row in rows] == names
    assert sort is Sort.TREE or {row.depth for row in rows} == {0}


def test_a_narrow_terminal_loses_the_least_needed_columns_and_a_wide_one_none():
    rows = rows_of(TREE, VITALS)
    heads = [column.head for column in fitting(rows, 60)]
    assert {"AGENT", "STATE", "PID", "MAIL", "MEMORY"} <= set(heads)
    assert "TYPE" not in heads
    assert fitting(rows, 200) == list(COLUMNS)
    assert [column.head for column in fitting(rows, 1)] == ["AGENT", "STATE", "PID", "MAIL"]


def test_plain_text_is_aligned_for_pipes():
    lines = plain(rows_of(TREE, VITALS))
    assert len({line.index("STATE") if "STATE" in line else 0 for line in lines}) == 2
    at = lines[0].index("STATE")
    assert [line[at:].split()[0] for line in lines[1:]] == ["up", "waiting", "up", "working", "stopped"]
    assert [line.rstrip() for line in lines] == lines


def test_the_runtime_is_summed_up_in_a_line():
    said = summary(TREE, rows_of(TREE, VITALS))
    assert said == "r-1 (pid 9) up 61s: 3 agents in 22.0M, messages 3 open, 2 dead, 1 crashes, 2 standbys, zygote 8"


def test_programs_are_told_everything():
    told = described(TREE, rows_of(TREE, VITALS))
    assert told["helpers"] == {"standbys": 2, "zygote": 8}
    assert [one["id"] for one in told["agents"]] == ["root", "first", "workers", "b", "a"]
    last = told["agents"][-1]
    assert (last["state"], last["pss_bytes"], last["cpu_s"], last["stopped"]) == ("stopped", 7 * MIB, 2.0, True)
    assert told["agents"][0]["pss_bytes"] is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, ""), (0.04, "0.0s"), (9.9, "9.9s"), (99.4, "99s"), (120, "2m"), (7200, "2h"), (864000, "10d")],
)
def test_spans_are_short(seconds, said):
    assert span(seconds) == said


def test_sizes_are_short():
    assert [size(int(n * MIB)) for n in (0, 5.14, 999, 2048)] == ["0.0M", "5.1M", "999.0M", "2.0G"]


def test_a_store_is_only_spoken_of_when_something_is_the_matter():
    assert not board.trouble(StoreStatus(url="memory:"))
    slow = board.trouble(StoreStatus(url="sqlite:///x", state="slow", pending=12, behind_s=1.25))
    assert slow == "; the store is slow, 12 writes wait, 1.2 s"
    full = StoreStatus(url="sqlite:///x", state="trouble", detail="the disk is full", pending=3, behind_s=9.0)
    assert board.trouble(full) == "; the store is in trouble, 3 writes wait, 9.0 s: the disk is full"
