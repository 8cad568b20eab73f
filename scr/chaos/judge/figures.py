"""What a campaign has come to, in figures, and its verdict.

Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from scr.chaos.inject.fault_result import Landed, Missed
from scr.chaos.judge.checker import Violation, answered_twice, answers_in, effects_doubled, judge, leaks, lost
from scr.chaos.judge.evidence import RunEvidence
from scr.chaos.judge.recovery import Recovery, percentile, recoveries
from scr.chaos.plan.faults import Fault
from scr.chaos.plan.kinds import ENDERS

LANDED_SHARE = 0.6
ANSWERS_MIN = 20


class Verdict(StrEnum):
    """`unknown`: too few faults landed, or too little was done, to say that it holds."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Summary:
    """One round without its history; `failure` as the round has it."""

    seed: int
    planned: tuple[Fault, ...]
    missed: tuple[Missed, ...]
    recoveries: tuple[Recovery, ...]
    violations: tuple[Violation, ...]
    counts: Mapping[str, int]
    answers_wanted: int = ANSWERS_MIN
    failure: str = ""

    @property
    def landed(self) -> list[Landed]:
        """The faults that were done."""
        return [recovery.landed for recovery in self.recoveries]

    @property
    def verdict(self) -> Verdict:
        """Of this round alone."""
        if self.violations or self.failure:
            return Verdict.INVALID
        few = len(self.recoveries) < LANDED_SHARE * len(self.planned)
        return Verdict.UNKNOWN if few or self.counts["completed"] < self.answers_wanted else Verdict.VALID


def summary(
    seed: int, planned: Sequence[Fault], missed: Iterable[Missed], evidence: RunEvidence, failure: str
) -> Summary:
    """The summary of one round, judged."""
    return Summary(
        seed=seed,
        planned=tuple(planned),
        missed=tuple(missed),
        recoveries=tuple(recoveries(evidence.events(), evidence.landed)),
        violations=judge(evidence),
        counts=counts_of(evidence),
        answers_wanted=ANSWERS_MIN if evidence.counts else 1,
        failure=failure,
    )


def counts_of(evidence: RunEvidence) -> dict[str, int]:
    """How many of what was accepted came to which end, and what is wrong, each in number."""
    outcomes = {row["message_id"]: row["outcome"] for row in evidence.rows["messages"]}
    accepted = [key for key in evidence.asked if key in outcomes]
    dead = sum(outcomes[key] == "dead" for key in accepted)
    answers = answers_in(evidence)
    return {
        "accepted": len(accepted),
        "completed": sum(key in answers for key in accepted),
        "dead_lettered": dead,
        "lost": len(list(lost(evidence))),
        "duplicated": len(list(answered_twice(evidence))) + _turned_twice(evidence),
        "effects_doubled": len(list(effects_doubled(evidence))),
        "orphans": evidence.probes.orphans,
        "leaks": len(list(leaks(evidence))),
        "messages": len(evidence.rows["messages"]),
        "turns": len(evidence.rows["turns"]),
        "restarts": sum(event.kind == "runtime_up" for event in evidence.events()) - 1,
    }


def _turned_twice(evidence: RunEvidence) -> int:
    times = Counter(row["message_id"] for row in evidence.rows["turns"])
    return sum(count > 1 for count in times.values())


