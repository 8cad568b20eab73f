"""What JSON would change on its way is refused where it is given: in messages, entries and results of steps."""

from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from pydantic import BaseModel, SecretStr, computed_field

from scr.agent.turn import plain
from scr.client.client import as_payload
from scr.errors import InvalidMessage
from scr.messages import CritiquePayload, TaskPayload
from tests.unit.agent.test_turn import in_turn


class Color(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Kind(StrEnum):
    A = "a"


class Word(str):
    __slots__ = ()


class Real(float):
    pass


class Place(NamedTuple):
    x: int


@dataclass
class Point:
    x: int = 0


class Item(BaseModel):
    name: str = ""


class Priced(Item):
    price: int = 0


class Basket(BaseModel):
    owner: str = ""
    items: list[Item] = []
    pair: tuple[int, int] = (0, 0)
    more: Any = None
    secret: SecretStr | None = None

    @computed_field
    @property
    def size(self) -> int:
        return len(self.items)


REFUSED = [
    ((1, 2), "tuple .* give `list"),
    ({1, 2}, "set .* give `sorted"),
    (frozenset(), "frozenset .* give `sorted"),
    ({1: "a"}, "a dict with keys of type int"),
    ({Word("a"): 1}, "a dict with keys of type Word"),
    ({None: 1, 1.5: 2}, "a dict with keys of type NoneType, float"),
    (OrderedDict(a=1), "OrderedDict .* give `dict"),
    (defaultdict(int), "defaultdict .* give `dict"),
    (datetime(2026, 1, 1, tzinfo=UTC), "datetime .*isoformat"),
    (date(2026, 1, 1), "date .*isoformat"),
    (Decimal(1), "Decimal .*str"),
    (UUID(int=1), "UUID .*str"),
    (Path("/a"), "Path .*str"),
    (b"x", "bytes .*base64"),
    (Color.RED, "Color .*value"),
    (Level.HIGH, "Level .*value"),
    (Kind.A, "Kind .*value"),
    (Word("w"), "Word .* give `str"),
    (Real(1), "Real .* give `float"),
    (Place(1), "Place .* give `list"),
    (Point(), "Point .*asdict"),
    (float("nan"), "float nan .* a finite number"),
    (float("inf"), "float inf .* a finite number"),
    ((n for n in (1,)), "generator"),
    (object(), "object"),
    (Point, "type"),
]


@pytest.mark.parametrize(("value", "said"), REFUSED, ids=lambda value: type(value).__name__)
def test_what_json_would_change_is_refused_with_its_place_wherever_it_is(value, said):
    with pytest.raises(InvalidMessage, match=f"it must be JSON .*{said}"):
        plain(value, "it")
    with pytest.raises(InvalidMessage, match=rf"it, at \['a'\]\[1\], must be JSON .*{said}"):
        plain({"a": [[1], value]}, "it")


@pytest.mark.parametrize(
    "value", [None, True, 0, -0.0, 10**400, "é\x00", [], {}, {"a": [1, {"b": [2.5, None]}]}], ids=repr
)
def test_what_json_says_exactly_goes_through(value):
    assert repr(plain(value, "it")) == repr(value)


@pytest.mark.parametrize("value", [10**5000, {"a": "\ud800"}], ids=["digits", "surrogate"])
def test_what_json_has_a_type_for_and_cannot_say_is_refused(value):
    with pytest.raises(InvalidMessage, match="it must be JSON"):
        plain(value, "it")


def test_a_model_goes_as_its_json():
    basket = Basket(owner="me", items=[Item(name="pen")], pair=(1, 2))
    said = {"owner": "me", "items": [{"name": "pen"}], "pair": [1, 2], "more": None, "secret": None, "size": 1}
    assert plain(basket, "it") == said
    assert plain([{"a": basket}], "it") == [{"a": said}]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"items": [Item(), Priced()]}, r"items\[1\]: a Priced came back as an Item"),
        ({"more": (1, 2)}, "more: a tuple came back as a list"),
        ({"more": {1: 2}}, r"more\[1\]: is lost"),
        ({"more": float("nan")}, "more: nan came back as None"),
        ({"more": object()}, "more: an object cannot be written"),
        ({"secret": SecretStr("s3cret")}, "secret: .*a secret is not written out"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "".join(value),
)
def test_a_model_whose_json_does_not_say_all_of_it_is_refused_with_the_field(fields, said):
    basket = Basket.model_construct(**{**dict(Basket()), **fields})
    for given in (basket, [basket]):
        with pytest.raises(InvalidMessage, match=f"^it.*{said}") as refused:
            plain(given, "it")
        assert "s3cret" not in str(refused.value)


def test_a_value_that_holds_itself_is_refused():
    ring: list[Any] = []
    ring.extend([ring, ring])
    for given in (ring, {"a": [ring]}):
        with pytest.raises(InvalidMessage, match="it must be nested at most"):
            plain(given, "it")
    with pytest.raises(InvalidMessage, match=r"it, at \[2\], must be JSON .*tuple"):
        plain([*ring, (1,)], "it")


@pytest.mark.parametrize(
    ("act", "what"),
    [
        (lambda ctx: ctx.send((1,), to="c"), "a payload"),
        (lambda ctx: ctx.reply((1,)), "a reply"),
        (lambda ctx: ctx.ask("c", (1,)), "a payload"),
        (lambda ctx: ctx.send_after(1, (1,), to="c"), "a payload"),
        (lambda ctx: ctx.wake_at(1, (1,)), "a payload"),
        (lambda ctx: ctx.remember("k", (1,)), "what is remembered as 'k'"),
        (lambda ctx: ctx.step("s", lambda: (1,)), "the result of step 's'"),
        (lambda ctx: ctx.step_once("s", lambda: (1,)), "the result of step 's'"),
    ],
)
def test_every_way_out_of_a_turn_refuses_it(act, what):
    ctx, turn, _ = in_turn()
    with pytest.raises(InvalidMessage, match=f"{what} must be JSON .*tuple"):
        act(ctx)
    assert (turn.sends, turn.timers, turn.entries) == ([], [], {})


def test_a_model_that_a_step_returns_is_recorded_whole_or_refused():
    ctx, _, link = in_turn()
    assert ctx.step("s", lambda: Basket(owner="me"))["owner"] == "me"
    with pytest.raises(InvalidMessage, match=r"the result of step 't': secret: .*a secret"):
        ctx.step("t", lambda: Basket(secret=SecretStr("x")))
    assert [frame.step.name for frame in link.sent] == ["s"]


def test_what_was_put_into_a_payload_after_it_was_made_is_refused_too():
    ctx, turn, _ = in_turn()
    payload = TaskPayload(task_id="t", input={"a": [1]})
    ctx.send(payload, to="c")
    payload.input["a"].append((1, 2))
    for give in (lambda: ctx.send(payload, to="c"), lambda: as_payload(payload)):
        with pytest.raises(InvalidMessage, match=r"a TaskPayload: input\['a'\]\[1\]: a tuple came back as a list"):
            give()
    ctx.send(CritiquePayload(task_id="t", score=1, failing=({"a": 1},)), to="c")
    assert len(turn.sends) == 2
