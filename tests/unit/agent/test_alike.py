"""Two values are alike when they have the same type and value, all the way down."""

from collections import OrderedDict, deque
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, ConfigDict
from pydantic_core import TzInfo

from scr.agent.steps.alike import MISSING, differences, same

NAN, NOON = float("nan"), datetime(2026, 3, 4, 12, tzinfo=UTC)


class Node(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str = ""
    inner: list["Node"] = []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (NAN, float("nan")),
        ([1, NAN], [1, float("nan")]),
        ({"a": {"b": NAN}}, {"a": {"b": float("nan")}}),
        ({NAN: 1}, {float("nan"): 1}),
        ({NAN, 1.0}, {1.0, float("nan")}),
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}),
        ([{1, 2}, (3, None)], [{2, 1}, (3, None)]),
        (Decimal("NaN"), Decimal("NaN")),
        (NOON, NOON.replace(tzinfo=TzInfo(0))),
        (NOON.replace(tzinfo=None), NOON.replace(tzinfo=None)),
        (NOON.timetz(), NOON.replace(tzinfo=TzInfo(0)).timetz()),
        (Node(name="a", inner=[Node(more=[1])]), Node(name="a", inner=[Node(more=[1])])),
        (int, int),
    ],
)
def test_values_that_are_alike(one, other):
    assert same([one], [other])
    assert list(differences(one, other)) == []


@pytest.mark.parametrize(
    ("one", "other", "paths"),
    [
        (1, True, [""]),
        (1, 1.0, [""]),
        ([1, "a", 2.0], [1, "b", 2], ["[1]", "[2]"]),
        ({"a": [1, (2,)]}, {"a": [1, [2]]}, ["['a'][1]"]),
        ({"a": 1, "b": 2}, {"a": 1, "c": 2}, ["['b']", "['c']"]),
        ({1: 0}, {True: 0}, ["[1]", "[True]"]),
        ([1, 2], [1], ["[1]"]),
        ({1, 2}, {1, 3}, [""]),
        ({1}, {True}, [""]),
        (OrderedDict(a=1), {"a": 1}, [""]),
        (deque([1]), deque([1], maxlen=1), [""]),
        (Decimal("1.0"), Decimal("1.00"), [""]),
        (Decimal("sNaN"), Decimal("NaN"), [""]),
        (NOON, NOON.astimezone(timezone(timedelta(hours=1))), [""]),
        (NOON, NOON.replace(tzinfo=None), [""]),
        (NOON.replace(tzinfo=ZoneInfo("UTC")), NOON, [""]),
        (NOON.replace(tzinfo=timezone(timedelta(0), "mine")), NOON, [""]),
        (NOON.replace(fold=1), NOON, [""]),
        (bytearray(b"a"), b"a", [""]),
        ([bytearray(b"a")], [b"a"], ["[0]"]),
        (Node(inner=[Node(), Node(name="a")]), Node(inner=[Node(), Node(name="b")]), [".inner[1].name"]),
        (Node(more=1), Node(), [".more"]),
    ],
)
def test_values_that_are_not_alike_with_the_places_at_which_they_differ(one, other, paths):
    assert not same([one], [other])
    assert [found.path for found in differences(one, other)] == paths


def test_what_one_side_lacks_is_missing_on_that_side():
    lost, come = differences({"a": 1}, {"b": 1})
    assert (lost.now, lost.back, come.now, come.back) == (1, MISSING, MISSING, 1)


def test_values_of_many_types_in_one_list_are_each_compared_with_their_like():
    many = [1, "a", [Node(name="x")], {"k": NOON}, None, 2.5, (NOON,), Node()] * 50
    again = [1, "a", [Node(name="x")], {"k": NOON.replace(tzinfo=TzInfo(0))}, None, 2.5, (NOON,), Node()] * 50
    assert same(many, again)
    again[-1] = Node(name="other")
    assert [found.path for found in differences(many, again)] == ["[399].name"]
