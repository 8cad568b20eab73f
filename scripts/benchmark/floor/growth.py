"""Round trips through a process that watches more and more others."""

from __future__ import annotations

import statistics
from functools import partial

from benchmark.clock import Samples
from benchmark.floor.bare import echo, end_all, fork
from benchmark.floor.round_trip import caller, routed
from benchmark.spread import slope

TRIPS = 500


def growth(crowds: list[int], **_: object) -> Samples:
    """By size, and the slope."""
    found: Samples = {}
    points = []
    for crowd in crowds:
        idle = [fork(echo) for _ in range(crowd)]
        times = routed(fork(partial(caller, trips=TRIPS)), fork(echo), None, idle)
        end_all(idle)
        found[f"trip_{crowd}"] = times
        points.append((float(crowd), statistics.median(times)))
    return found | {"trip_slope": [slope(points)]}
