"""The arithmetic of the benchmark.  Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Of: TypeAlias = Literal["p50", "p99"]


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of the rounds, the least and the greatest of them."""

    median: float
    least: float
    greatest: float

    @classmethod
    def over(cls, values: Sequence[float]) -> Spread:
        """Of one value for each round."""
        return cls(statistics.median(values), min(values), max(values))


def summary(samples: Sequence[float], of: Of) -> float:
    """One value of what was sampled in one round."""
    if of == "p50":
        return statistics.median(samples)
    return sorted(samples)[max(0, math.ceil(len(samples) * 0.99) - 1)]


def ratio(over: Sequence[float | None], under: Sequence[float | None]) -> Spread | None:
    """How often one goes into the other, round by round: what both have felt of the machine cancels out."""
    pairs = [a / b for a, b in zip(over, under, strict=False) if a is not None and b]
    return Spread.over(pairs) if pairs else None


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The exponent with which y grows with x, by least squares over the logarithms: 0 not at all, 1 in proportion."""
    xs = [math.log(x) for x, _ in points]
    ys = [math.log(y) for _, y in points]
    return statistics.linear_regression(xs, ys).slope


def rise(points: Sequence[tuple[float, float]]) -> float:
    """By how much y rises for each x, by least squares."""
    return statistics.linear_regression(*zip(*points, strict=True)).slope
