"""The wall clock of one run jumps, and that of the machine does not."""

import os
import subprocess
import sys
import time

import pytest

from scr.chaos.inject.wallclock import Jump, environment, prepare

SAYS = "import sys, time\nfor _ in sys.stdin: print(time.time(), time.time_ns() / 1e9, time.monotonic(), flush=True)"


@pytest.fixture
def told(tmp_path):
    """What a program of that run reads at this moment, each time that it is asked."""
    prepare(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", SAYS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | environment(tmp_path),
    ) as program:

        def ask():
            program.stdin.write("now\n")
            program.stdin.flush()
            return [float(word) for word in program.stdout.readline().split()]

        yield ask
        program.stdin.close()


@pytest.mark.parametrize("seconds", [86_400.0, -86_400.0])
def test_the_clock_of_a_run_jumps_either_way_and_back_and_no_other_clock_does(told, tmp_path, seconds):
    jump = Jump(tmp_path, seconds)
    for moved, off in ((None, 0.0), (jump.do, seconds), (jump.undo, 0.0)):
        if moved:
            moved()
        wall, wall_ns, monotonic = told()
        assert abs(wall - time.time() - off) < 60
        assert abs(wall_ns - time.time() - off) < 60
        assert abs(monotonic - time.monotonic()) < 60


def test_another_program_of_the_run_goes_on_with_the_clock_as_it_is(tmp_path):
    prepare(tmp_path)
    Jump(tmp_path, 86_400.0).do()
    prepare(tmp_path)
    said = subprocess.run(
        [sys.executable, "-c", SAYS],
        input="now\n",
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | environment(tmp_path),
        check=True,
    )
    assert float(said.stdout.split()[0]) - time.time() > 80_000
