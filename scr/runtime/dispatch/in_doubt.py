"""Messages that wait for a person: a `once` step of theirs had begun, and it is not known how it ended.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable

from pydantic import JsonValue

from scr.bounds import refuse_deep_value
from scr.errors import InvalidInput
from scr.mail.pending import Pending, Phase
from scr.mail.router import Router
from scr.runtime.dispatch.fold import Fold
from scr.step_names import done_step, shown_step
from scr.store.store import Store
from scr.store.url import MEMORY
from scr.turns.answer import Outcome
from scr.turns.events import Settled

LOOKED_AT = 1000
WAITING = frozenset({Phase.IN_DOUBT, Phase.SETTLING})


class Parked:
    """What is known of messages in doubt, and of those that wait behind them.  `run` is for people."""

    def __init__(self, store: Store, fold: Fold, run: str = "") -> None:
        self._store, self._fold, self._run = store, fold, run
        self._known: dict[str, Pending] = {}
        self._look_at = LOOKED_AT

    @property
    def _router(self) -> Router:
        return self._fold.router

    def know(self, pending: Pending) -> None:
        """Take note of a message that waits for a person; those that do no more are let go of now and then."""
        self._known[pending.message_id] = pending
        if len(self._known) > self._look_at:
            self._look()
            self._look_at = 2 * len(self._known) + LOOKED_AT

    def _look(self) -> None:
        self._known = {name: one for name, one in self._known.items() if one.turn.phase in WAITING}

    def of(self, agent: str) -> list[Pending]:
        """Return the agent's messages that wait for a person."""
        self._look()
        return [one for one in self._known.values() if one.agent == agent]

    def doubt_of(self, message_id: str) -> Outcome | None:
        """Tell the asker of a message that waits for a person which step is in doubt, and what settles it."""
        pending = self._router.get(message_id)
        while pending and pending.turn.phase is Phase.BEHIND:
            pending = self._router.get(pending.turn.question)
        if pending is None or pending.turn.phase is not Phase.IN_DOUBT or pending.turn.doubt is None:
            return None
        return Outcome(error="StepInDoubt", detail=self._sentence(pending, *pending.turn.doubt))

    def _sentence(self, pending: Pending, record: str, why: str) -> str:
        message = pending.message
        store, why = self._store.status().url, why or "it had begun and has not ended"
        settle = f"Runtime.resolve({message.message_id!r}, is_done=...)"
        if store != MEMORY:  # a memory is out of reach for another process
            command = shlex.join(["scr", "resolve", self._run, message.message_id, "--store", store])
            settle = f"`{command} --done JSON` (or --not-done) or {settle}"
        step = f"step {shown_step(record)!r} of {message.to}"
        return (
            f"{step} is in doubt: {why}; the task waits for a person: `scr doubts` lists it, {settle} settles it; then "
            "ask again"
        )

    def resolve(self, message_id: str, value: JsonValue, *, is_done: bool, then: Callable[[], None]) -> None:
        """Settle the step in doubt: it was done, with this result, or was not; the message is delivered again.

        Raises InvalidInput when no step of that message is in doubt, or the value is nested too deep.
        """
        refuse_deep_value(value, "the value of a step")
        pending = self._router.get(message_id)
        if pending is None or pending.turn.phase is not Phase.IN_DOUBT or pending.turn.doubt is None:
            raise InvalidInput(f"no step of {message_id!r} is in doubt; `scr doubts` lists those that are")
        step = done_step(pending.turn.doubt.step, value, pending.steps.values()) if is_done else None
        self._fold.feed(pending, Settled(step))
        self._store.sync(then)
