"""Refuse what would not arrive as it was sent: JSON has few types, and turns others into them without a word."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date, time
from enum import Enum
from math import isfinite
from types import NoneType
from typing import Any

from pydantic import BaseModel

from scr.agent.steps.alike import shown
from scr.agent.steps.identity import StepKey
from scr.agent.steps.readback import refuse_inexact
from scr.errors import InvalidMessage

SCALARS = frozenset({str, int, bool, NoneType, StepKey})
LEVELS_MAX = 200
REMEDIES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (Enum, "its `.value`"),
    ((set, frozenset), "`sorted(x)`"),
    (tuple, "`list(x)`"),
    ((date, time), "`x.isoformat()`"),
    ((bytes, bytearray), "text, such as base64"),
)


def refuse_unlike(value: Any, what: str) -> None:
    """Raise InvalidMessage with the place of what JSON would change; models must read back from their JSON exactly."""
    if _is_plain(value):
        return
    for path, part in _parts(value):
        place = f"{what}, at {path}," if path else what
        if isinstance(part, BaseModel):
            refuse_inexact(part, place)
        elif not _is_own(part):
            raise InvalidMessage(
                f"{place} must be JSON (dict with str keys, list, str, int, finite float, bool, None or a pydantic "
                f"model), but {_name(part)} {shown(part)} is not: give {_remedy(part)}"
            )


def _is_plain(value: Any, levels: int = LEVELS_MAX) -> bool:
    """Tell whether a value is of JSON's own types all the way down; False at the end of the levels, as in a ring."""
    kind = type(value)
    if kind is dict and levels:
        for key, part in value.items():
            if type(key) is not str or not (type(part) in SCALARS or _is_plain(part, levels - 1)):
                return False
        return True
    if kind is list and levels:
        return all(type(part) in SCALARS or _is_plain(part, levels - 1) for part in value)
    return kind in SCALARS or (kind is float and isfinite(value))


def _is_own(part: Any) -> bool:
    """Tell whether a value, whatever it holds, is of JSON's own types."""
    return type(part) is list or (type(part) is dict and set(map(type, part)) <= {str}) or _is_plain(part)


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield a value and all that its dictionaries and lists hold, each container once, with their paths."""
    level, seen = [("", value)], set[int]()
    while level:
        yield from level
        fresh = {id(part): (path, part) for path, part in level if type(part) in (dict, list) and id(part) not in seen}
        seen |= fresh.keys()
        level = [
            (f"{path}[{shown(key)}]", inner)
            for path, part in fresh.values()
            for key, inner in (part.items() if type(part) is dict else enumerate(part))
        ]


def _name(part: Any) -> str:
    if type(part) is dict:
        keys = {type(key).__name__ for key in part if type(key) is not str}
        return f"a dict with keys of type {', '.join(sorted(keys))}"
    return type(part).__name__


def _remedy(part: Any) -> str:
    if type(part) is dict:
        return "it keys of type str"
    if type(part) is float:
        return "a finite number, or None"
    if dataclasses.is_dataclass(part):
        return "`dataclasses.asdict(x)`"
    own = [f"`{kind.__name__}(x)`" for kind in (str, int, float, list, dict) if isinstance(part, kind)]
    known = [remedy for kinds, remedy in REMEDIES if isinstance(part, kinds)]
    return next(iter(known + own), "what JSON can say of it, such as `str(x)`")
