"""A script whose agents use what scripts define.  Prints, as JSON, what they say, and what the script itself says."""

from __future__ import annotations

import abc
import contextvars
import dataclasses
import functools
import hashlib
import json
import logging
import re
import sys
import threading
import typing
from enum import Enum, Flag, IntEnum, StrEnum, auto
from typing import Annotated, Generic, Literal, NamedTuple, NewType, Optional, ParamSpec, Protocol, TypeVar

from pydantic import BaseModel, Field, PrivateAttr, ValidationError, computed_field, field_validator, model_serializer
from typing_extensions import TypedDict

import scr
from scr.agent.code import code_of

T = TypeVar("T")
P = ParamSpec("P")
UserId = NewType("UserId", int)
Positive = Annotated[int, Field(gt=0)]
DEPTH = contextvars.ContextVar("DEPTH", default=3)
OWN = threading.local()
LOCK = threading.RLock()
LOG = logging.getLogger("a.script")
WORD = re.compile(r"(\w)\w*")


class Greets:
    def hello(self):
        return f"hello {self.name}"


class Color(Greets, Enum):
    RED = "red"
    CRIMSON = "red"  # noqa: PIE796  an alias
    BLUE = "blue"

    @classmethod
    def best(cls):
        return cls.RED

    @staticmethod
    def other():
        return Color.BLUE

    @functools.cached_property
    def letters(self):
        return len(self.value)

    @classmethod
    def _missing_(cls, value):
        return cls.BLUE


class Level(IntEnum):
    LOW = auto()
    HIGH = auto()


class Word(StrEnum):
    ONE = auto()


class Right(Flag):
    READ = auto()
    WRITE = auto()
    ALL = READ | WRITE


class Planet(Enum):
    EARTH = (6, 2)

    def __init__(self, mass, radius):
        self.density = mass / radius


class Node(BaseModel):
    name: str = "n"
    children: list[Node] = []
    parent: Optional[Node] = None  # noqa: UP045  both ways of writing it


class Ping(BaseModel):
    pong: Pong | None = None


class Pong(BaseModel):
    ping: Ping | None = None


class Box(BaseModel, Generic[T]):
    item: T | None = None
    inner: list[Box[T]] = []


class Point(NamedTuple):
    x: int
    color: Color = Color.RED

    def double(self):
        return 2 * self.x


class Far(Point):
    def triple(self):
        return self.double() + self.x


class Movie(TypedDict, total=False):
    color: Color


class Film(Movie):
    title: str


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Size:
    width: int = 1
    color: Color = Color.RED


@dataclasses.dataclass
class Base:
    width: int = 1


@dataclasses.dataclass
class Derived(Base):
    parts: list[Derived] = dataclasses.field(default_factory=list)


@typing.runtime_checkable
class Quacks(Protocol):
    def quack(self) -> str: ...


class Bird(abc.ABC):
    @abc.abstractmethod
    def quack(self): ...


class Duck(Bird):
    __slots__ = ("age",)

    def quack(self):
        return "quack"


class Tagging(type):
    def __new__(cls, name, bases, namespace):
        return super().__new__(cls, name, bases, namespace | {"tag": name})


class Tagged(metaclass=Tagging):
    pass


class Shelf(Generic[T]):
    def __init__(self, item):
        self.item = item


class Rack(Shelf):
    pass


class Full(BaseModel):
    color: Color = Color.RED
    level: Level = Level.LOW
    count: Positive = 3
    user: UserId = UserId(4)
    point: Point = Point(1)
    film: Film = {"title": "t"}
    size: Size = Size()
    box: Box[int] = Box[int](item=1)
    kind: Literal["full"] = "full"
    _notes: list[str] = PrivateAttr(default_factory=list)

    class Inner(BaseModel):
        value: int = 5

    @field_validator("count")
    @classmethod
    def at_least(cls, count):
        return max(count, len(Color))

    @computed_field
    @property
    def twice(self) -> int:
        return self.count * 2

    def model_post_init(self, context):
        self._notes.append("made")


class More(Full):
    colors: dict[Color, Right] = {}

    def notes(self):
        return super().model_dump(mode="json"), self._notes


class Said(BaseModel):
    value: int = 1

    @model_serializer
    def say(self):
        return {"said": self.value}


@functools.lru_cache(maxsize=8)
def doubled(n):
    return n * 2


part = functools.partial(doubled, 4)


@functools.singledispatch
def shape(value):
    return "thing"


@shape.register(list)
def _of_list(value):
    return [shape(part) for part in value]


@shape.register(int)
def _of_int(value):
    return "number"


def is_even(n):
    return n == 0 or is_odd(n - 1)


def is_odd(n):
    return n != 0 and is_even(n - 1)


