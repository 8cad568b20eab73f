"""What is kept, given to an agent in frames that hold it: entries in pages, recorded steps in pages or one by one.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

from pydantic import BaseModel

from scr.bounds import PAGE_BYTES, most_of
from scr.mail.pending import Pending
from scr.messages import Message, to_json
from scr.protocol.frames import Answer, Entry, Fetch, ReadStep, ReadSteps, StepRecord
from scr.runtime.dispatch.open_questions import Incarnations
from scr.runtime.health.health import Care
from scr.store.store import Store

WHOLE_BYTES = 64 << 10
"""A larger result of a step is given when it is wanted: a process need not hold all that a long turn has recorded."""
T = TypeVar("T", bound=BaseModel)


class Pages:
    """What an incarnation is told by `incarnations`, if it still lives, or that the answer is too large."""

    def __init__(self, store: Store, care: Care, incarnations: Incarnations, frame_bytes: int) -> None:
        self._store, self._care, self._incarnations, self._frame_bytes = store, care, incarnations, frame_bytes

    def entries(self, agent: str, incarnation: int, wanted: Fetch) -> None:
        """Answer with a page of entries, fewer than were asked for where they are large."""
        self._care.begin_wait(agent, incarnation)
        self._store.entries(wanted.after, wanted.limit, partial(self._found, agent, incarnation, wanted.ref))

    def _found(self, agent: str, incarnation: int, ref: int, found: Sequence[Entry]) -> None:
        self._care.end_wait(agent, incarnation)
        page = fitting(found, min(self._frame_bytes // 4, PAGE_BYTES))
        if page and (size := len(to_json(page[0]))) > self._frame_bytes - len(to_json(Answer(ref=ref))):
            why = f"what is remembered as {page[0].key!r} is {size} bytes, and a frame has {self._frame_bytes}"
            answer = Answer(
                ref=ref, error="FrameTooLarge", detail=f"{why}: open the run with larger limits.frame_bytes"
            )
        else:
            answer = Answer(ref=ref, value=[entry.model_dump(mode="json") for entry in page])
        self._incarnations.tell(agent, incarnation, answer)

    def first(self, pending: Pending) -> tuple[tuple[StepRecord, ...], bool]:
        """The recorded steps that go along with a delivery, and whether there are more."""
        return first_steps(pending.message, pending.steps.values(), self._frame_bytes)

    def steps(self, agent: str, incarnation: int, pending: Pending, wanted: ReadSteps | ReadStep) -> None:
        """Answer with more of them, or with the result of one."""
        if isinstance(wanted, ReadSteps):
            page = more_steps(pending.steps.values(), wanted.after, self._frame_bytes)
            answer = Answer(ref=wanted.ref, value=[step.model_dump(mode="json") for step in page])
        elif step := pending.steps.get(wanted.name):
            answer = Answer(ref=wanted.ref, value=step.value)
        else:
            answer = Answer(ref=wanted.ref, error="ScrError", detail=f"no step {wanted.name!r} is recorded")
        self._incarnations.tell(agent, incarnation, answer)


def fitting(values: Iterable[T], most_bytes: int) -> list[T]:
    """The first of the values, as many as so many bytes of JSON hold; one at least."""
    page: list[T] = []
    for value in values:
        most_bytes -= len(to_json(value)) + 1
        if page and most_bytes < 0:
            break
        page.append(value)
    return page


def first_steps(message: Message, steps: Iterable[StepRecord], frame_bytes: int) -> tuple[tuple[StepRecord, ...], bool]:
    """The steps that go along with a message in one frame, and whether there are more."""
    records = tuple(steps)
    if not records:
        return (), False
    room_bytes = min(frame_bytes // 4, PAGE_BYTES, most_of(frame_bytes) - len(to_json(message)))
    page = fitting(_lightened(records, frame_bytes), room_bytes)
    if room_bytes < len(to_json(page[0])):
        page = []
    return tuple(page), len(page) < len(records)


def more_steps(steps: Iterable[StepRecord], after: int, frame_bytes: int) -> list[StepRecord]:
    """The steps after the first `after`, as many as go into one frame."""
    return fitting(_lightened(islice(steps, after, None), frame_bytes), min(frame_bytes // 4, PAGE_BYTES))


def _lightened(steps: Iterable[StepRecord], frame_bytes: int) -> Iterable[StepRecord]:
    most_bytes = min(WHOLE_BYTES, frame_bytes // 16)
    for step in steps:
        is_large = len(to_json(step)) > most_bytes
        yield step.model_copy(update={"value": None, "later": True}) if is_large else step
