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


@pytest.mark.parametrize("is_told", [True, False], ids=["told by the kernel", "without pidfds"])
def test_all_who_wait_get_the_status_however_they_come_in_each_others_way(monkeypatch, is_told):
    monkeypatch.setattr(spawn, "HAS_PIDFDS", is_told)
    for _ in range(20):
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process, ThreadPoolExecutor(8) as pool:
            waiting = [pool.submit(wait_for, process, 20) for _ in range(8)]
            process.stdin.close()
            assert [one.result(20) for one in waiting] == [0] * 8
