"""What a state holds comes back exactly, by value and type, or it is refused with the field's path."""

import enum
import re
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import cached_property
from ipaddress import IPv4Address
from pathlib import Path
from re import Pattern
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import pytest
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    PlainSerializer,
    PrivateAttr,
    RootModel,
    SecretStr,
    SerializeAsAny,
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypedDict

from scr.agent.agent import Agent
from scr.agent.state import Committed, restored
from scr.agent.steps.alike import same
from scr.errors import InvalidMessage


def agent_of(state):
    return type("Cart", (Agent,), {"State": state})


def begun(kind):
    state = restored("cart", agent_of(kind), None)
    return state, Committed("cart", state, is_new=True)


def committed(state):
    """The state that the next incarnation has, after a commit of this one."""
    kind = type(state)
    _, keeper = begun(kind)
    stored = keeper.changed(state)
    assert stored is not None
    return restored("cart", agent_of(kind), stored)


def holder(annotation, default=None):
    """A State with one field `it` of this type; nothing is checked when it is assigned."""
    annotations = {"it": annotation, "turn": int}
    return type(
        "State", (BaseModel,), {"__annotations__": annotations, "it": default, "turn": 0, "__module__": __name__}
    )


def holding(annotation, value, **config):
    state = holder(annotation)()
    state.it, state.turn = value, 1
    return state


class Item(BaseModel):
    name: str = ""


class Priced(Item):
    price: int = 0


class Cat(BaseModel):
    kind: Literal["cat"] = Field("cat", alias="type")
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = Field("dog", alias="type")


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Word(str):
    __slots__ = ()


class Place(NamedTuple):
    x: int
    y: int


@dataclass
class Point:
    x: int = 0
    note: Annotated[str, Field(exclude=True)] = ""
    inner: list[int] = field(default_factory=list)


@pydantic_dataclass
class Checked:
    size: int = Field(0, alias="theSize")


class Row(TypedDict):
    a: Annotated[int, Field(alias="theA")]
    b: str


T = TypeVar("T")


class Box(BaseModel, Generic[T]):
    content: T | None = None


class Vector:
    """Has no `==` of its own, as many things have not."""

    def __init__(self, *numbers):
        self.numbers = list(numbers)


class Odd:
    """Answers `==` with something that is no bool, as arrays do."""

    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        return [self.n == other.n]

    def __hash__(self):
        return 1


