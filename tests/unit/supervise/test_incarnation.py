"""One process of one agent: what is closed is not signalled, whoever has got its numbers since."""

import asyncio
import os
import signal
import subprocess
from unittest.mock import Mock

import pytest

from scr.launch.launcher import Wiring
from scr.launch.status import WaitStatus
from scr.messages import ExitReason
from scr.specs import AgentSpec, Code, Strategy, SupervisorSpec
from scr.supervise.incarnation import Incarnation
from scr.supervise.supervisor import Supervisor
from scr.supervise.tree import Tree


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


@pytest.fixture
def half_started():
    """A supervisor that was stopped while its agent's process was on the way, and what that process is told to."""
    launched, loop = [], asyncio.new_event_loop()
    spec = AgentSpec(id="late", code=Code(reference="a:b"))
    supervisor = Supervisor(
        loop,
        Tree.of(SupervisorSpec(id="root", strategy=Strategy.ONE_FOR_ONE, children=(spec,))),
        launch=lambda _agent, told: launched.append(told),
        frame_bytes=1000,
        tail_bytes=1000,
    )
    supervisor.start(Mock(), Mock(), Mock())
    supervisor.stop("over", 5.0)
    yield supervisor, launched.pop()
    supervisor.live("late").close()
    loop.close()


def test_a_process_that_comes_up_after_the_stop_has_ended_as_it_was_asked_to(half_started, sleeper):
    supervisor, launched = half_started
    wiring = Wiring.lay()
    wiring.close_theirs()
    launched(wiring.process(sleeper, os.pidfd_open(sleeper)))
    assert os.waitpid(sleeper, 0)[1] == signal.SIGKILL
    end = supervisor.live("late").verdict(WaitStatus(signal=signal.SIGKILL))
    assert (end.reason, end.detail) == (ExitReason.SHUTDOWN, "it was asked to stop before it had started")
