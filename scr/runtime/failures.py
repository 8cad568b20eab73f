"""What follows when a turn fails: the message is charged, tried again or buried, and its agent perhaps kept down.

Lives in the runtime, on its loop.  `scr.charging` decides; this carries it out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from scr.charging import PARKED_AFTER, Behind, Bury, PutOff, Raised, TryAgain, Verdict, left_s, streak
from scr.frames import Answer, TurnFailed
from scr.mail.pending import Pending
from scr.mail.router import Absence, Router
from scr.messages import RUNTIME, Message, Task
from scr.retry import ErrorInfo
from scr.runtime.post import Post
from scr.runtime.retries import Retries
from scr.specs import AgentSpec, Code, OnError
from scr.step_names import is_later
from scr.store.store import Store
from scr.telemetry import events
from scr.telemetry.sinks import EventLog

UNKNOWN = AgentSpec(id="unknown", code=Code(reference="unknown:unknown"))
"""Stands for an agent that no specification is known of."""


class Upkeep(Protocol):
    """What failures want of the supervisor."""

    def tell(self, agent: str, incarnation: int, frame: Answer) -> None:
        """Send a frame to this incarnation, if it still lives."""

    def recycle(self, agent: str) -> None:
        """Replace the agent by a fresh process, uncounted."""

    def raised(self, agent: str, incarnation: int, error: ErrorInfo, pending: Pending) -> None:
        """Keep what a handler raised; code that is new is put back for it."""

    def park(self, agent: str, why: str) -> None:
        """Keep the agent down."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Which incarnation failed, by what, and the event that told of it."""

    agent: str
    incarnation: int
    error: ErrorInfo
    cause: int = 0