class Open(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    vector: Annotated[
        Vector | None, PlainSerializer(lambda v: v and v.numbers), BeforeValidator(lambda v: v and Vector(*v))
    ] = None
    odd: Annotated[Odd | None, PlainSerializer(lambda v: v and v.n), BeforeValidator(lambda v: v and Odd(v))] = None


MOMENT = datetime(2026, 3, 4, 5, 6, 7, 89, UTC)


def called(value):
    """A name for a case that is the same in every process."""
    return value[:40] if isinstance(value, str) else getattr(value, "__name__", type(value).__name__)


KEPT = [
    (dict[int, str], {1: "a"}),
    (dict[str, dict[int, float]], {"a": {1: 0.5}}),
    (tuple[int, ...], (1, 2)),
    (tuple[int, str], (1, "a")),
    (set[str], {"a", "b"}),
    (frozenset[int], frozenset({1})),
    (deque[int], deque([1, 2])),
    (datetime, MOMENT),
    (datetime, MOMENT.replace(tzinfo=None)),
    (datetime, MOMENT.astimezone(timezone(timedelta(hours=-3, minutes=-30)))),
    (dict[datetime, int], {MOMENT: 1}),
    (date, MOMENT.date()),
    (time, MOMENT.time()),
    (timedelta, timedelta(days=3, microseconds=1)),
    (Decimal, Decimal("1.00")),
    (Decimal, Decimal("0.1") * 3),
    (bytes, b"text"),
    (uuid.UUID, uuid.UUID(int=7)),
    (Path, Path("/a/b")),
    (IPv4Address, IPv4Address("10.0.0.1")),
    (ZoneInfo, ZoneInfo("Europe/Berlin")),
    (Color, Color.RED),
    (dict[Color, int], {Color.RED: 1}),
    (Level, Level.HIGH),
    (Place, Place(1, 2)),
    (defaultdict[str, list[int]], defaultdict(list, a=[1])),
    (Counter[str], Counter("abca")),
    (OrderedDict[str, int], OrderedDict(b=1, a=2)),
    (Point, Point(1, inner=[2])),
    (Checked, Checked(theSize=4)),
    (Row, {"b": "x", "a": 1}),
    (Box[int], Box[int](content=3)),
    (Item, Item(name="pen")),
    (Item | Priced, Priced(name="pen", price=3)),
    (SerializeAsAny[Item] | Priced, Item(name="pen")),
    (Annotated[Cat | Dog, Field(discriminator="kind")], Dog()),
    (Json[list[int]], [1, 2]),
    (int | float, 1),
    (int | float, 1.0),
    (datetime | str, MOMENT),
    (str | int, "1"),
    (Any, {"a": [1, 2.5, "s", None, True, {"b": []}]}),
    (int, 10**400),
    (float, -0.0),
    (str, "\x00\u2028\U0001f600"),
]


@pytest.mark.parametrize(("annotation", "value"), KEPT, ids=called)
def test_a_value_that_its_fields_type_brings_back_is_kept_exactly(annotation, value):
    back = committed(holding(annotation, value))
    assert same([back.it], [value]), back


REFUSED = [
    # what JSON has no type for, where the field's type does not tell
    (Any, (1, 2), "it: a tuple came back as a list"),
    (Any, {"a": [{1, 2}]}, r"it\['a'\]\[0\]: a set came back as a list"),
    (Any, MOMENT, "it: a datetime came back as a str"),
    (Any, b"x", "it: a bytes came back as a str"),
    (Any, Decimal(1), "it: a Decimal came back as a str"),
    (Any, Color.RED, "it: a Color came back as a str"),
    (Any, Path("/a"), "it: a PosixPath came back as a str"),
    (Any, Item(), "it: an Item came back as a dict"),
    (Any, Point(), "it: a Point came back as a dict"),
    (Any, uuid.UUID(int=1), "it: a UUID came back as a str"),
    (Any, {1: "a"}, r"it\[1\]: is lost"),
    (Any, {1: "a", "1": "b"}, "it"),
    (Any, {None: 1}, r"it\[None\]: is lost"),
    (Any, float("nan"), "it: nan came back as None"),
    (Any, defaultdict(int), "it: a defaultdict came back as a dict"),
    (Any, ZoneInfo("UTC"), "it: a ZoneInfo cannot be written"),
    (Any, Level.HIGH, "it: a Level came back as an int"),
    (Any, Place(1, 2), "it: a Place came back as a list"),
    (Any, Word("w"), "it: a Word came back as a str"),
    (Any, object(), "it: an object cannot be written"),
    (Any, {"a": [lambda: 1]}, r"it\['a'\]\[0\]: a function cannot be written"),
    # types that say too little
    (Item, Priced(name="pen", price=3), "it: a Priced came back as an Item; declare the field as Priced"),
    (list[Item], [Item(), Priced()], r"it\[1\]: a Priced came back as an Item"),
    (SerializeAsAny[Item], Priced(), "it: a Priced came back as an Item"),
    (SecretStr, SecretStr("s3cret"), "it: .* a secret is not written out"),
    (str | datetime, MOMENT, "it: a datetime came back as a str"),
    (str, Word("w"), "it: a Word came back as a str"),
    (dict[str, int], {Word("w"): 1}, r"it\[Word 'w'\]: is lost"),
    (dict[str, int], defaultdict(int), "it: a defaultdict came back as a dict"),
    (defaultdict[str, int], defaultdict(lambda: 7, a=1), "it: "),
    (deque[int], deque([1], maxlen=3), "it: "),
    (int, Level.HIGH, "it: a Level came back as an int"),
    (int, True, "it: a bool came back as an int"),
    (float, 1, "it: an int came back as a float; store float"),
    (list[int], [1, True], r"it\[1\]: a bool came back as an int"),
    (set[int], {True}, "it: "),
    (tuple[int, ...], [1], "it: a list came back as a tuple"),
    (tuple[int, int], Place(1, 2), "it: a Place came back as a tuple"),
    (datetime, MOMENT.astimezone(ZoneInfo("Europe/Berlin")), "it: .*store a time in UTC"),
    (datetime, MOMENT.astimezone(timezone(timedelta(hours=1), "CET")), "it: .*store a time in UTC"),
    (datetime, MOMENT.replace(tzinfo=None, fold=1), "it: "),
    (Box[int], Box(content=3), "it: a Box came back as"),
    (Pattern | None, re.compile("a", re.IGNORECASE), "it: "),
    # what does not fit its own field
    (int, "many", "it: Input should be a valid integer"),
    (str, None, "it: Input should be a valid string"),
    (Item, {"name": 1}, "it.name: Input should be a valid string"),
    (float, float("inf"), "it"),
    (float | None, float("nan"), "it"),
    (Any, "\ud800", "it: a str cannot be written as JSON"),
    (bytes, b"\xff", "it: a bytes cannot be written as JSON"),
    (int, 10**5000, "it: an int cannot be written as JSON"),
    (Any, 10**5000, "it: an int cannot be written as JSON"),
    (dict[int, str], {10**5000: "x"}, "it"),
]


@pytest.mark.parametrize(("annotation", "value", "said"), REFUSED, ids=called)
def test_a_value_that_would_not_come_back_is_refused_with_its_path(annotation, value, said):
    state, keeper = begun(holder(annotation))
    before = repr(state)
    state.it, state.turn = value, 1
    with pytest.raises(InvalidMessage, match=f"state of cart.*{said}") as refused:
        keeper.changed(state)
    assert "s3cret" not in str(refused.value)
    assert repr(keeper.again()) == before


class Named(BaseModel):
    user_id: int = Field(0, alias="userId")


class Aliased(BaseModel):
    by_alias: int = Field(0, alias="byAlias")
    read_by: int = Field(0, validation_alias="readBy")
    written_by: int = Field(0, serialization_alias="writtenBy")
    chosen: int = Field(0, validation_alias=AliasChoices("one", AliasPath("two", 0)))
    one: int = Field(0, alias="other")
    other: int = Field(0, alias="one_of")
    nested: Named = Named()
    checked: Checked = Field(default_factory=Checked)
    row: Row | None = None
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] = Cat()


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"populate_by_name": True},
        {"serialize_by_alias": True},
        {"validate_by_alias": False, "validate_by_name": True},
    ],
    ids=str,
)
def test_a_field_with_any_alias_comes_back(config):
    kind = type("State", (Aliased,), {"model_config": ConfigDict(**config), "__module__": __name__})
    state, keeper = begun(kind)
    for n, name in enumerate(("by_alias", "read_by", "written_by", "chosen", "one", "other"), 1):
        setattr(state, name, n)
    state.nested.user_id, state.checked.size, state.row, state.pet = 7, 8, {"a": 9, "b": "b"}, Dog()
    stored = keeper.changed(state)
    back = restored("cart", agent_of(kind), stored)
    assert same([back], [state])
    assert (stored["by_alias"], stored["nested"]["user_id"], back.nested.user_id) == (1, 7, 7)


