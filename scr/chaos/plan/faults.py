"""From a seed to a schedule: which faults, at whom, when.

Pure.  Every fault draws its own numbers from the seed and its place, so that a
schedule from which some are left out has the same others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from scr.chaos.plan.kinds import HELPERS, KEEPING, KINDS, FaultKind, ends_runtime
from scr.errors import InvalidInput

POINTS = 4
TARGET_WEIGHTS: Mapping[str, float] = {
    "table": 0.25,
    "memory": 0.25,
    "zygote": 0.12,
    "standby": 0.5,
    "runtime": 0.2,
    "tree": 0.1,
    "keeper": 0.1,
}
"""How often a helper is hit, against 1 for each type of agent."""
KEEPER_S = 21.0  # the keeper starts a runtime again 3 times in 60 s


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its place in the schedule, when (seconds from the start), what, to which type of process.

    `pick`, from 0 to 1, chooses among the processes of that type; `point` is
    the place in a handler at which an order is obeyed, `times` how often it is.
    """

    n: int
    at_s: float
    kind: str
    target: str
    pick: float
    point: int
    hold_s: float
    times: int = 1


@dataclass(frozen=True, slots=True)
class FaultMix:
    """What a schedule is made from: so many faults that end a process, of these kinds, at these types of process.

    The gap between two is half of `gap_s` to one and a half of it.
    """

    kills: int
    kinds: Sequence[str]
    targets: Sequence[str]
    agents: Sequence[str]
    gap_s: float = 0.15
    limit_s: float = float("inf")
    helpers: Sequence[str] = HELPERS


def draw(seed: int, *words: object) -> float:
    """A number from 0 to below 1 that this seed and these words always give."""
    text = "\x1f".join(map(str, (seed, *words)))
    return int.from_bytes(blake2b(text.encode(), digest_size=7).digest(), "big") / (1 << 56)


def choose(weights: Mapping[str, float], at: float) -> str:
    """The name into whose share of the weights `at`, from 0 to 1, falls."""
    left = at * sum(weights.values())
    for name, weight in weights.items():
        left -= weight
        if left < 0:
            return name
    return tuple(weights)[-1]


def schedule(seed: int, wanted: FaultMix) -> tuple[Fault, ...]:
    """The faults in order of time.  Raises InvalidInput for kinds and targets that do not meet."""
    weights = pairs(wanted)
    if not weights:
        raise InvalidInput(
            f"no fault of {', '.join(wanted.kinds)} can be done to {', '.join(wanted.targets)}; see --list"
        )
    return tuple(_drawn(seed, wanted, weights))


def pairs(wanted: FaultMix) -> dict[str, dict[str, float]]:
    """What each kind may hit, with the weight of each; kinds that may hit nothing here are left out."""
    found = {}
    for name in wanted.kinds:
        targets = _targets(KINDS[name], wanted)
        if targets:
            found[name] = {target: TARGET_WEIGHTS.get(target, 1.0) for target in targets}
    return found


def _targets(kind: FaultKind, wanted: FaultMix) -> list[str]:
    meant = [target for name in kind.targets for target in (wanted.agents if name == "agent" else (name,))]
    there = {*wanted.agents, *wanted.helpers, *KEEPING}
    return [target for target in meant if target in there and (target in wanted.targets or "all" in wanted.targets)]


def _drawn(seed: int, wanted: FaultMix, weights: Mapping[str, Mapping[str, float]]) -> Iterator[Fault]:
    kinds = {name: KINDS[name].weight for name in weights}
    at_s, kills, n, free_s = 0.0, 0, 0, 0.0
    while kills < wanted.kills:
        n += 1
        at_s += wanted.gap_s * (0.5 + draw(seed, n, "gap"))
        if at_s > wanted.limit_s:
            return
        fault = _fault(seed, n, at_s, kinds, weights)
        if ends_runtime(fault.kind, fault.target):
            if at_s < free_s and not _is_all_heavy(weights):
                continue
            at_s = max(at_s, free_s)
            fault, free_s = replace(fault, at_s=round(at_s, 4)), at_s + KEEPER_S
        kills += KINDS[fault.kind].ends or _is_endless(kinds)
        yield fault


def _fault(
    seed: int, n: int, at_s: float, kinds: Mapping[str, float], weights: Mapping[str, Mapping[str, float]]
) -> Fault:
    kind = choose(kinds, draw(seed, n, "kind"))
    least, most = KINDS[kind].times
    return Fault(
        n=n,
        at_s=round(at_s, 4),
        kind=kind,
        target=choose(weights[kind], draw(seed, n, "target")),
        pick=round(draw(seed, n, "pick"), 6),
        point=int(draw(seed, n, "point") * POINTS),
        hold_s=KINDS[kind].hold_s * (0.5 + draw(seed, n, "hold")),
        times=least + int(draw(seed, n, "times") * (most - least + 1)),
    )


def _is_endless(kinds: Mapping[str, float]) -> bool:
    """Nothing that is wanted ends a process: then every fault counts."""
    return not any(KINDS[name].ends for name in kinds)


def _is_all_heavy(weights: Mapping[str, Mapping[str, float]]) -> bool:
    return all(ends_runtime(kind, target) for kind, targets in weights.items() for target in targets)
