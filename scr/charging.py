"""Whose failure it was, and what follows: another try of the message, its end, or an agent that is kept down.

Pure: times come in as wall clock (seconds since the epoch), because a due time
outlives the runtime; the jitter is a hash of what is tried again, so that a
history replays exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TypeAlias

from scr.bounds import counted
from scr.errors import LATER_MAX_S, StepInDoubt, TryLater
from scr.retry import Retry

PARKED_AFTER = 5  # dead letters in a row
LATER_MIN_S = 0.05  # an outage is not looked at more often than that
LEAVES_MAX = 100
FATAL = ("scr.errors.Fatal", "scr.errors.InvalidInput")  # what SCR itself refuses, it refuses again
INVALID = (  # input, or another agent's failure
    "pydantic_core._pydantic_core.ValidationError",
    "scr.errors.AgentError",
    "scr.errors.StepInDoubt",
)


@dataclass(frozen=True, slots=True)
class Charges:
    """What one message was charged with: tries that raised, deaths, and since when it is put off (wall clock)."""

    attempts: int = 0
    deaths: int = 0
    outage_since: float | None = None


@dataclass(frozen=True, slots=True)
class Raised:
    """The handler raised; `names` are the full names of the exception's class and its bases, nearest first."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PutOff:
    """The handler raised `scr.TryLater`."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Died:
    """The agent's process ended by itself with the message in hand."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The message is tried again at `due` (wall clock); None: as soon as the agent is up."""

    due: float | None = None


@dataclass(frozen=True, slots=True)
class BuryMessage:
    """The message becomes a dead letter.  `is_agents`: it counts towards parking its agent."""

    reason: str
    why: str
    is_agents: bool = False


@dataclass(frozen=True, slots=True)
class Behind:
    """The handler raised `scr.StepInDoubt`: what it asked waits for a person."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The message is tried again when what it asked is settled."""


Failing: TypeAlias = Raised | PutOff | Died | Behind
Verdict: TypeAlias = TryAgain | BuryMessage | Wait


def charge(
    charges: Charges, failing: Failing, retry: Retry, max_deliveries: int, *, at: float, seed: str
) -> tuple[Charges, Verdict]:
    """What a message has been charged with after one more failure at time `at`, and what becomes of it.

    `seed` names the message: its jitter is made of that.
    """
    match failing:
        case Died():
            charges = replace(charges, deaths=charges.deaths + 1)
            is_over = charges.deaths >= max_deliveries
            why = f"the process ended {counted(charges.deaths, 'time')} with it in hand"
            return charges, BuryMessage("quarantined", why, is_agents=True) if is_over else TryAgain()
        case Behind():
            return charges, Wait()
        case PutOff(after_s):
            return _put_off(charges, after_s, retry, at)
        case Raised(names):
            charges = replace(charges, attempts=charges.attempts + 1, outage_since=None)
            return charges, _after_error(charges, names, retry, at=at, seed=seed)


def _after_error(charges: Charges, names: tuple[str, ...], retry: Retry, *, at: float, seed: str) -> Verdict:
    if not is_retryable(retry, names):
        return BuryMessage("failed", "it is not tried again after such an error")
    if charges.attempts >= retry.attempts:
        tried = counted(charges.attempts, "time")
        return BuryMessage("failed", f"it was tried {tried}", is_agents=not is_any(INVALID, names))
    return TryAgain(at + pause_s(retry, charges.attempts, f"{seed}/{charges.attempts}"))


def _put_off(charges: Charges, after_s: float, retry: Retry, at: float) -> tuple[Charges, Verdict]:
    """The last try is at the end of the time for which it may be put off, even when it asks for a later one."""
    since = at if charges.outage_since is None else min(charges.outage_since, at)
    until = since + retry.outage_s
    if at >= until:
        return charges, BuryMessage("failed", f"it was put off for {retry.outage_s:g} s, and may not be for longer")
    return replace(charges, outage_since=since), TryAgain(min(at + max(after_s, LATER_MIN_S), until))


def is_retryable(retry: Retry, names: Iterable[str]) -> bool:
    """Whether an exception with these class names (its own and its bases', in full) is worth another try."""
    names = tuple(names)
    if is_any(FATAL, names) or is_any(retry.never_on, names):
        return False
    return not retry.on or is_any(retry.on, names)


def is_any(wanted: Iterable[str], names: Iterable[str]) -> bool:
    """Whether one of the wanted classes is among the names; one without a module stands for any module's."""
    known = set(names) | {name.rpartition(".")[2] for name in names}
    return any(name.removeprefix("builtins.") in known for name in wanted)


def pause_s(retry: Retry, failures: int, seed: str) -> float:
    """How long to wait after the nth failure in a row (n from 1).  With jitter, the same for the same seed."""
    try:
        ceiling = min(retry.cap_s, retry.base_s * retry.factor ** min(failures - 1, 64))
    except OverflowError:
        ceiling = retry.cap_s if retry.base_s else 0.0
    return ceiling if retry.jitter == "none" else ceiling * fraction(seed)


def left_s(due: float, retry: Retry, *, at: float) -> float:
    """How long a retry that an earlier runtime left still has to wait; a clock that was set back adds nothing."""
    return min(max(0.0, due - at), max(retry.cap_s, retry.outage_s))


def streak(before: int, verdict: Verdict | None) -> int:
    """How many messages of an agent in a row became dead letters by its failures; None: a turn has committed."""
    if verdict is None:
        return 0
    return before + (isinstance(verdict, BuryMessage) and verdict.is_agents)


def class_names(error: BaseException) -> tuple[str, ...]:
    """The full names of an exception's class and its bases, nearest first, then those of what a group holds."""
    kinds = dict.fromkeys(kind for leaf in (error, *leaves(error)) for kind in type(leaf).__mro__)
    return tuple(f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.") for kind in kinds)


def leaves(error: BaseException) -> list[BaseException]:
    """The exceptions that a group holds, however deep; an exception that is no group alone."""
    found: list[BaseException] = []
    left = [error]
    while left and len(found) < LEAVES_MAX:
        one = left.pop()
        if isinstance(one, BaseExceptionGroup):
            left.extend(one.exceptions)
        else:
            found.append(one)
    return found


def put_off_s(error: BaseException) -> float | None:
    """How long an error puts its message off: `scr.TryLater`, or a group of nothing else; None for any other."""
    several = leaves(error)
    outages = [one for one in several if isinstance(one, TryLater)]
    return max(map(_asked_s, outages)) if outages and len(outages) == len(several) else None


def is_doubt(error: BaseException) -> bool:
    """Tell whether an error says that a step is in doubt: `scr.StepInDoubt`, or a group of nothing else."""
    several = leaves(error)
    return bool(several) and all(isinstance(one, StepInDoubt) for one in several)


def _asked_s(outage: TryLater) -> float:
    """What an outage asks for, whatever a subclass has made of it."""
    after_s = outage.after_s
    return after_s if isinstance(after_s, int | float) and 0 <= after_s <= LATER_MAX_S else TryLater.after_s


def fraction(seed: str) -> float:
    """Return the number from 0 up to 1 that a seed stands for: what jitter is made of."""
    return int.from_bytes(blake2b(seed.encode(), digest_size=8).digest(), "big") / 2**64
