"""The model in the brackets of an agent is its state, as a `State` in its body is, and every start has typed fields."""

from typing import Any, Generic, TypeVar

import pytest
from pydantic import BaseModel

import scr
from scr.agent.agent import Stateless
from scr.agent.arguments import read_output, reader_of
from scr.agent.code import agent_code, code_of, open_code
from scr.agent.spec_fields import AgentFields
from scr.agent.state import restored

T = TypeVar("T")


class Total(BaseModel):
    total: int = 0


class Counter(scr.Agent[Total]):
    def on_task(self, ctx, message):
        self.state.total += 1


class Heir(Counter):
    pass


class Base(scr.Agent[T]):
    def on_task(self, ctx, message):
        pass


class Filled(Base[Total]):
    pass


class Both(scr.Agent[Total]):
    class State(BaseModel):
        n: int = 7


class Box(Counter, Generic[T]):
    pass


class Full(Box[Both.State]):
    pass


class Open(scr.Agent[Any]):
    pass


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (Counter, Total),
        (Heir, Total),
        (Filled, Total),
        (Full, Total),
        (Both, Both.State),
        (Base, Stateless),
        (Open, Stateless),
    ],
)
def test_an_agent_has_the_state_of_its_brackets_unless_its_body_has_one(kind, state):
    assert kind.State is state
    assert type(restored("a", kind, None)) is state


def test_a_state_in_brackets_that_is_no_model_is_refused_by_name():
    class Wrong(scr.Agent["Total"]):
        def on_task(self, ctx, message):
            pass

    with pytest.raises(scr.InvalidCode, match="Total"):
        agent_code(Wrong)


def test_a_shipped_agent_keeps_the_state_of_its_brackets():
    class Mine(BaseModel):
        n: int = 3

    class Shipped(scr.Agent[Mine]):
        pass

    opened = open_code(code_of(lambda: Shipped))()
    assert opened is not Shipped
    assert opened.State().n == 3


def test_the_keywords_of_a_start_are_the_fields_of_a_specification():
    assert AgentFields.__annotations__.keys() == scr.AgentSpec.model_fields.keys() - {"id", "code", "options"}


def test_an_output_is_read_as_what_is_asked_for():
    assert read_output({"total": 3}, reader_of(Total), "a") == Total(total=3)
    assert read_output(["1"], reader_of(list[int]), "a") == [1]
    assert read_output({"total": 3}, reader_of(None), "a") == {"total": 3}


def test_an_output_that_does_not_fit_is_refused_with_its_field_and_its_sender():
    with pytest.raises(scr.InvalidMessage, match=r"Total from counter: total: .*integer"):
        read_output({"total": "many"}, reader_of(Total), "counter")


def test_an_output_that_no_answer_can_be_read_as_is_refused_before_anything_is_sent():
    with pytest.raises(scr.InvalidMessage, match=r"output cannot be .*give a pydantic model"):
        reader_of(object())