class Failures:
    """The failed turns of all agents."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store,
        log: EventLog,
        router: Router,
        post: Post,
        upkeep: Upkeep,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._events, self._router, self._post, self._upkeep = store, log, router, post, upkeep
        self._clock = clock
        self._retries = Retries(loop, router.try_again)
        self._specs: dict[str, AgentSpec] = {}
        self._streaks: dict[str, int] = {}

    def know(self, spec: AgentSpec) -> None:
        """Treat the agent's failures as this says, from now on, with a clean record."""
        if self._specs.get(spec.id) is not spec:
            self._specs[spec.id] = spec
            self._streaks.pop(spec.id, None)

    def forget(self, agent: str) -> None:
        """The agent has ended."""
        self._specs.pop(agent, None)
        self._streaks.pop(agent, None)

    def committed(self, agent: str, message: Message) -> None:
        """End the agent's row of failures: a turn of its has happened.  What the runtime tells it of them ends none."""
        if self._streaks and message.sender != RUNTIME:
            self._streaks.pop(agent, None)

    def restore(self, pending: Pending) -> None:
        """Have a message wait whose retry an earlier runtime has left."""
        if pending.due is not None:
            spec = self._specs.get(pending.message.to)
            own = pending.message.payload.retry if isinstance(pending.message, Task) else None
            retry = own or (spec or UNKNOWN).retry
            delay_s = left_s(pending.due, retry, at=self._clock())
            self._retries.wait(pending.message.to, pending.message.message_id, delay_s)

    def raised(self, agent: str, incarnation: int, frame: TurnFailed, *, is_behind: bool = False) -> None:
        """The handler of the message in hand raised: charge that, then let the process go on, or replace it.

        `is_behind`: it raised because what it asked is in doubt.  Until it has its answer the process is handed
        nothing; the answer says whether it must forget what was sent ahead, because that waits again.
        """
        raised = Raised(frame.names) if frame.after_s is None else PutOff(frame.after_s)
        failing = Behind() if is_behind else raised
        may_resume = self._router.pause(agent)
        goes_on = isinstance(failing, PutOff | Behind) or not self._specs.get(agent, UNKNOWN).fresh_process
        pending, verdict, is_taken_back = self._router.fail(agent, failing, self._clock(), resumes=goes_on)
        error = ErrorInfo(type=frame.error_type, message=frame.message, traceback=frame.traceback)
        if isinstance(failing, Raised):
            self._upkeep.raised(agent, incarnation, error, pending)
        is_parked = self._follow(Failed(agent, incarnation, error), pending, verdict)
        self._upkeep.tell(agent, incarnation, Answer(ref=frame.ref, value=is_taken_back or is_parked or not goes_on))
        if is_parked or not may_resume:
            return
        if goes_on:
            self._router.resume(agent)
        else:
            self._upkeep.recycle(agent)

    def died(self, failed: Failed, *, blamed: bool) -> bool:
        """The process ended, `blamed` when that was its own doing; whether a message explains the end."""
        agent = failed.agent
        pending = self._router.in_hand(agent)
        charged = self._router.down(agent, blamed=blamed, at=self._clock())
        if charged is not None:
            self._follow(failed, *charged)
            return self._specs.get(agent, UNKNOWN).on_error is OnError.RETRY
        if pending and not pending.sealed:
            pending.cause = failed.cause
            self._keep(pending)
        return False

    def _follow(self, failed: Failed, pending: Pending, verdict: Verdict) -> bool:
        """Carry the verdict out; whether the agent is kept down now."""
        charges = pending.charges
        error = failed.error.model_copy(update={"attempts": charges.attempts, "deaths": charges.deaths})
        pending.cause = self._events.emit(
            events.TurnFailed(
                message_id=pending.message.message_id,
                agent=failed.agent,
                incarnation=failed.incarnation,
                error=summary(error),
                attempts=charges.attempts,
                deaths=charges.deaths,
                due=pending.due,
            ),
            cause=failed.cause or pending.cause,
        )
        self._keep(pending)
        match verdict:
            case TryAgain(due=float(due)):
                delay_s = max(0.0, due - self._clock())
                self._retries.wait(failed.agent, pending.message.message_id, delay_s)
            case Bury(reason, why):
                sentence = f"{failed.agent} failed, and {why}; the last error: {summary(error)}"
                self._post.bury(pending.message, reason, sentence, pending.deliveries, pending.cause, error)
        return self._count(failed.agent, pending.message.message_id, verdict, error)

    def _keep(self, pending: Pending) -> None:
        self._store.failed(pending.message.message_id, pending.deliveries, pending.charges, pending.due)

    def _count(self, agent: str, message_id: str, verdict: Verdict, error: ErrorInfo) -> bool:
        """Park an agent of which too many messages in a row became dead letters."""
        spec = self._specs.get(agent, UNKNOWN)
        is_repeated = is_later(message_id)  # the same question, asked by another try of its turn
        row = self._streaks.get(agent, 0) if is_repeated else streak(self._streaks.get(agent, 0), verdict)
        if row:
            self._streaks[agent] = row
        if row < PARKED_AFTER or spec.on_error is not OnError.RETRY or not spec.park:
            return False
        del self._streaks[agent]
        self._upkeep.park(agent, f"{row} messages in a row became dead letters; the last error: {summary(error)}")
        return True


def summary(error: ErrorInfo) -> str:
    """Type and text of an error in one line."""
    return f"{error.type}: {error.message}" if error.message else error.type


def parked(agent: str, why: str) -> Absence:
    """An agent that is kept down."""
    remedy = f"its mail waits; `scr restart {agent}`, Runtime.restart_agent or new code takes it up"
    return Absence("AgentParked", f"{agent} is parked ({why}); {remedy}", "parked")


def forgotten(agent: str, why: str) -> Absence:
    """An agent that is down with no supervisor that would start it."""
    remedy = f"its mail waits for start_agent({agent!r}) or restart_agent"
    return Absence("AgentParked", f"{agent} is down ({why}); {remedy}", "unknown_agent")
