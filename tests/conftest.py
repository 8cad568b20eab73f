"""What all tests share: nothing that a test started may outlive it."""

import os
import signal
import time
from pathlib import Path

import pytest

LONGEST_FIRST = ("simulation", "acceptance", "process", "contract")  # or one of several workers ends alone
TRACKER = "resource_tracker"  # multiprocess keeps one as long as this process lives
NAME = f"SCR_TEST_MARK_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"  # tests run in several processes
MARK = f"{NAME}={os.environ.setdefault(NAME, str(os.getpid()))}"  # agents import this module too
os.environ["SPT_NOENV"] = "1"  # a title that is written over the environment would take the mark away


def pytest_configure():
    """Programs of tests inherit what was ignored as pytest began: SIGINT in a shell's background, SIGHUP by nohup."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(items):
    """In the order in which the workers are given files."""
    rank = {folder: n for n, folder in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(Path(item.path).parent.name, len(rank)))


def pids():
    """Return the ids of all processes but this one."""
    return {int(name) for name in os.listdir("/proc") if name.isdigit()} - {os.getpid()}


def marked(among=None):
    """Return those `among` all processes that were started from here, however they escaped, with their commands."""
    found: dict[int, str] = {}
    for pid in pids() if among is None else among:
        path = Path("/proc", str(pid))
        try:
            command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if MARK.encode() in (path / "environ").read_bytes().split(b"\0") and TRACKER not in command:
                found[pid] = command
        except OSError:
            continue
    return found


def until(fact, limit_s=20.0):
    """Wait for a fact; returns it once it is true.  A test waits for facts, never for time."""
    end = time.monotonic() + limit_s
    while not (seen := fact()):
        assert time.monotonic() < end, f"not within {limit_s} s"
        time.sleep(0.005)
    return seen


@pytest.fixture(autouse=True)
def nothing_is_left():
    before = pids()
    yield
    until(lambda: not marked(pids() - before))
