"""Waiting for the runtime's process: its status at once, from any thread, and never for ever."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from scr.runtime import spawn
from scr.runtime.spawn import wait_for

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
    with ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(wait_for, process, 20) for _ in range(16)]
        process.stdin.write(b"3\n")
        process.stdin.flush()
        assert [one.result(20) for one in waiting] == [3] * 16
