"""The command `scr` itself: which commands there are, and what is loaded to say so."""

import inspect
import subprocess
import sys
from importlib import import_module

import pytest

from scr.cli.app import GROUPS


@pytest.mark.parametrize("module", GROUPS)
def test_the_list_says_of_each_command_what_the_command_says_of_itself(module):
    commands = import_module(module).COMMANDS
    assert list(GROUPS[module].values()) == [inspect.getdoc(command).splitlines()[0] for command in commands]


def test_the_list_names_every_command(scr):
    said = scr("--help")
    assert said.code == 0
    listed = {line.split()[1] for line in said.out.splitlines() if line.startswith("│ ") and line[2] != " "}
    assert {name for names in GROUPS.values() for name in names} <= listed


def test_a_command_that_does_not_come_first_is_refused_and_not_mistaken_for_done(scr):
    said = scr("--", "demo")
    assert (said.code, "begin with the command" in said.err) == (2, True)


def test_the_list_waits_for_no_command_to_be_loaded():
    code = "from scr.cli.main import main\nimport sys, atexit\natexit.register(lambda: print(*sys.modules))\nmain()"
    said = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    assert not {*GROUPS, "pydantic", "asyncio"} & set(said.stdout.splitlines()[-1].split())