def enums():
    flags = [Right.READ | Right.WRITE is Right.ALL, Right(3) is Right.ALL, len(Right.ALL)]
    same = [Color("red") is Color.RED, Color.CRIMSON is Color.RED, Color("?") is Color.BLUE, Color.best() is Color.RED]
    values = [
        Color.other().value,
        Color.RED.hello(),
        Color.RED.letters,
        Level.HIGH + 1,
        Word.ONE + "!",
        list(Color.__members__),
    ]
    return [flags, same, values, Planet.EARTH.density, Planet((6, 2)) is Planet.EARTH, isinstance(Color.RED, Greets)]


def models():
    node = Node.model_validate({"children": [{"children": [{"name": "deep"}]}], "parent": {}})
    ping = Ping.model_validate({"pong": {"ping": {}}})
    box = Box[int].model_validate({"item": "3", "inner": [{"item": 4}]})
    more = More.model_validate({"colors": {"red": 3}, "point": ["2", "blue"], "size": {"width": "9"}, "count": 1})
    same = [
        type(node.children[0].children[0]) is Node,
        type(node.parent) is Node,
        type(ping.pong.ping) is Ping,
        type(box.inner[0]) is Box[int],
        type(Full().box) is Box[int],
        more.colors == {Color.RED: Right.ALL},
        more.point.color is Color.BLUE,
        type(more.size) is Size,
        Box[Color](item="red").item is Color.RED,
    ]
    faults = []
    for model, given in (
        (Box[int], {"item": "x"}),
        (Full, {"count": 0}),
        (Full, {"size": {"color": 1}}),
        (Node, {"children": 1}),
    ):
        try:
            model.model_validate(given)
        except ValidationError as error:
            faults.append(error.errors()[0]["type"])
    return [same, faults, more.notes(), Full.Inner().value, Said().model_dump(), node.children[0].children[0].name]


def others():
    token = DEPTH.set(9)
    deep = DEPTH.get()
    DEPTH.reset(token)
    OWN.x = 1
    with LOCK:
        held = True
    tuples = [
        Far(2).triple(),
        isinstance(Far(1), Point),
        Point._field_defaults == {"color": Color.RED},
        Point(1)._replace(x=5).x,
    ]
    typed = [
        sorted(Film.__required_keys__),
        sorted(Film.__optional_keys__),
        UserId(3),
        str(T),
        str(P),
        Shelf[int](3).item,
    ]
    data = [Size(2) > Size(1), hash(Size()) == hash(Size()), Derived(parts=[1]).parts, isinstance(Derived(), Base)]
    kinds = [isinstance(Duck(), Quacks), Duck().quack(), Tagged.tag, Rack(1).item, isinstance(Rack(1), Shelf)]
    calls = [doubled(2), doubled.cache_info().maxsize, part(), shape([1, "x"]), is_even(10)]
    return [deep, DEPTH.get(), held, OWN.x, tuples, typed, data, kinds, calls, LOG.name, WORD.match("ab").group(1)]


def work(ctx, message):
    return json.loads(json.dumps([enums(), models(), others()]))  # tuples are no JSON


class Keeper(scr.Agent):
    class State(BaseModel):
        color: Color = Color.RED
        node: Node | None = None

    favourite = Color.BLUE

    def on_task(self, ctx, message):
        before = self.state.color
        self.state.color, self.state.node = Color.BLUE, Node(children=[Node(name="kept")])
        same = [
            before is Color[message.payload.input],
            Color.BLUE is self.favourite,
            type(self.state.node.children[0]) is Node,
        ]
        ctx.reply(same)


def made_here():
    class Mood(Enum):
        GOOD = 1

    class Leaf(BaseModel):
        leaves: list[Leaf] = []
        mood: Mood = Mood.GOOD

    Leaf.model_rebuild()

    def local(ctx, message):
        return [Leaf(leaves=[{}]).leaves[0].mood is Mood.GOOD, type(Leaf(leaves=[{}]).leaves[0]) is Leaf]

    return local


def report(local):
    """What all agents say, and what the script says itself."""
    with scr.Runtime() as runtime:
        for name, agent in (("work", work), ("local", local), ("keeper", Keeper)):
            runtime.start_agent(name, agent)
        said = {
            "work": runtime.ask("work", None),
            "local": runtime.ask("local", None),
            "keeper": runtime.ask("keeper", "RED"),
        }
        runtime.restart_agent("keeper")
        said["kept"] = runtime.ask("keeper", "BLUE")
    return {"said": said, "own": {"work": work(None, None), "local": local(None, None)}}


if __name__ == "__main__":
    local = made_here()
    codes = [hashlib.sha256(code_of(agent).pickled.encode()).hexdigest() for agent in (work, local, Keeper)]
    found = report(local) if sys.argv[1:] == ["report"] else {}
    print(json.dumps({**found, "codes": codes}))
