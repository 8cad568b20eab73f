"""What happened in one history, on either side, and the first thing in which two stories differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple, TypeAlias

from otp.history import Dynamic, History, Worker, all_specs

State: TypeAlias = Any
"""`down`, or [supervisor, [specs, active, supervisors, workers], children]; a worker is [id, `up` or `undefined`]."""


class Event(NamedTuple):
    """A start (`ok`, `fail`, `ignore`) or a stop (with its reason) of a child."""

    kind: str
    child: str
    how: str


class Segment(NamedTuple):
    """One operation: its answer, what started and stopped, and the state of the whole tree when all was quiet."""

    answer: Any
    events: tuple[Event, ...]
    state: State


class Story(NamedTuple):
    """One history as it was lived through.  The first segment is the start of the tree."""

    seed: int
    segments: tuple[Segment, ...]


class Difference(NamedTuple):
    """The first difference of two stories: at which segment, and what."""

    at: int
    what: str


@dataclass(frozen=True, slots=True)
class Family:
    """Who may be whose child in a history, which decides which orders are defined."""

    parents: dict[str, str]
    dynamic: frozenset[str]
    hasty: frozenset[str]  # workers with a budget of 0: that they obey and that they are killed are a race

    @classmethod
    def of(cls, history: History) -> Family:
        """Read a history."""
        known = [*all_specs(history)]
        return cls(
            {spec.id: above for spec, above in known if above},
            frozenset(spec.id for spec, _ in known if isinstance(spec, Dynamic)),
            frozenset(spec.id for spec, _ in known if isinstance(spec, Worker) and spec.shutdown == 0),
        )

    def is_ordered(self, one: str, other: str) -> bool:
        """Tell whether two workers have a defined order: the lowest supervisor above both is not dynamic."""
        above = set(self._above(other))
        return next((name for name in self._above(one) if name in above), None) not in self.dynamic

    def _above(self, name: str) -> Iterable[str]:
        while name in self.parents:
            name = self.parents[name]
            yield name


def compare(history: History, theirs: Story, ours: Story, *, traces: bool = True) -> Difference | None:
    """Find the first difference of what OTP did and what SCR did.  Without `traces`: in answers and states alone."""
    family = Family.of(history)
    for at, (one, other) in enumerate(zip(theirs.segments, ours.segments, strict=False)):
        if one.answer != other.answer:
            return Difference(at, f"OTP answered {one.answer}, SCR {other.answer}")
        if traces and (what := compare_events(family, one.events, other.events)):
            return Difference(at, what)
        if unordered(one.state, family.dynamic) != unordered(other.state, family.dynamic):
            return Difference(at, f"state in OTP {one.state}, in SCR {other.state}")
    lived, lived_here = len(theirs.segments), len(ours.segments)
    if lived != lived_here:
        return Difference(min(lived, lived_here), f"the tree of OTP lived {lived} segments, that of SCR {lived_here}")
    return None


def compare_events(family: Family, theirs: Iterable[Event], ours: Iterable[Event]) -> str | None:
    """Say how two traces differ: in their events, or in an order that is defined."""
    one, other = workers_events(family, theirs), workers_events(family, ours)
    if Counter(one) != Counter(other):
        return f"events in OTP {told(one)}; in SCR {told(other)}"
    names = sorted({event.child for event in one})
    pairs = [(name, name) for name in names] + [pair for pair in combinations(names, 2) if family.is_ordered(*pair)]
    for pair in pairs:
        if [event for event in one if event.child in pair] != [event for event in other if event.child in pair]:
            return f"order of {' and '.join(dict.fromkeys(pair))} in OTP {told(one)}; in SCR {told(other)}"
    return None


def workers_events(family: Family, events: Iterable[Event]) -> list[Event]:
    """Leave out supervisors, which are no processes in SCR, and the reasons that are a race."""
    return [
        event._replace(how="any") if event.kind == "stop" and event.child in family.hasty else event
        for event in events
        if event.child.startswith("w")
    ]


def unordered(state: State, dynamic: frozenset[str]) -> State:
    """Sort the children of dynamic supervisors, which have no order."""
    if isinstance(state, str) or len(state) == 2:
        return state
    name, counts, children = state
    below = [unordered(child, dynamic) for child in children]
    return [name, counts, sorted(below, key=str) if name in dynamic else below]


def told(events: Iterable[Event]) -> str:
    """Write a trace on one line."""
    return ", ".join(f"{event.kind} {event.child} {event.how}" for event in events) or "none"
