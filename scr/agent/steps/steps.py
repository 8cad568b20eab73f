"""How the steps of a turn are run: none again that is recorded as done, and a `once` step never on a guess.

The course of a step is written once, as a coroutine over three verbs, `call`,
`keep` and `pause`.  A plain handler's hands wait in all of them, so that the
coroutine never suspends; an `async def` handler's let its other tasks run
meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from time import monotonic, sleep
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from pydantic import JsonValue

from scr.agent.runtime_link import Link
from scr.agent.steps.claims import RunningStep, StepCall
from scr.agent.turn import Abandoned, Turn, plain
from scr.charging import class_names, is_retryable, pause_s
from scr.errors import Fatal, NotHappened, StepInDoubt, TryLater
from scr.failpoints import reach
from scr.protocol.frames import FromAgent, InDoubt, StepBegun, StepDone, StepRecord
from scr.retry import Retry

T = TypeVar("T")
DETAIL_CHARACTERS = 2000
SLICE_S = 0.1
SMALL = range(-(1 << 63), 1 << 63)
WITHIN: ContextVar[RunningStep] = ContextVar("scr_within_step", default=RunningStep())  # noqa: B039  it is a tuple


@dataclass(frozen=True, slots=True)
class Done:
    """Said by `reconcile`: the step had happened, and this is its value (JSON)."""

    value: Any = None


@dataclass(frozen=True, slots=True)
class NotDone:
    """Said by `reconcile`: the step had not happened; it is run now."""


class Step(NamedTuple):
    """One step of a turn: its record, what it does, what finds out whether it has been done, how often it is tried."""

    claim: StepCall
    call: Callable[[], Any]
    reconcile: Callable[[], Any] | None = None
    retry: Retry | None = None

    def record(self, state: Literal["begun", "not done"]) -> StepRecord:
        """What is known of it before it is done."""
        return StepRecord(name=self.claim.name, state=state, digest=self.claim.digest)


class Hands(Protocol):
    """What carries a step out."""

    async def call(self, fn: Callable[[], Any]) -> Any:
        """Run a function of the user's."""

    async def keep(self, turn: Turn, record: StepRecord) -> None:
        """Return when the record is in the store.  Raises what the runtime answers instead."""

    async def pause(self, seconds: float) -> None:
        """Let time pass that is no fault of the handler's."""


async def run(step: Step, turn: Turn, hands: Hands) -> JsonValue:
    """The recorded value, or that of running the step now.  Raises ReplayDiverged."""
    if known := turn.done(step.claim):
        return known.value
    try:
        return await _carried_out(step, turn, hands, is_once=False)
    except BaseException:
        turn.claims.fail(step.claim)
        raise


async def run_once(step: Step, turn: Turn, hands: Hands) -> JsonValue:
    """As `run`, for a step that may have happened when it is not recorded as done.

    Raises Abandoned when it, or another step of its name, had begun and it is not known how that ended.
    """
    if known := turn.done(step.claim):
        return known.value
    try:
        return await _once(step, turn, hands)
    except BaseException:
        turn.claims.fail(step.claim)
        raise


async def _once(step: Step, turn: Turn, hands: Hands) -> JsonValue:
    if step.claim.name in turn.claims.recorded:
        verdict = await _verdict(step, turn, hands)
        if isinstance(verdict, Done):
            return await _record_result(step, verdict.value, turn, hands)
    elif other := turn.claims.begun_elsewhere(step.claim):
        raise _in_doubt(other.name, turn, _both(other, step))
    else:
        await _begun(step, turn, hands)
    return await _carried_out(step, turn, hands, is_once=True)


async def _verdict(step: Step, turn: Turn, hands: Hands) -> Done | NotDone:
    if step.reconcile is None:
        raise _in_doubt(step.claim.name, turn, "it had begun, and it has no `reconcile` that could find out")
    try:
        # What `reconcile` saw in an earlier delivery proves nothing now: its own steps are others each time.
        token = WITHIN.set(
            RunningStep(
                *(f"{name}/reconcile@{turn.delivery.deliveries}" for name in (step.claim.name, step.claim.former))
            )
        )
        try:
            verdict = await hands.call(step.reconcile)
        finally:
            WITHIN.reset(token)
    except StepInDoubt as error:
        raise _in_doubt(step.claim.name, turn, str(error)) from error
    if not isinstance(verdict, Done | NotDone):
        said = f"its `reconcile` returned {verdict!r:.200}, which is neither scr.Done(value) nor scr.NotDone()"
        raise _in_doubt(step.claim.name, turn, said)
    return verdict


