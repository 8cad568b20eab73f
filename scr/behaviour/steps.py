"""How the steps of a turn are run: none again that is recorded as done, and a `once` step never on a guess.

The course of a step is written once, as a coroutine over two verbs, `call` and
`keep`.  A plain handler's hands wait in both, so that the coroutine never
suspends; an `async def` handler's let its other tasks run meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pydantic import JsonValue

from scr.behaviour.link import Link
from scr.behaviour.turn import Abandoned, Turn, plain
from scr.errors import InvalidMessage, StepInDoubt
from scr.failpoints import reach
from scr.frames import FromAgent, InDoubt, StepBegun, StepDone, StepRecord

T = TypeVar("T")
DETAIL_CHARACTERS = 2000
NAME_CHARACTERS = 1000
WITHIN: ContextVar[str] = ContextVar("scr_within_step", default="")


@dataclass(frozen=True, slots=True)
class Done:
    """Said by `reconcile`: the step had happened, and this is its value (JSON)."""

    value: Any = None


@dataclass(frozen=True, slots=True)
class NotDone:
    """Said by `reconcile`: the step had not happened; it is run now."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a turn: what it is recorded as, what it does, and what finds out whether it has been done."""

    key: str
    call: Callable[[], Any]
    reconcile: Callable[[], Any] | None = None


class Hands(Protocol):
    """What carries a step out."""

    async def call(self, fn: Callable[[], Any]) -> Any:
        """Run a function of the user's."""

    async def keep(self, turn: Turn, record: StepRecord) -> None:
        """Return when the record is in the store.  Raises what the runtime answers instead."""


async def run(step: Step, turn: Turn, hands: Hands) -> JsonValue:
    """The recorded value, or that of running the step now.  Raises ReplayDiverged."""
    if known := turn.done(step.key):
        return known.value
    return await _carried_out(step, turn, hands)


async def run_once(step: Step, turn: Turn, hands: Hands) -> JsonValue:
    """As `run`, for a step that may have happened when it is not recorded as done.

    Raises Abandoned when an earlier delivery had begun it and nobody knows how that ended.
    """
    if known := turn.done(step.key):
        return known.value
    if step.key in turn.recorded:
        verdict = await _verdict(step, turn, hands)
        if isinstance(verdict, Done):
            return await _kept(step, verdict.value, turn, hands)
    else:
        await hands.keep(turn, StepRecord(name=step.key, state="begun"))
        reach("agent.after_step_is_kept")
    return await _carried_out(step, turn, hands)


async def _verdict(step: Step, turn: Turn, hands: Hands) -> Done | NotDone:
    if step.reconcile is None:
        raise _in_doubt(step, turn, "an earlier delivery began it, and it has no `reconcile` that could find out")
    try:
        # What `reconcile` saw in an earlier delivery proves nothing now: its own steps are others each time.
        with within(f"{step.key}/reconcile@{turn.delivery.deliveries}"):
            verdict = await hands.call(step.reconcile)
    except StepInDoubt as error:
        raise _in_doubt(step, turn, str(error)) from error
    if not isinstance(verdict, Done | NotDone):
        said = f"its `reconcile` returned {verdict!r:.200}, which is neither scr.Done(value) nor scr.NotDone()"
        raise _in_doubt(step, turn, said)
    return verdict


def _in_doubt(step: Step, turn: Turn, why: str) -> Abandoned:
    frame = InDoubt(message_id=turn.message.message_id, step=step.key, detail=why[:DETAIL_CHARACTERS])
    return turn.unwind(Abandoned(frame))


async def _carried_out(step: Step, turn: Turn, hands: Hands) -> JsonValue:
    with within(step.key):
        value = await hands.call(step.call)
    return await _kept(step, value, turn, hands)


async def _kept(step: Step, value: Any, turn: Turn, hands: Hands) -> JsonValue:
    what = f"the result of step {step.key!r}"
    result = plain(value, what, turn.most_bytes)
    turn.check(f"record step {step.key!r}")
    reach("agent.before_step_is_kept")
    await hands.keep(turn, StepRecord(name=step.key, value=result))
    reach("agent.after_step_is_kept")
    return result


@contextmanager
def within(key: str) -> Iterator[None]:
    """Inside, the code of this step runs: the names of further steps are its own."""
    token = WITHIN.set(key)
    try:
        yield
    finally:
        WITHIN.reset(token)


def scoped(name: str) -> str:
    """The name of a step, after the step whose code is running.

    Those of a step that is not run again must not be taken for others of the same name.
    Raises InvalidMessage for a name that is too long to be listed beside others.
    """
    full = f"{WITHIN.get()}/{name}" if WITHIN.get() else name
    if len(full) > NAME_CHARACTERS:
        raise InvalidMessage(
            f"a step's name has {len(full)} characters, and may have {NAME_CHARACTERS}: name it shortly, "
            "and give what it works on as arguments"
        )
    return full


def told(turn: Turn, record: StepRecord) -> Callable[[int], FromAgent]:
    """The frame that has a record kept, for a number that its answer will bear."""
    message_id = turn.message.message_id
    if record.state == "begun":
        return lambda ref: StepBegun(ref=ref, message_id=message_id, name=record.name)
    return lambda ref: StepDone(ref=ref, message_id=message_id, step=record)


class Waiting:
    """The hands of a plain handler."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def call(self, fn: Callable[[], Any]) -> Any:
        """Run it here."""
        return fn()

    async def keep(self, turn: Turn, record: StepRecord) -> None:
        """Wait for the answer."""
        self._link.inquire(told(turn, record))


def at_once(course: Coroutine[Any, Any, T]) -> T:
    """The outcome of a coroutine that never suspends."""
    try:
        course.send(None)
    except StopIteration as end:
        outcome: T = end.value
        return outcome
    raise AssertionError("hands that wait have suspended")
