"""The life of a state: begun, changed, committed, there again after a turn that failed."""

import enum
import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, Field

from scr.agent.state import restored
from scr.errors import InvalidCode, InvalidMessage, StartFailed
from tests.unit.agent.test_readback import Item, Point, agent_of, begun, holder


def test_only_what_is_settled_is_there_again():
    class State(BaseModel):
        items: list[int] = []

    state, keeper = begun(State)
    state.items.append(1)
    assert keeper.changed(state) == {"items": [1]}
    assert keeper.again().items == []  # its frame was not sent
    state = keeper.again()
    assert keeper.changed(state) is None
    keeper.settle()
    state.items.append(2)
    keeper.changed(state)
    keeper.settle()
    assert keeper.again().items == [2]
    assert keeper.again() is not keeper.again()
    assert keeper.changed(keeper.again()) is None


def test_a_default_that_differs_each_time_is_committed_with_the_first_turn():
    class State(BaseModel):
        token: str = Field(default_factory=lambda: uuid.uuid4().hex)

    state, keeper = begun(State)
    assert keeper.again().token == state.token
    assert keeper.changed(state) == {"token": state.token}
    keeper.settle()
    assert keeper.changed(state) is None


def test_a_default_of_a_number_is_what_the_next_incarnation_reads():
    class State(BaseModel):
        total: float = 0
        price: Decimal = 1
        item: Item = Item()

    state, keeper = begun(State)
    assert (repr(state.total), repr(state.price)) == ("0.0", "Decimal('1')")
    state.total += 1
    assert repr(restored("cart", agent_of(State), keeper.changed(state)).total) == "1.0"


def test_a_default_that_does_not_fit_is_refused_when_it_would_be_committed():
    class State(BaseModel):
        name: str = None
        n: int = 0

    state, keeper = begun(State)
    assert keeper.changed(state) is None
    state.n = 1
    with pytest.raises(InvalidMessage, match="name: Input should be a valid string"):
        keeper.changed(state)
    assert keeper.again().n == 0


@pytest.mark.parametrize("other", [{"n": 1}, None, Item()], ids=str)
def test_a_state_that_was_replaced_by_something_else_is_refused(other):
    _, keeper = begun(holder(int, 0))
    with pytest.raises(InvalidMessage, match=f"state of cart was replaced by a {type(other).__name__}"):
        keeper.changed(other)


@pytest.mark.parametrize("wrong", [dict, Point, Item(), None, "State"], ids=str)
def test_a_state_that_is_no_model_is_refused_at_the_start(wrong):
    with pytest.raises(InvalidCode, match=r"State of Cart must be a subclass of pydantic.BaseModel"):
        restored("cart", agent_of(wrong), None)


def test_a_field_without_a_default_is_refused_at_the_start():
    class State(BaseModel):
        n: int

    with pytest.raises(StartFailed, match=r"state of cart: n: Field required; each field of .*State needs a default"):
        restored("cart", agent_of(State), None)


class Level(enum.IntEnum):
    LOW = 1


class Priced(Item):
    price: int = 0


@pytest.mark.parametrize(
    ("first", "then", "told"),
    [
        ([Item(name="pen")], [Priced(name="pen", price=3)], "Priced came back as an? Item"),
        ([1, 2], (1, 2), "tuple came back as a list"),
        ("2024-05-01", date(2024, 5, 1), "date came back as a str"),
        (None, float("nan"), r"x"),
        (1, Level(1), "Level came back as an? int"),
    ],
)
def test_another_value_with_the_same_text_is_refused_too(first, then, told):
    class State(BaseModel):
        items: list[Item] = []
        x: Any = None

    state, keeper = begun(State)
    field = "items" if isinstance(first, list) and isinstance(first[0], Item) else "x"
    setattr(state, field, first)
    keeper.changed(state)
    keeper.settle()
    assert keeper.changed(state) is None
    setattr(state, field, then)
    with pytest.raises(InvalidMessage, match=told):
        keeper.changed(state)
