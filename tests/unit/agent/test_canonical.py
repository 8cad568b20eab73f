"""What values have the same form, what have another, and what have none."""

import asyncio
import enum
import io
import operator
import re
import socket
import threading
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, PrivateAttr, SecretStr

from scr.agent.steps import canonical
from scr.agent.steps.canonical import DEPTH_MAX, Forms, NoForm, written


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


class Level(enum.IntEnum):
    ONE = 1


class Bits(enum.Flag):
    A = 1
    B = 2


class Model(BaseModel):
    a: int = 1
    b: list[dict[str, int]] = []
    _seen: int = PrivateAttr(default=0)


class Other(BaseModel):
    a: int = 1
    b: list[dict[str, int]] = []


@dataclass
class Point:
    x: int
    y: int = 0
    cache: object = field(default_factory=object, compare=False)


class Money(int):
    currency = "EUR"


class Place(NamedTuple):
    x: int
    y: int


class Named:
    def method(self):
        return self


def add(a, b):
    return a + b


def adding(n):
    return lambda m: n + m


def form(value):
    return written(Forms().of(value))


def money(amount, currency):
    made = Money(amount)
    made.currency = currency
    return made


DIFFERENT = [
    *(None, True, False, 1, 0, 1.0, 0.0, -0.0, float("nan"), float("inf"), "1", "None", "nan", b"1", bytearray(b"1")),
    *("", (), [], {}, set(), frozenset(), "a", "\ud800", "\ud801", 2**200, Money(1), money(1, "USD")),
    *([1], (1,), [True], [1.0], ["1"], [[1]], [(1,)], {1}, {1.0}, {"1"}, frozenset({1}), deque([1]), deque([1], 5)),
    *({"a": 1}, {"a": 1.0}, {"a": [1]}, {1: "a"}, {"1": "a"}, {True: "a"}, [["a", 1]], [("a", 1)], {"list": 1}),
    *(OrderedDict(a=1), Counter(a=1), defaultdict(int, a=1), SimpleNamespace(a=1), ["dict", "a", 1], ["list", 1]),
    *(Colour.RED, Colour.GREEN, Level.ONE, Bits.A, Bits.B, Bits.A | Bits.B, Colour, Model, Other, int),
    *(Model(), Model(a=2), Model(b=[{"a": 1}]), Model(b=[{"a": 2}]), Other(), Point(1), Point(0, 1), Place(1, 2)),
    *(date(2026, 1, 1), datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), time(1), timedelta(1)),  # noqa: DTZ001
    datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=2))),
    *(ZoneInfo("UTC"), UTC, Decimal(1), Decimal("1.0"), Decimal("NaN"), Fraction(1), complex(1), range(1), slice(1)),
    *(Path("1"), Path("a/b"), uuid.UUID(int=1), uuid.UUID(int=2), re.compile("a"), re.compile("a", re.IGNORECASE)),
    *(ValueError("a"), KeyError("a"), ..., NotImplemented, SecretStr("a"), list[int], int | str),
    *(
        add,
        len,
        print,
        operator,
        re,
        [].append,
        [1].append,
        "a".upper,
        partial(add, 1),
        partial(add, 2),
        partial(add, b=1),
    ),
    *(adding(1), adding(2), adding("1"), dict.fromkeys, Colour.__init__, threading.Thread, io.StringIO),
]
SAME = [
    ({"b": 1, "a": 2}, {"a": 2, "b": 1}),
    ({"b", "a", "c"}, {"c", "b", "a"}),
    ({1, "1", None}, {None, "1", 1}),
    ({(2, 1): 0, (1, 2): 0}, {(1, 2): 0, (2, 1): 0}),
    ({frozenset({1, 2}), frozenset({3})}, {frozenset({3}), frozenset({2, 1})}),
    (float("nan"), -float("nan")),
    ([float("nan")], [float("nan")]),
    (Model(), Model(a=1, b=[])),
    (Model(b=[{"y": 1, "x": 2}]), Model(b=[{"x": 2, "y": 1}])),
    (Point(1), Point(1, 0)),
    (Path("a/b"), Path("a", "b")),
    (uuid.UUID(int=1), uuid.UUID("00000000-0000-0000-0000-000000000001")),
    (Decimal("1.0"), Decimal("1.0")),
    (adding(1), adding(1)),
    (partial(add, 1), partial(add, 1)),
    (PurePosixPath("a"), PurePosixPath("./a")),
]


def test_values_that_are_not_the_same_have_different_forms():
    forms = [form(value) for value in DIFFERENT]
    twice = [(DIFFERENT[n], DIFFERENT[forms.index(found)]) for n, found in enumerate(forms) if forms.index(found) != n]
    assert not twice


@pytest.mark.parametrize(("one", "other"), SAME)
def test_values_that_are_the_same_have_one_form(one, other):
    assert form(one) == form(other)
    assert form([one, {"a": other}]) == form([other, {"a": one}])


class Zone(tzinfo):
    """A zone of another library."""

    def __init__(self, hours):
        self.hours = hours

    def utcoffset(self, _):
        return timedelta(hours=self.hours)

    def tzname(self, _):
        return f"zone {self.hours}"


def test_a_moment_in_a_zone_of_another_library_has_a_form():
    moments = [datetime(2026, 1, 1, tzinfo=Zone(hours)) for hours in (1, 1, 2)]
    first, again, other = map(form, moments)
    assert first == again != other


def running():
    yield


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (threading.Lock(), "lock"),
        (running(), "generator"),
        (io.StringIO(), "StringIO"),
        (object(), "object"),
        (Named(), "Named"),
        (Named().method, "Named"),
        (asyncio.Event(), "Event"),
        (iter([1]), "list_iterator"),
        ({"deep": [({1}, [Point(threading.Lock())])]}, "lock"),
        (partial(add, threading.Lock()), "lock"),
        (adding(threading.Lock()), "lock"),
    ],
)
def test_what_has_no_value_has_no_form_wherever_it_is(value, what):
    with pytest.raises(NoForm, match=what):
        form(value)


def test_a_socket_has_no_form():
    with socket.socket() as opened, pytest.raises(NoForm, match="socket"):
        form([opened])


def test_what_contains_itself_has_a_form():
    def ring():
        one, other = [1], {}
        one.append(other)
        other["back"] = one
        return one

    def counting(n):
        def down(m):
            return down(m - 1) + n

        return down

    assert form(ring()) == form(ring()) != form([1, {"back": [1]}])
    assert form(counting(1)) == form(counting(1)) != form(counting(2))


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def test_depth_and_number_of_parts_are_bounded(monkeypatch):
    assert form(nested(100)) != form(nested(101))
    with pytest.raises(NoForm, match=f"deeper than {DEPTH_MAX}"):
        form(nested(DEPTH_MAX + 2))
    wide = [1, [2]]
    monkeypatch.setattr(canonical, "CONTAINERS_MAX", 1000)
    for _ in range(20):  # few objects, and a million paths to them
        wide = [wide, wide]
    with pytest.raises(NoForm, match="more than 1000 parts"):
        form(wide)


def test_a_long_list_has_a_form():
    assert form(list(range(100_000))) != form(list(range(100_001)))
    assert form([{"n": n} for n in range(10_000)]) == form([{"n": n} for n in range(10_000)])
