"""Waiting for the runtime's process: its status at once, from any thread, and never for ever."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from scr.client import spawn
from scr.client.spawn import wait_for

READS = [sys.executable, "-c", "import sys; sys.exit(int(input()))"]


@pytest.fixture(params=[True, False], ids=["told by the kernel", "without pidfds"])
def process(request, monkeypatch):
    monkeypatch.setattr(spawn, "HAS_PIDFDS", request.param)
    with subprocess.Popen(READS, stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_who_waits_in_vain_is_told_and_may_wait_again(process):
    with pytest.raises(subprocess.TimeoutExpired):
        wait_for(process, 0.01)
    process.stdin.write(b"7\n")
    process.stdin.flush()
    assert wait_for(process, 20) == 7
    assert wait_for(process, 20) == 7


def test_all_who_wait_get_the_status(process):
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(wait_for, process, 20) for _ in range(3)]
        process.stdin.write(b"3\n")
        process.stdin.flush()
        assert [one.result(20) for one in waiting] == [3, 3, 3]


def test_who_waits_while_another_is_being_told_is_told_too(process):
    process.stdin.write(b"3\n")
    process.stdin.flush()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with ThreadPoolExecutor(1) as pool:
        with process._waitpid_lock:
            waiting = pool.submit(wait_for, process, 20)
            with pytest.raises(TimeoutError):
                waiting.result(0.1)
        assert waiting.result(20) == 3
