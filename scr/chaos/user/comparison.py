"""A run that was left alone beside the same run under kills: what differs, and what that is worth.

Pure.  Messages are matched by whom they went to and what they asked for, in
whatever order they were sent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from scr.chaos.judge.figures import Verdict
from scr.chaos.user.run_account import Account, Came

SHOWN = 10
LANDED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both accounts, how many kills were wanted, whom those that landed have struck, how many interrupted a turn."""

    calm: Account
    hit: Account
    wanted: int
    struck: tuple[str, ...]
    interrupted: int

    @property
    def differences(self) -> tuple[str, ...]:
        """What the kills changed; none, if all is as it should be."""
        times = Counter([*differing(self.calm.came, self.hit.came), *self.hit.broken])
        found = [f"{sentence} ({count} times)" if count > 1 else sentence for sentence, count in times.items()]
        more = [f"and {len(found) - SHOWN} more like that"] if len(found) > SHOWN else []
        return (*found[:SHOWN], *more)

    @property
    def shortcomings(self) -> tuple[str, ...]:
        """Why too little was done to say that nothing differs."""
        done = sum(came.outcome == "done" for came in self.calm.came)
        found = []
        if not self.calm.came or done < len(self.calm.came):
            found.append(f"undisturbed, {done} of {len(self.calm.came)} tasks were done: nothing to compare with")
        if len(self.struck) < self.wanted * LANDED_SHARE:
            found.append(
                f"{len(self.struck)} of {self.wanted} kills landed: give more tasks, longer ones, or fewer kills"
            )
        elif not self.interrupted:
            found.append("no kill fell into a turn: the tasks are too short to be interrupted; give longer ones")
        return tuple(found)

    @property
    def verdict(self) -> Verdict:
        """Valid, invalid, or unknown."""
        if self.differences:
            return Verdict.INVALID
        return Verdict.UNKNOWN if self.shortcomings else Verdict.VALID

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences behind the verdict; none for a valid one."""
        return self.differences or self.shortcomings


def differing(calm: Iterable[Came], hit: Iterable[Came]) -> Iterator[str]:
    """A sentence for each thing that differs."""
    before, after = _matched(calm), _matched(hit)
    for key in [*before, *(key for key in after if key not in before)]:
        one, other = Counter(before[key]), Counter(after[key])
        pairs = zip_longest((one - other).elements(), (other - one).elements())
        for was, became in pairs:
            yield from _pair(key, was, became)


def _matched(all_came: Iterable[Came]) -> defaultdict[tuple[str, str], list[Came]]:
    found = defaultdict(list)
    for came in all_came:
        found[came.to, came.given].append(came)
    return found


def _pair(key: tuple[str, str], was: Came | None, became: Came | None) -> Iterator[str]:
    what = f"the task {key[1]:.60} for {key[0]}"
    if was is None or became is None:
        yield f"{what} was asked only {'under kills' if was is None else 'undisturbed'}"
        return
    if became.doubts:
        yield f"{what} waits for a person: {', '.join(became.doubts)} had begun, and has no `reconcile` that finds out"
    elif was.outcome != became.outcome:
        yield f"{what} came to {was.outcome!r} undisturbed, and to {became.outcome!r} under kills"
    elif was.answer != became.answer:
        yield f"{what} gave {was.answer:.120} undisturbed, and {became.answer:.120} under kills"
    if was.steps != became.steps and not became.doubts:
        yield f"{what} recorded {was.steps} steps undisturbed, and {became.steps} under kills"
