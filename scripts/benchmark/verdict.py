"""Whether what was aimed at was met, in one run.  Pure."""

from __future__ import annotations

from collections.abc import Iterator

from benchmark.cases import EVERY_PEER, FLOOR, OURS, Bound, Row
from benchmark.contest import Outcome
from benchmark.spread import Spread


def spread_of(outcome: Outcome, row: str) -> Spread | None:
    """Over the rounds that have a value."""
    values = [value for value in outcome.values.get(row, ()) if value is not None]
    return Spread.over(values) if values else None


def median_of(outcomes: dict[str, Outcome], side: str, row: str) -> float | None:
    """The median of a side's rounds."""
    spread = spread_of(outcomes[side], row) if side in outcomes else None
    return spread.median if spread else None


def best_peer(row: Row, outcomes: dict[str, Outcome]) -> str | None:
    """Who of the peers is best in a row; None where no peer has a figure."""
    found = {
        name: value
        for name in outcomes
        if name not in {FLOOR, OURS} and (value := median_of(outcomes, name, row.id)) is not None
    }
    if not found:
        return None
    return (max if row.more_is_better else min)(found, key=lambda name: found[name])


def met(row: Row, outcomes: dict[str, Outcome]) -> bool | None:
    """Whether all bounds of a row hold; None where nothing is aimed at, or nothing was measured."""
    figure = median_of(outcomes, OURS, row.id)
    limits = [limit for bound in row.bounds for limit in limits_of(row, bound, outcomes)]
    if figure is None or not limits:
        return None
    return all(figure >= limit if row.more_is_better else figure <= limit for limit in limits)


def limits_of(row: Row, bound: Bound, outcomes: dict[str, Outcome]) -> Iterator[float]:
    """What a bound comes to in this run, in the samples' unit."""
    if bound.against is None:
        yield bound.limit
        return
    peers = [best_peer(row, outcomes)] if bound.against == EVERY_PEER else [bound.against]
    for side in peers:
        value = median_of(outcomes, side, bound.row or row.id) if side else None
        if value is not None:
            yield bound.limit * value + bound.plus
