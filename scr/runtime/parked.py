"""Messages that wait for a person: a `once` step of theirs had begun, and nobody knows how it ended.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial

from pydantic import JsonValue

from scr.bounds import refuse_deep_value
from scr.errors import InvalidInput
from scr.frames import InDoubt
from scr.mail.pending import Pending
from scr.mail.router import Router
from scr.messages import Message
from scr.step_names import done_step, shown_step
from scr.store.store import Store
from scr.store.url import MEMORY
from scr.telemetry.events import MessageParked
from scr.telemetry.sinks import EventLog
from scr.turns.outcome import Outcome


class Parked:
    """Messages in doubt by their ids, each with its step and why, and those that wait behind them.

    A message waits behind the question that it asked, in the mailbox of its agent.  `run` is for people.
    """

    def __init__(self, store: Store, events: EventLog, router: Router, run: str = "") -> None:
        self._store, self._events, self._router, self._run = store, events, router, run
        self._parked: dict[str, tuple[Pending, str, str]] = {}
        self._behind: dict[str, tuple[str, str]] = {}

    def park(self, agent: str, pending: Pending, doubt: InDoubt) -> None:
        """The agent does not know; it has the message in hand no longer."""
        self._store.park(doubt.message_id, doubt.step, doubt.detail)
        self.restore(pending, doubt.step, doubt.detail)
        shown = shown_step(doubt.step)
        parked = MessageParked(message_id=doubt.message_id, agent=agent, step=shown, detail=doubt.detail)
        pending.cause = self._events.emit(parked, cause=pending.cause)

    def restore(self, pending: Pending, step: str, why: str = "") -> None:
        """Keep a message parked, also one of an earlier runtime."""
        self._parked[pending.message.message_id] = (pending, step, why)

    def put_behind(self, agent: str, message_id: str, question: str) -> bool:
        """Have a message of this agent wait for its question; false when that is settled: it is tried again at once."""
        if not (self.doubt_of(question) and self._router.find(agent, message_id)):
            self._router.try_again(agent, message_id)
            return False
        self._behind[message_id] = agent, question
        return True

    def _release(self, question: str) -> None:
        """Have all that waits behind a question tried again, and what waits behind that."""
        for message_id, (agent, asked) in tuple(self._behind.items()):
            if asked == question:
                del self._behind[message_id]
                self._router.try_again(agent, message_id)
                self._release(message_id)

    def doubt_of(self, message_id: str) -> Outcome | None:
        """Tell the asker of a message that waits for a person which step is in doubt, and what settles it."""
        while message_id in self._behind:
            message_id = self._behind[message_id][1]
        if message_id not in self._parked:
            return None
        pending, record, why = self._parked[message_id]
        store, why = self._store.status().url, why or "it had begun and has not ended"
        settle = f"Runtime.resolve({message_id!r}, is_done=...)"
        if store != MEMORY:  # a memory is out of reach for another process
            command = shlex.join(["scr", "resolve", self._run, message_id, "--store", store])
            settle = f"`{command} --done JSON` (or --not-done) or {settle}"
        step = f"step {shown_step(record)!r} of {pending.message.to}"
        detail = (
            f"{step} is in doubt: {why}; the task waits for a person: `scr doubts` lists it, {settle} settles it; then "
            "ask again"
        )
        return Outcome(error="StepInDoubt", detail=detail)

    def resolve(self, message_id: str, value: JsonValue, *, is_done: bool, then: Callable[[], None]) -> None:
        """Somebody knows: the step was done, with this result, or was not; the message is delivered again.

        Raises InvalidInput when no step of that message is in doubt, or the value is nested too deep.
        """
        refuse_deep_value(value, "the value of a step")
        if message_id not in self._parked:
            raise InvalidInput(f"no step of {message_id!r} is in doubt; `scr doubts` lists those that are")
        pending, name, _ = self._parked[message_id]
        step = done_step(name, value, pending.steps.values()) if is_done else None
        del self._parked[message_id]
        if step:
            pending.steps[name] = step
        else:
            pending.steps.pop(name, None)
        self._store.resolve(message_id, step, name, partial(self._resolved, pending, then))

    def take(self, is_unwanted: Callable[[Message], bool]) -> list[Pending]:
        """Take out what is not wanted any more; its step stays in doubt where it is opened again."""
        taken = [pending for pending, _, _ in self._parked.values() if is_unwanted(pending.message)]
        for pending in taken:
            del self._parked[pending.message.message_id]
            self._release(pending.message.message_id)
        return taken

    def _resolved(self, pending: Pending, then: Callable[[], None]) -> None:
        self._router.restore(pending, first=True)
        self._release(pending.message.message_id)
        then()
