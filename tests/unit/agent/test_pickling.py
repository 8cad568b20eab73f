"""What cannot travel is named, with what to move where."""

import socket
import threading
import warnings
from enum import Enum
from functools import cached_property

import pydantic
import pytest
from pydantic import BaseModel

from scr.agent.code import code_of, open_code
from scr.errors import InvalidCode


class Labelled(bytes, Enum):
    def __new__(cls, value, label):
        made = bytes.__new__(cls, [value])
        made._value_, made.label = value, label
        return made

    ONE = (1, "one")


def carried(thing):
    """What is on the other side of the way to an agent's process."""
    return open_code(code_of(lambda: thing))()


def test_what_cannot_travel_is_named_with_what_uses_it_and_what_to_move():
    with socket.socket() as connection:

        class Caller:
            def call(self):
                return connection

        def agent(ctx, message):
            return Caller()

        with pytest.raises(InvalidCode) as refused:
            code_of(agent)
    sentence = str(refused.value)
    assert "<socket.socket" in sentence
    assert "<locals>.agent uses in " in sentence
    assert "<locals>.Caller, cannot be sent to another process" in sentence
    assert sentence.endswith("into a module of its own and import it, or make what cannot travel in on_start")


def test_an_enum_that_its_values_do_not_make_is_refused_with_its_name():
    class Coordinate(bytes, Enum):
        def __new__(cls, value, label):
            made = bytes.__new__(cls, [value])
            made._value_, made.label = value, label
            return made

        X = (1, "x")

    with pytest.raises(
        InvalidCode, match=r"Coordinate cannot be made again: .*'label'; move .*Coordinate into a module"
    ):
        carried(Coordinate)
    assert carried(Labelled) is Labelled  # that of a module travels by its name


def test_a_dataclass_of_pydantic_is_refused_with_its_name():
    @pydantic.dataclasses.dataclass
    class Measured:
        width: int = 1

    with pytest.raises(InvalidCode, match=r"Measured.*pydantic dataclass.*move .*Measured into a module"):
        carried(Measured)


def test_a_name_in_main_that_no_other_process_finds_is_refused():
    class Strange:
        __module__ = "__main__"

        def __reduce__(self):
            return "STRANGE"

    with pytest.raises(InvalidCode, match="no other process finds STRANGE in __main__"):
        carried(Strange())


def test_a_lock_travels_free_and_a_cached_property_with_it():
    lock, many = threading.Lock(), threading.RLock()

    class Lazy:
        @cached_property
        def value(self):
            return 7

    with lock, many:
        there = [carried(lock), carried(many)]
    assert [each.acquire(timeout=1) for each in there] == [True, True]
    assert carried(Lazy)().value == 7


def test_a_model_that_is_never_complete_does_not_keep_its_agent_from_starting():
    class Unfinished(BaseModel):
        other: "NowhereAtAll"  # noqa: F821

    assert carried(Unfinished).__name__ == "Unfinished"


def test_warnings_are_as_they_were_when_something_was_refused():
    before = list(warnings.filters)
    with pytest.raises(InvalidCode):
        carried(each for each in ())
    assert warnings.filters == before
