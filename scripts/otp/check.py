"""Live through many histories on both sides, and judge what differs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from otp.erlang import Otp
from otp.explain import NOT_REPEATED, explain
from otp.generate import history
from otp.history import History
from otp.model import live_through
from otp.story import Difference, Story, compare

AT_ONCE, AT_ONCE_ASLEEP = 12, 400  # histories at the same time; those of `time` sleep nearly always
PROGRESS_S = 1.0


@dataclass(frozen=True, slots=True)
class Case:
    """One history that differs, where, and the reason when it is explained."""

    history: int
    operation: str
    difference: str
    explained: str | None


@dataclass(slots=True)
class Verdict:
    """What has come out of the histories of one mode, so far."""

    mode: str
    histories: int = 0
    operations: int = 0
    cases: list[Case] = field(default_factory=list)

    @property
    def explained(self) -> int:
        """Count the differences that are explained."""
        return sum(case.explained is not None for case in self.cases)

    @property
    def differences(self) -> int:
        """Count the differences that are not explained."""
        return len(self.cases) - self.explained

    def as_json(self) -> dict[str, Any]:
        """Give the verdict as plain values."""
        counts = {name: getattr(self, name) for name in ("mode", "histories", "operations", "differences", "explained")}
        cases = [{name: getattr(case, name) for name in Case.__slots__} for case in self.cases]
        return {**counts, "cases": cases}


class Progress:
    """The count of histories on standard error, once a second, from the first second on."""

    def __init__(self, whole: int, *, clock: float) -> None:
        self._whole, self._told_at = whole, clock

    def tell(self, verdict: Verdict, differ: int, now: float) -> None:
        """Tell, if it is time."""
        if now - self._told_at >= PROGRESS_S:
            self._told_at = now
            told = f"{verdict.mode}: {verdict.histories} of {self._whole} histories"
            print(f"{told}, {differ} of them to be looked at" if differ else told, file=sys.stderr, flush=True)


def check_policy(otp: Otp, mode: str, seeds: range) -> Verdict:
    """Compare the pure policy with OTP."""
    histories = {seed: history(mode, seed) for seed in seeds}
    verdict, progress = Verdict(mode), Progress(len(seeds), clock=time.monotonic())
    at_once = AT_ONCE_ASLEEP if mode == "time" else AT_ONCE
    doubtful: list[tuple[History, Difference]] = []
    for theirs in otp.stories(histories.values(), at_once):
        lived = histories.pop(theirs.seed)
        verdict.histories += 1
        verdict.operations += len(theirs.segments) - 1
        if found := compare(lived, theirs, live_through(lived)):
            doubtful.append((lived, found))
        progress.tell(verdict, len(doubtful), time.monotonic())
    doubtful += [(lived, Difference(0, "OTP told no story of it")) for lived in histories.values()]
    verdict.cases = [*judge(otp, sorted(doubtful, key=lambda pair: pair[0].seed))]
    return verdict


def judge(otp: Otp, doubtful: list[tuple[History, Difference]]) -> Iterator[Case]:
    """Live through each history that differs once more, alone, and decide whether its difference is explained."""
    again = {theirs.seed: theirs for theirs in otp.stories([lived for lived, _ in doubtful], 1)} if doubtful else {}
    for lived, first in doubtful:
        theirs = again.get(lived.seed, Story(lived.seed, ()))
        found = compare(lived, theirs, live_through(lived))
        yield case_of(lived, found or first, explain(lived, theirs, found) if found else NOT_REPEATED)


def case_of(lived: History, found: Difference, reason: str | None) -> Case:
    """Put a difference beside the operation in which it is seen."""
    return Case(lived.seed, operation_at(lived, found.at), found.what, reason)


def operation_at(lived: History, at: int) -> str:
    """Name the operation of a segment."""
    return str(lived.operations[at - 1]) if 0 < at <= len(lived.operations) else "start of the tree"
