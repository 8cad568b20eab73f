"""Whether what was aimed at was met, in one run.  Pure."""

from __future__ import annotations

import math

from benchmark.case import EVERY_PEER, FLOOR, OURS, Bound, Row
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
    """Whether all bounds of a row hold; one that does not is enough for no.

    None where nothing is aimed at, and where nothing was broken but something was not measured.
    """
    figure = median_of(outcomes, OURS, row.id)
    if figure is None or not row.bounds:
        return None
    limits = [limit_of(row, bound, outcomes) for bound in row.bounds]
    known = [limit for limit in limits if limit is not None]
    if not all(figure >= limit if row.more_is_better else figure <= limit for limit in known):
        return False
    return True if len(known) == len(limits) else None


def limit_of(row: Row, bound: Bound, outcomes: dict[str, Outcome]) -> float | None:
    """What a bound comes to in this run, in the samples' unit; None where it was not measured against what.

    Peers that took part and have no figure bound nothing.
    """
    if bound.against is None:
        return bound.limit
    side = best_peer(row, outcomes) if bound.against == EVERY_PEER else bound.against
    if side is None:
        took_part = outcomes.keys() - {FLOOR, OURS}
        return (-math.inf if row.more_is_better else math.inf) if took_part else None
    value = median_of(outcomes, side, bound.row or row.id)
    return None if value is None else bound.limit * value + bound.plus
