"""One process of one agent: what is closed is not signalled, whoever has got its numbers since."""

import os
import signal
import subprocess

import pytest

from scr.launch.launcher import Wiring
from scr.specs import AgentSpec, Code
from scr.supervise.incarnation import Incarnation


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "60"])
    yield process.pid
    process.kill()
    process.wait()


def test_a_closed_incarnation_signals_nobody_though_its_descriptor_is_in_use_again(sleeper):
    spec = AgentSpec(id="closed", code=Code(reference="a:b"))
    incarnation = Incarnation(spec, 1, since=0.0)
    wiring = Wiring.lay()
    wiring.close_theirs()
    incarnation.process = wiring.process(sleeper, os.pidfd_open(sleeper))
    incarnation.close()
    others = [os.pidfd_open(sleeper) for _ in range(4)]
    assert incarnation.process.pidfd in others
    incarnation.signal(signal.SIGKILL)
    incarnation.signal_itself(signal.SIGKILL)
    assert os.waitpid(sleeper, os.WNOHANG) == (0, 0)
    for descriptor in others:
        os.close(descriptor)
