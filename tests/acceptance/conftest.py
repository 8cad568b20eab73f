import os
import subprocess
import sys

import pytest

from tests.command_result import Said


@pytest.fixture
def command(tmp_path):
    """How `scr` is started: the real thing, in a directory of its own."""

    def start(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "scr", *arguments],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=os.environ | {"COLUMNS": "100"},
        )

    return start


@pytest.fixture
def scr(command):
    """Run `scr` to its end."""

    def run(*arguments):
        with command(*arguments) as process:
            out, err = process.communicate(timeout=50)
        return Said(process.returncode, out, err)

    return run