@dataclass(frozen=True)
class Figures:
    """A whole campaign.  `not_tested` has the reason for each kind that was wanted and could not be done."""

    seed: int
    commit: str
    rounds: tuple[Summary, ...]
    not_tested: Mapping[str, str]
    wanted: int = 0

    @property
    def recoveries(self) -> list[Recovery]:
        """Of all rounds."""
        return [recovery for one in self.rounds for recovery in one.recoveries]

    @property
    def kills(self) -> int:
        """How many faults that end a process were done."""
        return sum(recovery.landed.kind in ENDERS for recovery in self.recoveries)

    @property
    def verdict(self) -> Verdict:
        """The worst of the rounds; unknown when there was none."""
        found = {one.verdict for one in self.rounds}
        if Verdict.INVALID in found:
            return Verdict.INVALID
        few = self.kills < LANDED_SHARE * self.wanted
        return Verdict.UNKNOWN if few or not found or Verdict.UNKNOWN in found else Verdict.VALID

    @property
    def violated(self) -> list[str]:
        """The invariants that do not hold, each once."""
        named = [violation.invariant for one in self.rounds for violation in one.violations]
        return list(dict.fromkeys([*named, *("the end" for one in self.rounds if one.failure)]))

    def total(self, name: str) -> int:
        """Of all rounds."""
        return sum(one.counts[name] for one in self.rounds)

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints; the keys are public."""
        names = ("accepted", "completed", "dead_lettered", "lost", "duplicated", "effects_doubled", "orphans", "leaks")
        return {
            "seed": self.seed,
            "commit": self.commit,
            "kills": self.kills,
            "faults": self.by_kind(),
            **{name: self.total(name) for name in names},
            "recovery_ms": spread([one.after_s for one in self.recoveries if one.after_s is not None]),
            "verdict": self.verdict.value,
        }

    def as_report(self) -> dict[str, Any]:
        """What `--json` prints, and how each kind of fault and each type of process came off."""
        told = self.as_json()
        kinds = self._groups("kind")
        told["faults"] = {name: row | kinds.get(name, {}) for name, row in told["faults"].items()}
        counts = {"runs": len(self.rounds), "restarts": self.total("restarts")}
        return told | counts | {"targets": self._groups("target"), "violated": self.violated}

    def _groups(self, by: str) -> dict[str, dict[str, Any]]:
        """Those that were done, by `kind` or `target`.

        Nobody can tell which fault it was that lost something: `lost` and
        `doubled` are of all runs in which there was one of the group.
        """
        return {name: self._group(by, name) for name in sorted({getattr(one.landed, by) for one in self.recoveries})}

    def _group(self, by: str, name: str) -> dict[str, Any]:
        in_runs = [[each for each in one.recoveries if getattr(each.landed, by) == name] for one in self.rounds]
        hit = [one for one, of in zip(self.rounds, in_runs, strict=True) if of]
        found = [each for of in in_runs for each in of]
        return {
            "injected": len(found),
            "recovered": sum(each.is_over for each in found),
            "lost": sum(one.counts["lost"] for one in hit),
            "doubled": sum(one.counts["duplicated"] + one.counts["effects_doubled"] for one in hit),
            "recovery_ms": spread([each.after_s for each in found if each.after_s is not None]),
        }

    def by_kind(self) -> dict[str, dict[str, Any]]:
        """How often each kind was done and recovered from, and why not, where it was not tested."""
        done = Counter(one.landed.kind for one in self.recoveries)
        over = Counter(one.landed.kind for one in self.recoveries if one.is_over)
        names = dict.fromkeys([*done, *self.not_tested])
        return {
            name: {"injected": done[name], "recovered": over[name], "not_tested": self.not_tested.get(name)}
            for name in sorted(names)
        }


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p99 and max, in milliseconds."""
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {name: round(percentile(seconds, share) * 1000, 1) for name, share in shares.items()}


def table(figures: Figures) -> list[tuple[str, ...]]:
    """One row for each kind of fault and type of target, with a head: what the report and the terminal show."""
    groups: dict[tuple[str, str], list[Recovery]] = {}
    for one in figures.recoveries:
        groups.setdefault((one.landed.kind, one.landed.target), []).append(one)
    rows: list[tuple[str, ...]] = [("fault", "target", "injected", "recovered", "p50 ms", "p99 ms", "max ms")]
    for (kind, target), found in sorted(groups.items()):
        times = [one.after_s for one in found if one.after_s is not None]
        told = [f"{value:.1f}" for value in spread(times).values()]
        over = sum(one.is_over for one in found)
        rows.append((kind, target, str(len(found)), str(over), *told))
    return rows
