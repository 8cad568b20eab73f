"""What a campaign has left to be judged: the rows of the run, the client's log, what was seen from outside.

Pure.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic_core import from_json

from scr.chaos.inject.fault_result import Landed
from scr.chaos.judge.client_history import ClientTask
from scr.specs import AgentSpec
from scr.store.archive.row_index import Row


class RunEvent(NamedTuple):
    """One event of the run: its place, when (monotonic seconds), what; of which event it came, the wall clock then."""

    seq: int
    at: float
    kind: str
    body: Mapping[str, Any]
    cause: int = 0
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class Probes:
    """What was seen from outside, after all was over; `None` for what could not be seen.

    `late_s` is the longest that anything outlived its runtime.  The growths
    are those of one runtime's process, between two moments at rest;
    `complaints` what an event loop says of exceptions that nobody caught.
    """

    orphans: int = 0
    zombies: int = 0
    late_s: float = 0.0
    descriptors_grown: int = 0
    shared_memory_grown: int = 0
    scratch_left: int = 0
    secrets: tuple[str, ...] = ()
    slope_kb: float | None = None
    complaints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deploy:
    """New code for an agent, which does not fit it: when, and the error by which it was refused, "" for none.

    `refused` is None when the program did not live to hear of it.
    """

    n: int
    agent: str
    code: str
    at: float
    until: float
    refused: str | None = None


@dataclass(frozen=True)
class RunEvidence:
    """One run under faults.  `rows` are those of the store, whole, by table; `effects` counts what steps did outside.

    `limits` are those of supervisors, `specs` those of the agents that are known beforehand.
    `counts`: the agents count what they handle, see `Workload.counts`.
    """

    run: Row
    rows: Mapping[str, Sequence[Row]]
    asked: Mapping[str, ClientTask]
    effects: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    landed: tuple[Landed, ...] = ()
    probes: Probes = Probes()
    limits: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    specs: Mapping[str, AgentSpec] = field(default_factory=dict)
    deploys: tuple[Deploy, ...] = ()
    counts: bool = True

    def events(self) -> list[RunEvent]:
        """What happened, in order."""
        return [
            RunEvent(row["seq"], row["at"], row["kind"], from_json(row["body"]), row["cause"], row["time"])
            for row in sorted(self.rows["events"], key=lambda row: int(row["seq"]))
        ]


def effects_of(lines: Iterable[str]) -> dict[tuple[str, str, str], int]:
    """How often each effect happened: kind, message, name."""
    found: Counter[tuple[str, str, str]] = Counter()
    for line in lines:
        kind, message_id, name = line.rstrip("\n").split("\t")
        found[kind, message_id, name] += 1
    return dict(found)


def deploys_of(lines: Iterable[str]) -> tuple[Deploy, ...]:
    """Each deploy as its last line tells of it."""
    found = (Deploy(**json.loads(line)) for line in lines)
    return tuple({deploy.n: deploy for deploy in found}.values())


def by(rows: Iterable[Row], column: str) -> dict[Any, list[Row]]:
    """Rows by the value of one column."""
    found: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return found
