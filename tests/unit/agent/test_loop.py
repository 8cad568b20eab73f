"""What becomes of an agent's state when its class has changed."""

from typing import Any

import pytest
from pydantic import BaseModel, Field

from scr.agent.agent import Agent
from scr.protocol.frames import Commit, Deliver, Exiting, InDoubt, StepRecord
from tests.unit.agent.conftest import task


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


def test_a_state_that_would_not_come_back_is_refused_in_its_turn_with_agent_and_field(play):
    class Careless(Old):
        class State(BaseModel):
            total: int = 0
            seen: list[Any] = []

        def on_task(self, ctx, message):
            self.state.seen.append((1, 2))

    runtime = play(Careless)
    runtime.deliver()
    exiting = runtime.hear(Exiting)
    assert (exiting.reason, exiting.error_type) == ("error", "InvalidMessage")
    assert "state of me: seen[0]: a tuple came back as a list" in exiting.message


def test_the_next_turn_begins_with_the_committed_state_when_one_was_abandoned(play):
    class Payer(Old):
        class State(BaseModel):
            total: float = 0
            scratch: int = Field(0, exclude=True)

        def on_task(self, ctx, message):
            self.state.total += 1
            if message.payload.input == "pay":
                ctx.step_once("pay", dict)

    runtime = play(Payer, state={"total": 4})
    runtime.deliver()
    assert runtime.hear(Commit).state == {"total": 5.0}
    runtime.say(Deliver(message=task("pay"), steps=(StepRecord(name="pay", state="begun"),)))
    runtime.hear(InDoubt)
    runtime.deliver()
    assert runtime.hear(Commit).state == {"total": 6.0}


def test_a_state_that_is_no_model_fails_the_start_with_what_it_must_be(play):
    class Plain(Old):
        State = dict

    exiting = play(Plain, up=False).hear(Exiting)
    assert (exiting.reason, exiting.error_type) == ("start_failed", "InvalidCode")
    assert "no subclass of pydantic's BaseModel" in exiting.message
