"""What an operator may do to a running system: one method for each, whatever the way on which it is asked for.

Lives in the runtime, on its loop.  A method that cannot end at once has a `tell`, which is told once how it ended.
One whose outcome is made later, of what the store or the agents said, has a `failed` too: it gets what went wrong.
What is refused at once is raised.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from pydantic import JsonValue

from scr.agent.turn import refuse_uncarried
from scr.config import Limits
from scr.errors import InvalidInput, StoreUnavailable, UnknownAgent
from scr.messages import CLIENT, RUNTIME, ExitReason, Message, Payload, of_payload, origin
from scr.protocol.control import RuntimeStatus
from scr.runtime.departures import Departures
from scr.runtime.dispatch.client_waits import Tell
from scr.runtime.dispatch.delivery import refusal
from scr.runtime.dispatch.streams import Outlet
from scr.runtime.dispatch.turns import Turns
from scr.runtime.health.stack_dump import read_stack
from scr.runtime.pending_starts import Starts
from scr.runtime.readiness import Readiness
from scr.runtime.reload import Reloads
from scr.runtime.status import Overview, process_of
from scr.specs import AgentSpec, Code
from scr.store.records import KeptMessage
from scr.store.store import Store
from scr.supervise.orders import CallDone, CallRefused, Refusal
from scr.supervise.supervisor import Answered, Supervisor
from scr.supervise.tree import Child, ChildPhase
from scr.telemetry.crashes import CrashRecord
from scr.telemetry.events import Record
from scr.telemetry.sinks import EventLog
from scr.turns.answer import Outcome

POKED_S = 0.02  # for the agents that are poked to answer, before the status tells which did
ERROR_OF = {
    Refusal.ALREADY_STARTED: "AlreadyStarted",
    Refusal.ALREADY_PRESENT: "AlreadyStarted",
    Refusal.NOT_FOUND: "UnknownAgent",
    Refusal.START_FAILED: "StartFailed",
}
Failed: TypeAlias = Callable[[Exception], None]


class Operations:
    """One runtime, as a person, a program or a server may steer it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limits: Limits,
        *,
        store: Store,
        events: EventLog,
        supervisor: Supervisor,
        turns: Turns,
        departures: Departures,
        reloads: Reloads,
        starts: Starts,
        readiness: Readiness,
        overview: Overview,
    ) -> None:
        self._loop, self._limits, self._store, self._events = loop, limits, store, events
        self._supervisor, self._turns, self._departures, self._reloads = supervisor, turns, departures, reloads
        self._starts, self._readiness, self._overview = starts, readiness, overview

    # Messages.

    def submit(
        self, to: str, payload: Payload, tell: Tell, *, message_id: str, run_id: str | None = None, again: bool = False
    ) -> None:
        """Send a message as a client; `tell` gets its id when it is accepted.

        With `again` it may have been accepted before, under this id, and is not accepted twice.
        Raises UnknownAgent, StoreUnavailable while the store has too much to do already, InvalidMessage.
        """
        kept = partial(tell, Outcome(output=message_id))
        message = self._message(to, payload, message_id, run_id)
        self._turns.post.submit(message, kept, lambda error: tell(refusal(error)), again=again)

    def ask(
        self,
        to: str,
        payload: Payload,
        timeout_s: float,
        tell: Tell,
        *,
        message_id: str,
        run_id: str | None = None,
        again: bool = False,
    ) -> None:
        """Send a message as `submit` does; `tell` gets its answer, or that none came in time."""
        self._turns.post.ask(self._message(to, payload, message_id, run_id), timeout_s, tell, again=again)

    def await_answer(self, message_id: str, timeout_s: float, tell: Tell) -> None:
        """Tell the answer to a message that was submitted earlier."""
        self._turns.post.attach(message_id, timeout_s, tell)

    def join_stream(self, message_id: str, outlet: Outlet, number: int) -> None:
        """Tell the chunks of a message from now on, under this number."""
        self._turns.streams.join(message_id, outlet, number)

    def leave_stream(self, message_id: str, outlet: Outlet, number: int) -> None:
        """Tell no more chunks of a message under this number.  Idempotent."""
        self._turns.streams.leave(message_id, outlet, number)

    def leave_streams(self, outlet: Outlet) -> None:
        """Tell nothing more through an outlet whose reader is gone."""
        self._turns.streams.leave_all(outlet)

    def cancel(self, message_id: str) -> int:
        """Drop a client's message and all that grew out of it; an agent that works on it gets a fresh process.

        Returns how many messages were dropped.
        """
        return self._turns.cancel(message_id)

    def resolve(self, message_id: str, value: JsonValue, tell: Tell, *, is_done: bool) -> None:
        """Settle the step of a message that is in doubt: it was done, with this value, or was not.

        Raises InvalidInput when no step of it is in doubt.
        """
        self._turns.parked.resolve(message_id, value, is_done=is_done, then=partial(tell, Outcome()))

    def retry_dead(self, message_id: str, tell: Tell, failed: Failed) -> None:
        """Deliver a dead letter once more; `tell` gets the agent that it goes to."""
        self._store.exhume(message_id, partial(attempt, failed, self._exhumed, tell))

    def _exhumed(self, tell: Tell, kept: KeptMessage | None) -> None:
        if kept is None:
            raise InvalidInput("there is no dead letter of that id; `scr dead` lists them")
        self._turns.post.reopen(kept)
        tell(Outcome(output=kept.message.to))

    def _message(self, to: str, payload: Payload, message_id: str, run_id: str | None) -> Message:
        """Make a client's message: nothing caused it."""
        if to in {CLIENT, RUNTIME}:
            raise UnknownAgent(f"{to!r} is no agent; `scr ps` lists them")
        if self._store.status().pending >= self._limits.store_pending:
            raise StoreUnavailable("the store is too far behind to accept more; try again in a moment (`scr ps` tells)")
        refuse_uncarried(payload)
        return of_payload(payload, origin(message_id=message_id, sender=CLIENT, to=to, at=time.time(), run_id=run_id))

    # Agents.  A start, a stop and a restart are told when the runtime that comes after this one would know them too.

    def start_agent(self, supervisor: str, spec: AgentSpec, tell: Tell) -> None:
        """Start an agent; one that an earlier runtime had, is parked or does not start resumes as specified now.

        `tell` gets its name when it is up.
        """
        answered = self._when_kept(spec.id, tell, otherwise="StartFailed")
        kept = self._starts.take_over(spec.id)
        child = self._supervisor.tree.children.get(spec.id)
        is_failing = child is not None and _is_failing(child)
        if kept is None and not is_failing:
            self._starts.start(supervisor, spec, answered)
        elif kept == spec and not is_failing:
            answered(CallDone(spec.id))
        else:
            self._reloads.forget(spec.id)
            self._supervisor.recycle_child(spec.id, partial(self._resumed, supervisor, spec, answered), spec)

    def _resumed(self, supervisor: str, spec: AgentSpec, answered: Answered, outcome: CallDone | CallRefused) -> None:
        """Start it anew if it left the tree meanwhile, because it did not start as it was."""
        is_lost = isinstance(outcome, CallRefused) and outcome.code is Refusal.NOT_FOUND
        if is_lost and spec.id not in self._supervisor.tree.children:
            self._starts.start(supervisor, spec, answered)
        else:
            answered(outcome)

    def stop_agent(self, agent: str, tell: Tell) -> None:
        """Stop an agent for good, also one that has left the tree while its mail waits; `tell` gets its name."""
        answered = self._when_kept(agent, tell)
        if self._departures.stop(agent):
            answered(CallDone(agent))
        else:
            self._supervisor.terminate_child(agent, answered)

    def restart_agent(self, agent: str, tell: Tell) -> None:
        """Have a fresh process of an agent, also of one that is parked or has left the tree; `tell` gets its name."""
        answered = self._when_kept(agent, tell)
        if agent in self._departures.left:
            spec, supervisor = self._departures.left[agent]
            self._starts.start(supervisor, spec, answered)
        else:
            self._supervisor.recycle_child(agent, answered)

    def reload_agent(self, agent: str, code: Code | None, tell: Tell) -> None:
        """Replace an agent's code; `tell` gets its name when the new runs, an error when the old was put back."""
        told = partial(self._answer_with, agent, tell, "StartFailed")
        self._reloads.reload(self._supervisor, agent, code, told)

    def signal_agent(self, agent: str, number: int) -> int:
        """Send a signal to an agent's process, and return its pid.  Raises UnknownAgent, AgentError."""
        live = process_of(self._supervisor, agent)
        live.signal_for_operator(number)
        return live.pid

    def read_stack(self, agent: str, tell: Tell) -> None:
        """Tell where the threads of an agent stand, as text.  Raises UnknownAgent, AgentError."""
        read_stack(self._loop, process_of(self._supervisor, agent), tell)

    def read_crashes(
        self, agent: str | None, last: int, told: Callable[[Sequence[CrashRecord]], None], failed: Failed
    ) -> None:
        """Tell the last so many crash records, of one agent or of all, oldest first."""
        self._store.crashes(agent, last, partial(attempt, failed, told))

    def _when_kept(self, agent: str, tell: Tell, *, otherwise: str = "AgentError") -> Answered:
        told = partial(self._answer_with, agent, tell, otherwise)
        return lambda outcome: self._store.sync(partial(told, outcome))

    def _answer_with(self, agent: str, tell: Tell, otherwise: str, outcome: CallDone | CallRefused) -> None:
        """Tell how the supervisor answered; a refusal that has no error of its own is `otherwise`."""
        match outcome:
            case CallDone(child):
                tell(Outcome(output=child))
            case CallRefused(code, detail):
                info = self._departures.cause_of(agent) if code is Refusal.START_FAILED else None
                tell(Outcome(error=ERROR_OF.get(code, otherwise), detail=detail or code, info=info))

    # The runtime.

    def await_ready(self, tell: Tell) -> None:
        """Tell when the whole tree is up, or that it cannot be."""
        self._readiness.wait(tell)

    def read_status(self, told: Callable[[RuntimeStatus], None], failed: Failed) -> None:
        """Tell everything as it is a moment from now: every agent that is up has been asked for a sign by then."""
        self._overview.poke()
        self._loop.call_later(POKED_S, attempt, failed, lambda: told(self._overview.read()))

    def subscribe(
        self, listener: Callable[[Record], None], *, since: int = 0, agent: str | None = None, kinds: Sequence[str] = ()
    ) -> Callable[[], None]:
        """Tell what has happened from above `since`, and all that happens; returns how to stop listening.

        With `agent` and `kinds`, only what is about that agent, and of those kinds.
        """

        def hear(record: Record) -> None:
            if kinds and record.event.kind not in kinds:
                return
            if agent is None or getattr(record.event, "agent", None) == agent:
                listener(record)

        return self._events.listen(hear, since=since)

    def shut_down(self, reason: str, within_s: float | None = None) -> None:
        """Stop everything in order; what still lives after `within_s`, or the time of the settings, is killed."""
        self._turns.end()
        self._supervisor.stop(reason, self._limits.stop_s if within_s is None else within_s)


def attempt(failed: Failed, do: Callable[..., None], *given: object) -> None:
    """Do something; what goes wrong with it goes to `failed`, and no further: one request must not end a runtime."""
    try:
        do(*given)
    except Exception as error:  # noqa: BLE001
        failed(error)


def _is_failing(child: Child) -> bool:
    """Tell whether an agent waits for other code or options: it is parked, or its last start failed."""
    is_between = child.phase in {ChildPhase.RESTARTING, ChildPhase.STARTING} and child.call is None
    has_failed = child.end is not None and child.end.reason is ExitReason.START_FAILED
    return child.phase is ChildPhase.PARKED or (is_between and has_failed)
