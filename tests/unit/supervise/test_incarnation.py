"""One process of one agent: what is closed is not signalled, whoever has got its numbers since."""

import asyncio
import os
import signal
import subprocess
from unittest.mock import Mock

import pytest

from scr.launch.launcher import Wiring
from scr.launch.wait_status import WaitStatus
from scr.messages import ExitReason
from scr.protocol.channel import BlockingChannel
from scr.protocol.frames import FROM_RUNTIME, Become, Log, Named, Progress, ReadVersion, Ready
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


def test_what_an_agent_says_of_its_turns_goes_to_who_takes_frames_and_of_its_life_to_the_house(sleeper):
    loop, launched, house, frames = asyncio.new_event_loop(), [], Mock(), Mock()
    spec = AgentSpec(id="a", code=Code(reference="a:b"))
    tree = Tree.of(SupervisorSpec(id="root", strategy=Strategy.ONE_FOR_ONE, children=(spec,)))
    supervisor = Supervisor(
        loop, tree, launch=lambda _, told: launched.append(told), frame_bytes=1 << 20, tail_bytes=1000
    )
    house.become.return_value = Become(agent="a", incarnation=1, code=spec.code)
    supervisor.start(house, frames, Mock())
    wiring = Wiring.lay()
    launched.pop()(wiring.process(sleeper, os.pidfd_open(sleeper)))
    agent = BlockingChannel(wiring.theirs[0], FROM_RUNTIME)
    said = [Log(text="early"), Progress(done=1, total=2), ReadVersion(ref=1)]
    for frame in (Named(), said[0], said[1], Ready(), said[2]):
        agent.send(frame)
    live = supervisor.live("a")
    live.channel.drain()
    assert [call.args for call in frames.receive_frame.call_args_list] == [("a", 1, frame) for frame in said]
    house.up.assert_called_once_with(live)
    live.close()
    wiring.close_theirs()
    loop.close()
