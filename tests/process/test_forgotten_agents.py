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


def test_agents_that_were_down_are_forgotten_with_their_supervisor_and_their_names_are_free():
    story = Story(TREE)
    with story.runtime as runtime:
        for name in ("stops-itself", "is-stopped", "lives"):
            restart = "permanent" if name == "lives" else "transient"
            runtime.start_agent(name, stops_when_told, under="crew", restart=restart, on_error="crash")
        runtime.ask("stops-itself", "stop")
        runtime.stop_agent("is-stopped")
        for name in ("stops-itself", "is-stopped"):
            story.until("agent_gone", agent=name)
        os.kill(story.pid("lives"), signal.SIGKILL)
        phases = [("root", "up"), ("crew", "up"), ("lives", "down")]
        until(lambda: [(a.id, a.phase) for a in runtime.status().agents] == phases)
        for name in ("stops-itself", "is-stopped"):
            for call in (runtime.restart_agent, runtime.stop_agent, lambda name: runtime.ask(name, 1)):
                with pytest.raises(UnknownAgent, match=name):
                    call(name)
            runtime.start_agent(name, stops_when_told, under="crew")
            assert runtime.ask(name, 1) == 2
