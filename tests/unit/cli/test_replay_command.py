import json

import pytest

from scr.cli.commands.replay import codes_of, described, replay_lines
from scr.errors import InvalidCode, InvalidInput
from scr.exit_codes import ExitCode
from scr.replay.compare import Difference
from scr.replay.outcome import AgentReplay, Divergence, Replayed

SAME = AgentReplay("planner", 2, 2)
OTHER = AgentReplay(
    "worker",
    30,
    20,
    (
        Divergence(5, "m1", "task", (Difference("state.n", "1", "2"),)),
        Divergence(9, "m2", "result", why="error: KeyError: 'x'", tail="one\ntwo"),
    ),
)
ENDED = AgentReplay("critic", 1, 1, (Divergence(7, "m3", "task", why="crashed: SIGSEGV", tail="\n".join("abcdefg")),))


def test_a_replay_that_went_as_it_had_gone_is_told_in_a_line_for_each_agent_and_a_sum():
    assert list(replay_lines(Replayed("r", (SAME, AgentReplay("critic", 1, 1)), ("memory", "table")))) == [
        "planner: 2 turns, all the same",
        "critic: 1 turn, all the same",
        "left out: memory, table, which live off the store itself",
        "3 turns of 2 agents replayed, all the same",
    ]


def test_the_first_divergence_of_each_agent_is_told_with_both_sides():
    assert list(replay_lines(Replayed("r", (SAME, OTHER, ENDED)))) == [
        "planner: 2 turns, all the same",
        "worker: 20 turns, 2 diverged; given up, 10 not replayed",
        "  first the turn of task m1, committed after event 5",
        "    state.n",
        "      recorded: 1",
        "      replayed: 2",
        "critic: 1 turn, 1 diverged",
        "  first the turn of task m3, committed after event 7",
        "    crashed: SIGSEGV",
        *(f"    | {letter}" for letter in "cdefg"),
        "23 turns of 3 agents replayed, 3 otherwise than the run has it",
    ]


def test_programs_are_told_every_divergence():
    found = json.loads(json.dumps(described(Replayed("r", (SAME, OTHER)), ExitCode.PARTIAL)))
    assert (found["status"], found["is_same"], found["turns"]) == ("partial", False, 22)
    same, other = found["agents"]
    assert (same["is_same"], same["divergences"]) == (True, [])
    assert [turn["seq"] for turn in other["divergences"]] == [5, 9]
    assert other["divergences"][0]["differences"] == [{"field": "state.n", "recorded": "1", "replayed": "2"}]


def test_other_code_is_named_by_agent():
    found = codes_of(["a=m:A", "b=p.q:B.C"])
    assert {agent: code.reference for agent, code in found.items()} == {"a": "m:A", "b": "p.q:B.C"}
    with pytest.raises(InvalidInput, match="AGENT=MODULE:NAME"):
        codes_of(["m:A"])
    with pytest.raises(InvalidCode, match=r"package\.module:Class"):
        codes_of(["a=m"])
