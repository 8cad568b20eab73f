"""What scripts define travels with their agents, whatever it is made of."""

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("shipped.py")


def started(seed, *arguments):
    """The script as a program of its own, with sets in another order for each seed."""
    environment = os.environ | {"PYTHONHASHSEED": str(seed)}
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_what_a_script_defines_is_in_its_agents_what_it_is_in_the_script_and_the_same_bytes_each_time():
    runs = [started(1, "report"), started(2)]
    told = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], told
    first, second = (json.loads(out) for out, _ in told)
    assert first["said"]["work"] == first["own"]["work"]
    assert first["said"]["local"] == first["own"]["local"] == [True, True]
    assert first["said"]["keeper"] == first["said"]["kept"] == [True, True, True]
    assert first["codes"] == second["codes"]