@pytest.mark.parametrize(
    "stored",
    [
        {"by_alias": 1, "nested": {"user_id": 7}, "gone": 1},
        {"byAlias": 1, "nested": {"userId": 7}},
        {"byAlias": 1, "nested": {"user_id": 7}, "gone": 1},
    ],
    ids=str,
)
def test_a_state_is_opened_by_names_and_by_aliases(stored):
    back = restored("cart", agent_of(Aliased), stored)
    assert (back.by_alias, back.nested.user_id) == (1, 7)


def test_what_no_field_writes_is_no_state_and_changes_none():
    class State(BaseModel):
        model_config = ConfigDict(extra="forbid")
        n: int = 0
        scratch: Any = Field(None, exclude=True)
        point: Point = Field(default_factory=Point)
        _lock: Any = PrivateAttr(default_factory=object)

        @computed_field
        @property
        def double(self) -> int:
            return 2 * self.n

        @cached_property
        def costly(self) -> list[int]:
            return [self.n]

    state, keeper = begun(State)
    state.scratch, state._lock, state.point.note = object(), object(), "excluded"
    assert state.costly == [0]
    assert keeper.changed(state) is None
    state.n, state.point.x = 3, 4
    assert keeper.changed(state) == {"n": 3, "point": {"x": 4, "inner": []}}
    assert restored("cart", agent_of(State), {"n": 3, "point": {"x": 4, "inner": []}}).double == 6


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (RootModel[dict[int, str]], lambda state: state.root.update({1: "a"})),
        (RootModel[list[Item]], lambda state: state.root.append(Item(name="pen"))),
        (Box[list[datetime]], lambda state: setattr(state, "content", [MOMENT])),
    ],
)
def test_root_and_generic_models_are_states(kind, change):
    state = kind([]) if kind is RootModel[list[Item]] else kind({}) if issubclass(kind, RootModel) else kind()
    keeper = Committed("cart", state, is_new=False)
    change(state)
    assert same([restored("cart", agent_of(kind), keeper.changed(state))], [state])


def test_a_root_model_names_the_place():
    state = RootModel[list[Item]]([])
    keeper = Committed("cart", state, is_new=False)
    state.root.append(Priced())
    with pytest.raises(InvalidMessage, match=r"root\[0\]: a Priced came back as an Item"):
        keeper.changed(state)


def configured(**config):
    return type("State", (holder(list[int], []),), {"model_config": ConfigDict(**config), "__module__": __name__})


@pytest.mark.parametrize(
    "config",
    [{"strict": True}, {"validate_default": True}, {"validate_assignment": True}, {"extra": "forbid"}],
    ids=str,
)
def test_the_settings_of_a_model_do_not_matter(config):
    state, keeper = begun(configured(**config))
    state.it.append(1)
    assert restored("cart", agent_of(type(state)), keeper.changed(state)).it == [1]


