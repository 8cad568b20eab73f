"""Tell whether two values are alike: the same type and the same value, all the way down.

Pure.  Values are compared many at a time, by columns, since a state may hold
tens of thousands of them: `map`, `zip` and `==` on lists run in C.
"""

from __future__ import annotations

import dataclasses
import pickle
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from io import BytesIO
from itertools import chain, compress
from math import isnan
from operator import attrgetter
from types import NoneType
from typing import Any, get_type_hints
from uuid import UUID

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import TzInfo

ATOMS = frozenset({int, float, str, bool, NoneType, bytes, date, timedelta, UUID})
"""Types whose values `==` compares exactly, except for NaN."""

MISSING: Any = object()
"""Stands in a difference for what one side does not have."""

SHOWN_CHARACTERS = 80


@dataclasses.dataclass(frozen=True, slots=True)
class ReadbackDifference:
    """One place at which a value did not come back as it was; `path` is empty for the whole value."""

    path: str
    now: Any
    back: Any


def differences(now: Any, back: Any, path: str = "") -> Iterator[ReadbackDifference]:
    """Find the innermost places at which two values are not alike, in order."""
    if same([now], [back]):
        return
    inner = _inner_differences(now, back, path) if type(now) is type(back) else iter(())
    first = next(inner, ReadbackDifference(path, now, back))
    yield first
    yield from inner


def _inner_differences(now: Any, back: Any, path: str) -> Iterator[ReadbackDifference]:
    ours, theirs = dict(children(now)), dict(children(back))
    for label in ours | theirs:
        yield from differences(ours.get(label, MISSING), theirs.get(label, MISSING), path + label)


