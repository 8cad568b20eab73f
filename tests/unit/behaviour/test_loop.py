"""What becomes of an agent's state when its class has changed."""

import pytest
from pydantic import BaseModel

from scr.behaviour.agent import Agent
from scr.frames import Commit, Exiting


class Old(Agent):
    class State(BaseModel):
        total: int = 0

    def on_task(self, ctx, message):
        self.state.total += 1
        ctx.reply(self.state.total)


class Renamed(Old):
    class State(BaseModel):
        total: int

    @classmethod
    def migrate(cls, state):
        return {"total": state["count"]} if "count" in state else state


class Forgetful(Old):
    @classmethod
    def migrate(cls, state):
        state["count"] = 1  # and returns nothing


def test_a_state_that_fits_is_not_migrated(play):
    class Careful(Old):
        @classmethod
        def migrate(cls, state):
            raise AssertionError("called for a state that fits")

    runtime = play(Careful, state={"total": 4})
    runtime.deliver()
    assert runtime.hear(Commit).state == {"total": 5}


def test_a_state_that_does_not_fit_is_migrated_and_committed_in_its_new_form(play):
    runtime = play(Renamed, state={"count": 7})
    runtime.deliver()
    assert runtime.hear(Commit).state == {"total": 8}


@pytest.mark.parametrize(
    ("kind", "state", "field"),
    [
        (Old, {"total": "many"}, "total: Input should be a valid integer"),
        (Renamed, {"count": "many"}, "total: Input should be a valid integer"),
        (Forgetful, {"total": "many"}, "Input should be a valid dictionary"),
        (Renamed, [1], "Input should be a valid dictionary"),
    ],
)
def test_a_state_that_does_not_fit_even_then_is_told_with_agent_field_and_remedy(play, kind, state, field):
    exiting = play(kind, up=False, state=state).hear(Exiting)
    assert (exiting.reason, exiting.error_type) == ("start_failed", "StartFailed")
    assert "state of me" in exiting.message
    assert field in exiting.message
    assert f"{kind.__name__}.migrate(state)" in exiting.message