def test_a_strict_model_takes_what_json_says_of_its_types():
    class State(BaseModel):
        model_config = ConfigDict(strict=True)
        at: datetime | None = None
        pair: tuple[int, int] = (0, 0)
        new_in_this_version: int = 0

    back = restored("cart", agent_of(State), {"at": "2026-03-04T05:06:07.000089Z", "pair": [1, 2]})
    assert (back.at, back.pair) == (MOMENT, (1, 2))


def test_the_fields_of_a_frozen_model_may_hold_what_changes():
    class State(BaseModel):
        model_config = ConfigDict(frozen=True)
        items: list[Item] = []

    state, keeper = begun(State)
    state.items.append(Item(name="pen"))
    assert keeper.changed(state) == {"items": [{"name": "pen"}]}
    state.items.append(Priced())
    with pytest.raises(InvalidMessage, match=r"items\[1\]"):
        keeper.changed(state)


def test_extra_values_are_kept_when_json_can_say_them():
    class State(BaseModel):
        model_config = ConfigDict(extra="allow")
        user_id: int = Field(0, alias="userId")

    state, keeper = begun(State)
    state.note, state.userId = ["x", 1], 5
    back = restored("cart", agent_of(State), keeper.changed(state))
    assert (back.note, back.userId, back.user_id) == (["x", 1], 5, 0)
    state.note = (1, 2)
    with pytest.raises(InvalidMessage, match="note: a tuple came back as a list"):
        keeper.changed(state)


def test_nan_comes_back_where_the_model_has_words_for_it():
    state = type("State", (holder(list[float], []),), {"model_config": ConfigDict(ser_json_inf_nan="strings")})()
    state.it, state.turn = [float("nan"), float("inf"), float("-inf"), 1.5], 1
    assert same([committed(state).it], [state.it])
    state = type("State", (holder(list[float], []),), {"model_config": ConfigDict(ser_json_inf_nan="constants")})()
    state.it = [1.5, float("nan")]
    with pytest.raises(InvalidMessage, match=r"it\[1\]: nan cannot be written as JSON"):
        begun(type(state))[1].changed(state)


def test_bytes_come_back_where_the_model_encodes_them():
    config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
    state = type("State", (holder(bytes, b""),), {"model_config": config})()
    state.it = b"\xff\x00"
    assert committed(state).it == b"\xff\x00"


def test_serializers_and_validators_of_the_users_are_judged_by_the_round_trip():
    class State(BaseModel):
        secret: SecretStr = SecretStr("")
        whole: int = 0

        @field_serializer("secret")
        def reveal(self, value):
            return value.get_secret_value()

        @model_serializer(mode="wrap")
        def wrapped(self, handler):
            return {"v": 1, **handler(self)}

        @model_validator(mode="wrap")
        @classmethod
        def unwrapped(cls, value, handler):
            return handler(value)

        @field_validator("whole")
        @classmethod
        def at_most_nine(cls, value):
            return min(value, 9)

    state, keeper = begun(State)
    state.secret = SecretStr("known")
    assert restored("cart", agent_of(State), keeper.changed(state)).secret.get_secret_value() == "known"
    state.whole = 10
    with pytest.raises(InvalidMessage, match="whole: 10 came back as 9"):
        keeper.changed(state)


def test_things_without_an_equality_are_compared_by_what_they_consist_of():
    state, keeper = begun(Open)
    state.vector, state.odd = Vector(1, 2), Odd(3)
    assert keeper.changed(state) == {"vector": [1, 2], "odd": 3}
    state.vector.numbers = (1, 2)
    with pytest.raises(InvalidMessage, match="vector"):
        keeper.changed(state)
    state.vector, state.odd = None, Odd(True)
    state.odd.more = 1
    with pytest.raises(InvalidMessage, match="odd"):
        keeper.changed(state)


def test_a_validator_that_breaks_is_a_refusal_and_no_error_of_its_own():
    class State(BaseModel):
        n: int = 0

        @field_validator("n")
        @classmethod
        def known(cls, value):
            return {0: 0}[value]

    state, keeper = begun(State)
    state.n = 1
    with pytest.raises(InvalidMessage, match="state of cart could not be read back: KeyError"):
        keeper.changed(state)


def test_a_validator_that_counts_or_changes_touches_only_its_own_copy():
    class State(BaseModel):
        items: list[int] = []

        @model_validator(mode="after")
        def clean(self):
            self.items.sort()
            return self

    state, keeper = begun(State)
    state.items.extend([1, 2])
    assert keeper.changed(state) == {"items": [1, 2]}
    state.items.append(0)
    with pytest.raises(InvalidMessage, match=r"items\[0\]: 1 came back as 0"):
        keeper.changed(state)
    assert state.items == [1, 2, 0]
