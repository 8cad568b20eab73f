"""What a case is: rows, what is aimed at in each, and how much is measured.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from benchmark.spread import Of

Unit: TypeAlias = Literal["us", "ms", "s", "/s", "MB", "% of a core", "exponent", ""]
SCALE: Mapping[Unit, float] = {
    "us": 1e6,
    "ms": 1e3,
    "s": 1.0,
    "/s": 1.0,
    "MB": 1 / (1 << 20),
    "% of a core": 100.0,
    "exponent": 1.0,
    "": 1.0,
}

FLOOR, OURS, EVERY_PEER = "floor", "SCR", "every peer"


@dataclass(frozen=True, slots=True)
class Bound:
    """SCR's figure, as it is or as a multiple of another, is at most (or at least) so much.

    `against` is a side, or "every peer": then it holds for each that has a figure.  `row` is another row than
    the bound's own.
    """

    limit: float
    against: str | None = None
    row: str | None = None
    plus: float = 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.  `aim` says in words what `bounds` say in figures.

    The picture has those that are `drawn`, `scr/docs/benchmarks.md` those that are `told`.
    """

    id: str
    label: str
    unit: Unit
    samples: str = ""
    of: Of = "p50"
    more_is_better: bool = False
    aim: str = ""
    bounds: tuple[Bound, ...] = ()
    drawn: bool = False
    told: bool = False

    @property
    def name(self) -> str:
        """Of the samples that it is taken from."""
        return self.samples or self.id


@dataclass(frozen=True, slots=True)
class Case:
    """The floor and the peers are in it, where it is so said; `rounds` are at most so many.

    Without `quick` it is too long for a quick look, and left out.
    """

    id: str
    title: str
    rows: tuple[Row, ...]
    full: dict[str, Any]
    quick: dict[str, Any] | None
    floor: bool = True
    peers: bool = True
    rounds: int = 9
    limit_s: float = 90.0

    @property
    def name(self) -> str:
        """In a word or two."""
        return self.title.partition(":")[0]
