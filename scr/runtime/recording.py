"""Steps on their way into the store: the agent goes on with its handler when they are kept.

Lives in the runtime, on its loop.  Until they are kept nobody else is handed
their message: a process that believed in a step that the store may never have
would repeat what happens once, and one that did not know of it would, too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from scr.errors import InvalidMessage, ScrError
from scr.frames import Answer, StepBegun, StepDone, StepRecord
from scr.mail.pending import Pending
from scr.mail.router import Router
from scr.runtime.care import Care
from scr.step_names import shown_step
from scr.store.store import Store
from scr.telemetry.events import StepRecorded
from scr.telemetry.sinks import EventLog

Tell = Callable[[str, int, Answer], None]


class Recording:
    """`tell` sends a frame to an incarnation, if it still lives."""

    def __init__(self, store: Store, events: EventLog, router: Router, care: Care, tell: Tell) -> None:
        self._store, self._events, self._router, self._care, self._tell = store, events, router, care, tell

    def record(self, agent: str, incarnation: int, pending: Pending, step: StepRecord, ref: int) -> None:
        """Keep a step of the message in hand, then answer `ref`.  Raises InvalidMessage for what no store keeps."""
        pending.writing += 1
        self._care.wait(agent, incarnation)
        kept = partial(self._kept, agent, incarnation, pending, step, ref)
        refused = partial(self._refused, agent, incarnation, pending, ref)
        try:
            self._store.record(pending.message.message_id, step, kept, refused)
        except InvalidMessage:
            pending.writing -= 1
            raise

    def _kept(self, agent: str, incarnation: int, pending: Pending, step: StepRecord, ref: int) -> None:
        if step.state == "not done":
            pending.steps.pop(step.name, None)
        else:
            pending.steps[step.name] = step
        pending.writing -= 1
        self.announce(agent, pending, step)
        self._go_on(agent, incarnation, pending)
        self._tell(agent, incarnation, Answer(ref=ref))
        self._router.go_on(agent)

    def _refused(self, agent: str, incarnation: int, pending: Pending, ref: int, error: ScrError) -> None:
        pending.writing -= 1
        self._go_on(agent, incarnation, pending)
        self._tell(agent, incarnation, Answer(ref=ref, error=type(error).__name__, detail=str(error)))
        self._router.go_on(agent)

    def _go_on(self, agent: str, incarnation: int, pending: Pending) -> None:
        if self._router.in_hand(agent) is pending:  # its turn may have failed meanwhile
            self._care.go_on(agent, incarnation)

    def announce(self, agent: str, pending: Pending, step: StepRecord) -> None:
        """A step that is complete is an event of its message's life."""
        if step.state == "done":
            shown = shown_step(step.name)
            record = step.name if step.name != shown else ""
            recorded = StepRecorded(message_id=pending.message.message_id, agent=agent, step=shown, record=record)
            pending.cause = self._events.emit(recorded, cause=pending.cause)


def step_of(said: StepBegun | StepDone) -> StepRecord:
    """Return what is to be recorded of a step."""
    if isinstance(said, StepDone):
        return said.step
    return StepRecord(name=said.name, state="begun", digest=said.digest)