def _in_doubt(record: str, turn: Turn, why: str) -> Abandoned:
    frame = InDoubt(message_id=turn.message.message_id, step=record, detail=why[:DETAIL_CHARACTERS])
    return turn.unwind(Abandoned(frame))


def _both(other: StepRecord, step: Step) -> str:
    began = f"with the digest {other.digest}" if other.digest else "by an older SCR"
    return (
        f"{other.name!r} had begun ({began}), and this delivery calls {step.claim.name!r} (with the digest "
        f"{step.claim.digest}): other arguments or another key; say how the one that had begun has ended, and the "
        "other is run as a step of its own"
    )


async def _carried_out(step: Step, turn: Turn, hands: Hands, *, is_once: bool) -> JsonValue:
    """The value of running it: again after a failure that is worth it, a `once` step only when it has not happened."""
    for failures in count(1):
        token = WITHIN.set(RunningStep(step.claim.name, step.claim.former))
        try:
            value = await hands.call(step.call)
            break
        except NotHappened as error:
            cause, may_be_repeated = error.error, True
        except BaseException as error:  # noqa: BLE001  it is raised below, or repeated
            cause, may_be_repeated = error, not is_once
        finally:
            WITHIN.reset(token)
        if is_once and may_be_repeated:
            await _send_record(step.record("not done"), turn, hands)
        wait_s = _pause_s(step, turn, cause, failures) if may_be_repeated else None
        if wait_s is None:
            raise cause
        await hands.pause(wait_s)
        if is_once:
            await _begun(step, turn, hands)
    return await _record_result(step, value, turn, hands)


def _pause_s(step: Step, turn: Turn, error: BaseException, failures: int) -> float | None:
    """How long to wait before the function is called again; None when it is not."""
    retry = step.retry
    if retry is None or failures >= retry.attempts or turn.unwinding or turn.over:
        return None
    if not isinstance(error, Exception) or isinstance(error, Fatal | TryLater):
        return None
    if not is_retryable(retry, class_names(error)):
        return None
    return pause_s(retry, failures, f"{turn.message.message_id}/{step.claim.name}/{failures}")


async def _begun(step: Step, turn: Turn, hands: Hands) -> None:
    turn.check(f"begin step {step.claim.identity.name!r}")
    await _send_record(step.record("begun"), turn, hands)
    reach("agent.after_step_is_kept")


async def _record_result(step: Step, value: Any, turn: Turn, hands: Hands) -> JsonValue:
    claim = step.claim
    what = f"the result of step {claim.identity.name!r}"
    is_unchanged = value is None or (type(value) in {int, bool} and value in SMALL)  # JSON says it as it is
    result = value if is_unchanged else plain(value, what, turn.most_bytes)
    turn.check(f"record step {claim.identity.name!r}")
    reach("agent.before_step_is_kept")
    record = StepRecord(name=claim.name, value=result, digest=claim.digest)
    await hands.keep(turn, record)
    turn.claims.recorded[record.name] = record
    reach("agent.after_step_is_kept")
    return result


async def _send_record(record: StepRecord, turn: Turn, hands: Hands) -> None:
    await hands.keep(turn, record)
    turn.claims.keep(record)


def frame_for_record(turn: Turn, record: StepRecord) -> Callable[[int], FromAgent]:
    """The frame that has a record kept, for a number that its answer will bear."""
    message_id = turn.message.message_id
    if record.state == "begun":
        return lambda ref: StepBegun(ref=ref, message_id=message_id, name=record.name, digest=record.digest)
    return lambda ref: StepDone(ref=ref, message_id=message_id, step=record)


class Waiting:
    """The hands of a plain handler.  `progress` gives it its whole deadline again."""

    def __init__(self, link: Link, progress: Callable[[], None]) -> None:
        self._link, self._progress = link, progress

    async def call(self, fn: Callable[[], Any]) -> Any:
        """Run it here."""
        return fn()

    async def keep(self, turn: Turn, record: StepRecord) -> None:
        """Wait for the answer."""
        self._link.inquire(frame_for_record(turn, record))

    async def pause(self, seconds: float) -> None:
        """Sleep."""
        for slice_s in slices(seconds):
            self._progress()
            sleep(slice_s)  # noqa: ASYNC251  these hands wait
        self._progress()


def slices(seconds: float) -> Iterator[float]:
    """A time in short parts, between which a handler says that it gets on."""
    end = monotonic() + seconds
    while (left_s := end - monotonic()) > 0:
        yield min(left_s, SLICE_S)


def at_once(course: Coroutine[Any, Any, T]) -> T:
    """The outcome of a coroutine that never suspends."""
    try:
        course.send(None)
    except StopIteration as end:
        outcome: T = end.value
        return outcome
    raise AssertionError("hands that wait have suspended")
