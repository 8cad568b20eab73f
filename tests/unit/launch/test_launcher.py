"""What leads to a process is let go of, all of it and once."""

import os

import pytest

from scr.launch.launcher import Wiring


def is_open(descriptor):
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


@pytest.fixture
def process():
    wiring = Wiring.lay()
    wiring.close_theirs()
    return wiring.process(os.getpid(), os.pidfd_open(os.getpid()))


def test_who_closed_the_channel_has_not_closed_the_rest(process):
    process.channel.close()
    process.close()
    assert not [fd for fd in (process.pidfd, process.stdout, process.stderr) if is_open(fd)]


def test_a_second_close_closes_nothing_of_somebody_elses(process):
    process.close()
    others = [os.open(os.devnull, os.O_RDONLY) for _ in range(4)]  # they get the numbers that are free
    process.close()
    assert all(is_open(fd) for fd in others)
    for fd in others:
        os.close(fd)
