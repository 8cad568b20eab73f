"""Points of the code at which a process can be made to end."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scr.errors import InvalidInput
from scr.failpoints import EXIT, POINTS, parsed

SOURCE = Path(__file__).parents[2] / "scr"
PROGRAM = """
from scr.failpoints import arm, reach
arm("store")
for n in range(1, 5):
    reach("agent.started")
    print(n, flush=True)
    reach("store.before_commit")
"""


def run(said):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"SCR_FAILPOINT": said},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )


def test_a_process_ends_at_the_point_when_it_comes_there_for_the_nth_time():
    ended = run("store.before_commit:3")
    assert (ended.returncode, ended.stdout.split()) == (-signal.SIGKILL, ["1", "2", "3"])
    assert run("store.before_commit:2:exit").returncode == EXIT


def test_a_point_of_another_kind_of_process_is_none_of_its_business():
    assert run("agent.started:1").returncode == 0


def test_with_a_flag_only_the_first_process_does_it(tmp_path):
    said = f"store.before_commit:1:kill:{tmp_path}/flag"
    assert [run(said).returncode for _ in range(3)] == [-signal.SIGKILL, 0, 0]


@pytest.mark.parametrize(
    "said", ["", "nowhere:1", "store.before_commit", "store.before_commit:0", "store.before_commit:1:dance"]
)
def test_what_names_no_point_is_refused_with_what_would(said):
    with pytest.raises(InvalidInput, match="NAME:NTH"):
        parsed(said)


def test_every_point_is_in_the_code_and_every_one_in_the_code_is_listed():
    reached = {
        node.args[0].value
        for path in SOURCE.rglob("*.py")
        if "reach(" in (text := path.read_text())
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "reach"
        if node.args and isinstance(node.args[0], ast.Constant)
    }
    assert reached == set(POINTS)
