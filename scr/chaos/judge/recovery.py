"""From a fault to the moment when the one that it hit does its work again.

Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scr.chaos.inject.fault_result import Landed
from scr.chaos.judge.evidence import RunEvent
from scr.chaos.plan.kinds import HELPERS, KINDS, ends_runtime

AT_WORK = frozenset({"turn_committed", "message_delivered", "step_recorded", "agent_resumed"})
RUNTIME_KINDS = frozenset({"turn_committed", "step_recorded", "message_accepted", "message_buried"})


@dataclass(frozen=True, slots=True)
class Recovery:
    """How long one fault was felt; None when nobody saw it end, `gave_up` when a supervisor said that it will not."""

    landed: Landed
    after_s: float | None
    gave_up: bool = False

    @property
    def is_over(self) -> bool:
        """Whether it came to an end: by work again, or by a supervisor's word."""
        return self.after_s is not None or self.gave_up


class ObservedWork:
    """When the run was seen to work: each agent of its own, the runtime as a whole, and each time that one started."""

    def __init__(self, events: Iterable[RunEvent]) -> None:
        self.up: defaultdict[str, list[float]] = defaultdict(list)
        self.work: defaultdict[str, list[float]] = defaultdict(list)
        self.resumed: defaultdict[str, list[float]] = defaultdict(list)
        self.any_work: list[float] = []
        self.runtimes: list[float] = []
        self.buried: list[float] = []
        self.gave_up: list[float] = []
        for event in events:
            self._add(event)
        for times in (
            *self.up.values(),
            *self.work.values(),
            *self.resumed.values(),
            self.any_work,
            self.runtimes,
            self.buried,
        ):
            times.sort()

    def _add(self, event: RunEvent) -> None:
        agent = str(event.body.get("agent", ""))
        match event.kind:
            case "agent_up":
                self.up[agent].append(event.at)
            case "agent_resumed":
                self.resumed[agent].append(event.at)
            case "runtime_up":
                self.runtimes.append(event.at)
            case "supervisor_gave_up":
                self.gave_up.append(event.at)
            case "message_buried":
                self.buried.append(event.at)
        if event.kind in AT_WORK:
            self.work[agent].append(event.at)
        if event.kind in RUNTIME_KINDS:
            self.any_work.append(event.at)


def recoveries(events: Iterable[RunEvent], landed: Iterable[Landed]) -> list[Recovery]:
    """One for each fault."""
    told = ObservedWork(events)
    return [_recovery(told, fault) for fault in landed]


def _recovery(told: ObservedWork, fault: Landed) -> Recovery:
    at = _recovered_at(told, fault)
    since = max(fault.at, fault.until) if not KINDS[fault.kind].ends else fault.at
    if at is not None:
        return Recovery(fault, max(0.0, at - since))
    return Recovery(fault, None, gave_up=_next(told.gave_up, fault.at) is not None)


def _recovered_at(told: ObservedWork, fault: Landed) -> float | None:
    if fault.kind == "poison":
        return _next(told.buried, fault.at)
    if ends_runtime(fault.kind, fault.target):
        up = _next(told.runtimes, fault.at)
        return None if up is None else _next(told.any_work, up)
    if fault.target in {"zygote", "standby"}:
        if not KINDS[fault.kind].ends:
            return fault.until
        return fault.seen_at or _next(told.runtimes, fault.at)  # with a new runtime comes a new one
    if fault.target in {"runtime", "keeper"}:
        return _next(told.any_work, fault.until)
    if KINDS[fault.kind].ends:
        return _earliest(_next(told.up[fault.victim], fault.at), _next(told.resumed[fault.victim], fault.at))
    if fault.target in HELPERS:  # nobody hears of their work but those who are served
        return _next(told.any_work, fault.until)
    return _earliest(_next(told.work[fault.victim], fault.until), _next(told.up[fault.victim], fault.at))


def _next(times: Sequence[float], at: float) -> float | None:
    place = bisect_right(times, at)
    return times[place] if place < len(times) else None


def _earliest(*times: float | None) -> float | None:
    return min((at for at in times if at is not None), default=None)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of them does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
