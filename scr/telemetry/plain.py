"""What an event is made of.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeVar, dataclass_transform

from pydantic import ConfigDict

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(cls: type[T]) -> type[T]:
    """Make a dataclass and no model: events are made here, and what reads them checks them as a whole (`RECORD`).

    Type checkers see it frozen.  A dataclass that is frozen when it runs takes twice as long to make, and each message
    has three.
    """
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)


class Plain:
    """A plain value, which what reads it checks as a whole."""

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False, defer_build=True)
