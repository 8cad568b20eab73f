"""Frames of agents as events of messages, with the facts that decide what follows.

Lives in the runtime, on its loop; changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any

from scr.charging import Behind, PutOff, Raised
from scr.errors import InvalidMessage
from scr.failpoints import reach
from scr.mail.pending import AHEAD, Doubt, Pending
from scr.mail.router import Router
from scr.messages import CLIENT, Message
from scr.protocol.frames import (
    Ask,
    Commit,
    FailTurn,
    FromAgent,
    InDoubt,
    ReadStep,
    ReadSteps,
    StepBegun,
    StepDone,
    StepRecord,
    Stream,
)
from scr.retry import ErrorInfo
from scr.runtime.dispatch.delivery import Delivery
from scr.runtime.dispatch.failures import Failures
from scr.runtime.dispatch.in_doubt import Parked
from scr.runtime.dispatch.open_questions import OpenQuestions
from scr.runtime.dispatch.ticks import Ticks
from scr.store.records import CommittedTurn
from scr.turns import events
from scr.turns.events import Event
from scr.turns.timing import UNTIMED

KINDS: Mapping[type, type[Event]] = {
    Commit: events.Commits,
    StepBegun: events.Records,
    StepDone: events.Records,
    FailTurn: events.Fails,
    InDoubt: events.Doubts,
    Ask: events.Asks,
    ReadSteps: events.Reads,
    ReadStep: events.Reads,
    Stream: events.Streams,
}
"""The frames that are about a message, and what each says of it."""


class Facts:
    """What the mailboxes, the timers, the questions and the specifications say of a message."""

    def __init__(
        self,
        router: Router,
        timers: Ticks,
        post: Delivery,
        asks: OpenQuestions,
        failures: Failures,
        parked: Parked,
    ) -> None:
        self._router, self._timers, self._post, self._asks = router, timers, post, asks
        self._failures, self._parked = failures, parked
        self._make: Mapping[type, Callable[[Pending, int, Any], Event]] = {
            Commit: self._commits,
            StepBegun: self._records,
            StepDone: self._records,
            FailTurn: self._fails,
            InDoubt: self._doubts,
            Ask: self._asks_for,
            ReadSteps: self._reads,
            ReadStep: self._reads,
            Stream: self._streams,
        }

    def event_of(self, pending: Pending, incarnation: int, frame: FromAgent) -> Event:
        """Return what a frame about this message says."""
        return self._make[type(frame)](pending, incarnation, frame)

    def _commits(self, pending: Pending, incarnation: int, frame: Commit) -> events.Commits:
        reach("runtime.commit_heard")
        message = pending.message
        agent, fault = message.to, ""
        try:
            timed = self._timers.change_of(agent, frame.timers, frame.cancels)
        except InvalidMessage as error:
            timed, fault = UNTIMED, str(error)
        if frame.sends or frame.timers:
            fault = fault or forged(agent, chain(frame.sends, (timer.message for timer in frame.timers)))
        if timed.new != frame.timers:
            frame = frame.model_copy(update={"timers": timed.new})
        silent = self._post.unanswered(message) if frame.unanswered else None
        failure = silent if silent and silent.to == CLIENT else None
        answers = self._asks.answers_in(frame.sends) if frame.sends else ()
        turn = CommittedTurn(agent, incarnation, frame, answers, timed.ended, failure)
        is_next = pending.turn.phase is AHEAD and self._router.is_begun(pending)
        return events.Commits(incarnation, turn, timed, silent, fault, is_next)

    def _records(self, pending: Pending, incarnation: int, frame: StepBegun | StepDone) -> events.Records:
        return events.Records(incarnation, step_of(frame), frame.ref, self._is_next(pending))

    def _fails(self, pending: Pending, incarnation: int, frame: FailTurn) -> events.Fails:
        message = pending.message
        agent, mailbox = message.to, self._router.mailbox(message.to)
        question = self._asks.doubt_told(message.message_id) if frame.in_doubt else ""
        raised = Raised(frame.names) if frame.after_s is None else PutOff(frame.after_s)
        return events.Fails(
            incarnation,
            frame.ref,
            Behind() if question else raised,
            ErrorInfo(type=frame.error_type, message=frame.message, traceback=frame.traceback),
            self._failures.standing(agent, time.time()),
            is_put_off=frame.in_doubt or frame.after_s is not None,
            question=question,
            is_settled=bool(question) and self._parked.doubt_of(question) is None,
            is_running=self._router.is_running(agent),
            ahead=mailbox is not None and mailbox.ahead > 0,
            ahead_in_lane=mailbox is not None and mailbox.has_ahead_behind(message),
            is_next=self._is_next(pending),
        )

    def _doubts(self, pending: Pending, incarnation: int, frame: InDoubt) -> events.Doubts:
        return events.Doubts(incarnation, Doubt(frame.step, frame.detail), self._is_next(pending))

    def _asks_for(self, pending: Pending, incarnation: int, frame: Ask) -> events.Asks:
        return events.Asks(incarnation, frame, self._is_next(pending))

    def _reads(self, pending: Pending, incarnation: int, frame: ReadSteps | ReadStep) -> events.Reads:
        return events.Reads(incarnation, frame, self._is_next(pending))

    def _streams(self, pending: Pending, incarnation: int, frame: Stream) -> events.Streams:
        return events.Streams(incarnation, frame, self._is_next(pending))

    def _is_next(self, pending: Pending) -> bool:
        return pending.turn.phase is AHEAD and self._router.is_begun(pending)


def step_of(said: StepBegun | StepDone) -> StepRecord:
    """Return what is to be recorded of a step."""
    if isinstance(said, StepDone):
        return said.step
    return StepRecord(name=said.name, state="begun", digest=said.digest)


def forged(agent: str, leaving: Iterable[Message]) -> str:
    """Say which message is in another name than the agent's; empty when none is."""
    other = next((message.sender for message in leaving if message.sender != agent), None)
    return f"it sent a message in the name of {other!r}" if other else ""
