"""An agent that was down when its supervisor went down is forgotten with it, and its name is free."""

import os
import signal

import pytest

from scr.errors import UnknownAgent
from scr.specs import SupervisorSpec
from tests.conftest import until
from tests.process.conftest import Story

TREE = SupervisorSpec(
    id="root",
    strategy="one_for_one",
    max_restarts=10,
    children=(SupervisorSpec(id="crew", strategy="one_for_one", max_restarts=0, within_s=5),),
)


def stops_when_told(ctx, message):
    if message.payload.input == "stop":
        ctx.stop()
    ctx.reply(ctx.incarnation)


def stop_itself(runtime):
    runtime.ask("x", "stop")


def be_stopped(runtime):
    runtime.stop_agent("x")


@pytest.mark.parametrize("end", [stop_itself, be_stopped])
def test_an_agent_that_was_down_is_forgotten_with_its_supervisor_and_its_name_is_free(end):
    story = Story(TREE)
    with story.runtime as runtime:
        runtime.start_agent("x", stops_when_told, under="crew", restart="transient")
        runtime.start_agent("y", stops_when_told, under="crew", restart="permanent")
        end(runtime)
        story.until("agent_gone", agent="x")
        os.kill(story.pid("y"), signal.SIGKILL)
        until(lambda: [(a.id, a.phase) for a in runtime.status().agents] == [("root", "up"), ("crew", "up")])
        for call in (runtime.restart_agent, runtime.stop_agent, lambda name: runtime.ask(name, 1)):
            with pytest.raises(UnknownAgent, match="'x'"):
                call("x")
        runtime.start_agent("x", stops_when_told, under="crew")
        assert runtime.ask("x", 1) == 2