def children(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a value holds, each part with its label in a path: `.name`, `[0]`, `['key']`."""
    kind: type = type(value)
    if issubclass(kind, BaseModel) or dataclasses.is_dataclass(kind):
        fields = [(name, getattr(value, name, MISSING)) for name in kept_fields(kind)]
        extra = getattr(value, "__pydantic_extra__", None) or {}
        yield from ((f".{name}", part) for name, part in (*fields, *extra.items()))
    elif isinstance(value, dict):
        yield from ((f"[{_key(key)}]", part) for key, part in value.items())
    elif isinstance(value, list | tuple | deque):
        yield from ((f"[{n}]", part) for n, part in enumerate(value))


def _key(key: Any) -> str:
    return shown(key) if type(key) in ATOMS else f"{type(key).__name__} {shown(key)}"


def shown(value: Any) -> str:
    """Show a value in a sentence, short; the type alone of one that cannot be shown."""
    try:
        return repr(value)[:SHOWN_CHARACTERS]
    except Exception:  # noqa: BLE001  a `__repr__` of the user's
        return f"<{type(value).__name__}>"


@lru_cache(maxsize=1000)
def kept_fields(kind: type) -> tuple[str, ...]:
    """Name the fields of a model or dataclass that are written out."""
    declared: dict[str, FieldInfo] | None = getattr(kind, "__pydantic_fields__", None)
    if declared is None:
        hints = get_type_hints(kind, include_extras=True)
        names = [field.name for field in dataclasses.fields(kind)]
        return tuple(name for name in names if not _is_excluded(getattr(hints.get(name), "__metadata__", ())))
    return tuple(name for name, field in declared.items() if not field.exclude)


def _is_excluded(metadata: Iterable[Any]) -> bool:
    return any(isinstance(item, FieldInfo) and item.exclude for item in metadata)


def same(xs: Sequence[Any], ys: Sequence[Any]) -> bool:
    """Tell whether each value is alike the one at its place in the other list.  NaN is alike NaN."""
    kinds = list(map(type, xs))
    if kinds != list(map(type, ys)):
        return False
    distinct = set(kinds)
    if distinct <= ATOMS:
        return xs == ys or all(map(_equal_or_nan, xs, ys))
    if len(distinct) == 1:
        return _same_of(kinds[0], xs, ys)
    masks = ([kind is one for kind in kinds] for one in distinct)
    return all(same(list(compress(xs, mask)), list(compress(ys, mask))) for mask in masks)


def _equal_or_nan(x: Any, y: Any) -> bool:
    return bool(x == y) or (_is_nan(x) and _is_nan(y))


def _is_nan(x: Any) -> bool:
    return isinstance(x, float) and isnan(x)


def _same_of(kind: type, xs: Sequence[Any], ys: Sequence[Any]) -> bool:
    """Compare values that are all of one type."""
    if kind in (list, dict) and _same_bytes(xs, ys):
        return True
    if issubclass(kind, BaseModel):
        return _same_columns((*kept_fields(kind), "__pydantic_extra__"), xs, ys)
    if issubclass(kind, list | tuple | deque):
        return _same_sizes(xs, ys) and _same_attribute("maxlen", xs, ys) and same(_flat(xs), _flat(ys))
    if issubclass(kind, dict):
        return _same_dicts(xs, ys)
    if issubclass(kind, set | frozenset):
        return _same_sizes(xs, ys) and all(map(_same_members, xs, ys))
    if kind in (datetime, time):
        return _same_times(xs, ys)
    if issubclass(kind, Decimal):  # 1.0 is not 1.00, and a signalling NaN does not compare
        return list(map(str, xs)) == list(map(str, ys))
    if dataclasses.is_dataclass(kind):
        return _same_columns(kept_fields(kind), xs, ys)
    return all(map(_same_things, xs, ys))


class _Plain(pickle.Pickler):
    """A writer of values of the built-in types alone; it raises TypeError for others."""

    def reducer_override(self, value: Any) -> Any:
        raise TypeError(f"{type(value).__name__} is not plain")


def _same_bytes(xs: Sequence[Any], ys: Sequence[Any]) -> bool:
    """Tell whether plain values are pickled to the same bytes: the fastest comparison of types and values."""
    try:
        return _plain_bytes(xs) == _plain_bytes(ys)
    except (TypeError, ValueError, RecursionError):
        return False


def _plain_bytes(values: Sequence[Any]) -> bytes:
    written = BytesIO()
    pickler = _Plain(written, pickle.HIGHEST_PROTOCOL)
    pickler.fast = True
    pickler.dump(values)
    return written.getvalue()


def _same_columns(names: Iterable[str], xs: Sequence[Any], ys: Sequence[Any]) -> bool:
    try:
        return all(same(list(map(get, xs)), list(map(get, ys))) for get in map(attrgetter, names))
    except AttributeError:  # a field was deleted, or never set
        return False


def _same_attribute(name: str, xs: Sequence[Any], ys: Sequence[Any]) -> bool:
    return not hasattr(xs[0], name) or _same_columns((name,), xs, ys)


def _same_sizes(xs: Sequence[Any], ys: Sequence[Any]) -> bool:
    return list(map(len, xs)) == list(map(len, ys))


def _flat(xs: Iterable[Iterable[Any]]) -> list[Any]:
    return list(chain.from_iterable(xs))


def _same_dicts(xs: Sequence[dict[Any, Any]], ys: Sequence[dict[Any, Any]]) -> bool:
    if not (_same_sizes(xs, ys) and _same_attribute("default_factory", xs, ys)):
        return False
    keys, other_keys = _flat(xs), _flat(ys)
    if keys == other_keys:
        return same(keys, other_keys) and same(_flat(x.values() for x in xs), _flat(y.values() for y in ys))
    return all(_same_members(x, y) and same(*_paired(x, y)) for x, y in zip(xs, ys, strict=True))


def _paired(x: dict[Any, Any], y: dict[Any, Any]) -> tuple[list[Any], list[Any]]:
    """Pair the values of two dictionaries that have the same keys, in whatever order."""
    twins = {key: key for key in y}
    return list(x.values()), [y[_twin(key, twins)] for key in x]


def _same_members(x: Iterable[Any], y: Iterable[Any]) -> bool:
    """Compare two sets, or the keys of two dictionaries, in any order."""
    twins = {member: member for member in y}
    return same(list(x), [_twin(member, twins) for member in x])


def _twin(member: Any, twins: dict[Any, Any]) -> Any:
    if _is_nan(member):
        return next(filter(_is_nan, twins), MISSING)
    return twins.get(member, MISSING)


def _same_times(xs: Sequence[Any], ys: Sequence[Any]) -> bool:
    """Compare what clocks show and the offsets of their zones.  JSON brings back no zone but an offset."""
    ours, theirs = ([at.__reduce_ex__(4)[1] for at in times] for times in (xs, ys))
    if [x[0] for x in ours] != [y[0] for y in theirs]:
        return False
    zones = {(x[1:], y[1:]) for x, y in zip(ours, theirs, strict=True)}
    return all(x == y and all(map(_is_offset, x)) for x, y in zones)


def _is_offset(zone: tzinfo) -> bool:
    if isinstance(zone, timezone):
        return zone.tzname(None) == timezone(zone.utcoffset(None)).tzname(None)
    return isinstance(zone, TzInfo)


def _same_things(x: Any, y: Any) -> bool:
    """Compare by `==`.  Types without an `==` of their own, and arrays, are compared by what they are pickled as."""
    equal: Any = type(x).__eq__
    try:
        verdict = x is y or x == y
        if isinstance(verdict, bool) and (verdict or equal is not object.__eq__):
            return verdict
        return same([x.__reduce_ex__(4)], [y.__reduce_ex__(4)])
    except Exception:  # noqa: BLE001  an `==` of the user's, or a thing that cannot be taken apart
        return False
