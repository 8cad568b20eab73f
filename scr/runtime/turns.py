"""What agents say, carried out: deliver, record, commit, release.

Lives in the runtime, on its loop.  It joins the mail, the store and the
supervisor, which do not know each other.  Nothing that a turn has caused
leaves before the turn is in the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from pydantic import JsonValue

from scr.bounds import FRAME_BYTES
from scr.errors import ChannelError, InvalidMessage
from scr.failpoints import reach
from scr.frames import (
    Answer,
    Ask,
    Commit,
    Deliver,
    Fetch,
    FromAgent,
    InDoubt,
    Log,
    Progress,
    ReadStep,
    ReadSteps,
    ReadVersion,
    Ready,
    StepBegun,
    StepDone,
    Stream,
    Timer,
    TurnFailed,
)
from scr.mail.channel import LoopChannel
from scr.mail.pending import Pending
from scr.mail.router import Router
from scr.messages import CLIENT, Failure, Message, Tick
from scr.runtime.asks import Asks, Outcome
from scr.runtime.care import Care
from scr.runtime.effects import Effects, Startable
from scr.runtime.failures import Failures, Upkeep
from scr.runtime.pages import Pages
from scr.runtime.parked import Parked
from scr.runtime.post import Post
from scr.runtime.questions import Questions
from scr.runtime.recording import Recording, step_of
from scr.runtime.streams import Streams
from scr.runtime.ticks import Change, Ticks
from scr.runtime.waits import Waits
from scr.specs import AgentSpec
from scr.store.records import CommittedTurn, OpenAsk, effects_of
from scr.store.store import Store
from scr.telemetry.events import Logged, MessageDelivered, Progressed, TurnCommitted
from scr.telemetry.sinks import EventLog

REMEMBERED = "remembered"


class Children(Upkeep, Startable, Protocol):
    """What turns want of the supervisor."""

    def distrust(self, agent: str, incarnation: int, why: str) -> None:
        """This incarnation broke the protocol: end it."""


class Turns:
    """The turns of all agents.  `memory` is the agent that is told of new entries, where the tree has one."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store,
        events: EventLog,
        children: Children,
        care: Care,
        *,
        memory: str | None,
        frame_bytes: int = FRAME_BYTES,
        run: str = "",
    ) -> None:
        self._store, self._events, self._memory = store, events, memory
        self._children, self._care = children, care
        self.router = Router(frame=self._delivery, handed=self._handed, refused=self._refused)
        self._asks = Asks(loop, store.close_ask, store.held_up, self._came_late)
        self.streams = Streams()
        self.parked = Parked(store, events, self.router, run)
        self.post = Post(store, events, self.router, self._asks, Waits(loop, self.streams.end), self.parked.doubt_of)
        self._recording = Recording(store, events, self.router, care, children.tell)
        self.questions = Questions(
            self._asks, self.post, self.router, care, children.tell, self._recording.announce, self.parked
        )
        self._pages = Pages(store, care, children.tell, frame_bytes)
        self.timers = Ticks(loop, store, self.post, self.router)
        self.effects = Effects(store, self.router, self.post, children, lambda: self._ended)
        self.failures = Failures(loop, store, events, self.router, self.post, children)
        self._states: dict[str, JsonValue] = {}
        self._cancelled: dict[str, set[str]] = {}
        self._ended = self._rung = False

    # What the supervisor tells.

    def state_of(self, agent: str) -> JsonValue:
        """The last committed state, or None."""
        return self._states.get(agent)

    def opened(self, spec: AgentSpec, state: JsonValue = None) -> None:
        """The agent exists from now on; `state` is what an earlier runtime has left of it."""
        self.router.open(spec)
        self.failures.know(spec)
        if state is not None:
            self._states[spec.id] = state

    def up(self, agent: str, incarnation: int, channel: LoopChannel[FromAgent]) -> None:
        """An incarnation takes messages."""
        self._cancelled.pop(agent, None)
        self.router.up(agent, incarnation, channel)

    def close(self, agent: str) -> tuple[list[Pending], list[str]]:
        """The agent is no more: the mail that it held, and who monitored it."""
        self._states.pop(agent, None)
        self.failures.forget(agent)
        self.timers.close(agent)
        held, watchers = self.router.close(agent)
        held = [*held, *self.parked.take(lambda message: message.to == agent)]
        for pending in held:
            if isinstance(pending.message, Tick):  # no sender but the agent itself waits for it
                self.post.cancel(pending.message)
        return [pending for pending in held if not isinstance(pending.message, Tick)], watchers

    def cancel(self, message_id: str) -> tuple[int, list[str]]:
        """Drop a message of a client's and all that grew out of it.

        Returns how many messages that were, and the agents whose processes had
        some of them: what they say of those is ignored, and they get nothing more.
        """

        def is_unwanted(message: Message) -> bool:
            return message_id in {message.message_id, message.trace_id}

        dropped, holders = self.router.drop(is_unwanted)
        dropped += (pending.message for pending in self.parked.take(is_unwanted))
        for agent, messages in holders.items():
            self.router.pause(agent)
            self._cancelled.setdefault(agent, set()).update(message.message_id for message in messages)
            dropped += messages
        for message in dropped:
            self.post.cancel(message)
            self.questions.over(message.message_id)
        self.post.cancelled(message_id)
        return len(dropped), list(holders)

    def end(self) -> None:
        """The runtime stops: what is open stays open in the store, and no sender is told that it failed."""
        self._ended = True

    @property
    def has_ended(self) -> bool:
        """Whether the runtime stops."""
        return self._ended

    # What agents say.

    def said(self, agent: str, incarnation: int, frame: FromAgent) -> None:
        """Carry out one frame of a live incarnation; one that no store can keep breaks the protocol."""
        try:
            self._said(agent, incarnation, frame)
        except InvalidMessage as error:
            self._children.distrust(agent, incarnation, str(error))

    def _said(self, agent: str, incarnation: int, frame: FromAgent) -> None:
        match frame:
            case Commit():
                self._commit(agent, incarnation, frame)
            case StepBegun(message_id=message_id) | StepDone(message_id=message_id):
                if pending := self._own(agent, incarnation, message_id, "recorded a step of"):
                    self._recording.record(agent, incarnation, pending, step_of(frame), frame.ref)
            case Stream(message_id=message_id, delivery=delivery):  # a thread may say it when its turn is over
                pending = self.router.in_hand(agent, message_id) or self.router.begun(agent, message_id)
                if pending and pending.deliveries == delivery and not pending.sealed:
                    self.streams.tell(frame)
            case InDoubt():
                self._park(agent, incarnation, frame)
            case TurnFailed(message_id=message_id):
                if self._own(agent, incarnation, message_id, "failed in the turn of"):
                    self._care.idle(agent, incarnation)
                    doubt = self.questions.failed(frame)
                    self.failures.raised(agent, incarnation, frame, is_behind=doubt is not None)
                    if doubt:
                        self.questions.wait_behind(agent, message_id, doubt)
            case Ask():
                self._ask(agent, incarnation, frame)
            case ReadSteps(message_id=message_id) | ReadStep(message_id=message_id):
                if pending := self._own(agent, incarnation, message_id, "read the steps of"):
                    self._pages.steps(agent, incarnation, pending, frame)
            case Fetch():
                self._pages.entries(agent, incarnation, frame)
            case ReadVersion(ref=ref):
                self._children.tell(agent, incarnation, Answer(ref=ref, value=self._store.entries_version))
            case Ready(timers=timers, cancels=cancels):
                self._started(agent, incarnation, timers, cancels)
            case Log(text=text):
                self._events.emit(Logged(agent=agent, text=text))
            case Progress(message_id=message_id, done=done, total=total, note=note):
                self._events.emit(Progressed(agent=agent, message_id=message_id, done=done, total=total, note=note))
            case _:
                self._children.distrust(agent, incarnation, f"a {frame.kind} frame has no place in its life now")

    def _started(self, agent: str, incarnation: int, timers: Sequence[Timer], cancels: Sequence[str]) -> None:
        if self._is_honest(agent, incarnation, [timer.message for timer in timers]):
            self.timers.started(agent, timers, cancels)

    def _commit(self, agent: str, incarnation: int, turn: Commit) -> None:
        reach("runtime.commit_heard")
        pending = self._own(agent, incarnation, turn.message_id, "committed")
        if pending is None:
            return
        if not self._is_honest(agent, incarnation, [*turn.sends, *(timer.message for timer in turn.timers)]):
            return
        named, timed = self.timers.named(agent), self.timers.change(agent, turn.timers, turn.cancels)
        silent = self.post.unanswered(pending.message) if turn.unanswered else None
        frame = turn if timed.new == turn.timers else turn.model_copy(update={"timers": timed.new})
        answers = self._asks.answers_in(turn.sends)
        failure = silent if silent and silent.to == CLIENT else None
        kept = CommittedTurn(agent, incarnation, frame, answers, timed.ended, failure)
        self._care.idle(agent, incarnation)
        pending.sealed, before = True, self._states.get(agent)
        if turn.state is not None:
            self._states[agent] = turn.state
        try:
            self._store.commit(kept, partial(self._release, kept, pending, timed, silent))
        except InvalidMessage:
            pending.sealed, self._states[agent] = False, before
            self.timers.take_back(agent, named)
            raise
        self.questions.over(turn.message_id)
        if not turn.ends:
            self.router.advance(agent)

    def _release(self, kept: CommittedTurn, pending: Pending, timed: Change, silent: Failure | None) -> None:
        """The turn is in the store: now it has happened, and everything that it caused may leave."""
        reach("runtime.before_release")
        agent, incarnation, turn = kept.agent, kept.incarnation, kept.frame
        seq = self._events.emit(
            TurnCommitted(message_id=turn.message_id, agent=agent, incarnation=incarnation, sends=len(turn.sends)),
            cause=pending.cause,
        )
        effects = effects_of(agent, turn)
        for effect in effects:
            if effect.start:
                self.effects.carry(effect)
        self.failures.committed(agent, pending.message)
        self.effects.monitors(agent, turn)
        for message in turn.sends:
            self.post.post(message, seq)
        if silent:
            self.post.answer(silent)
        if turn.timers or turn.cancels or timed.ended:
            self.timers.carry_out(agent, timed, turn.cancels)
        if turn.entries:
            self._ring()
        for effect in effects:
            if effect.stop:
                self.effects.carry(effect)
        self.router.settle(agent, turn.message_id)
        reach("runtime.after_release")

    def _park(self, agent: str, incarnation: int, doubt: InDoubt) -> None:
        if pending := self._own(agent, incarnation, doubt.message_id, "doubts a step of"):
            self._care.idle(agent, incarnation)
            self.parked.park(agent, pending, doubt)
            self.questions.doubted(doubt.message_id)
            self.post.tell_doubt(doubt.message_id)
            self.router.settle(agent, doubt.message_id)

    def _came_late(self, ask: OpenAsk, outcome: Outcome) -> None:
        self.questions.came_late(ask, outcome)

    def _ask(self, agent: str, incarnation: int, ask: Ask) -> None:
        pending = self._own(agent, incarnation, ask.message_id, "asked in the turn of")
        if pending is None:
            return
        if ask.message.sender == agent:
            self.questions.put(agent, incarnation, ask, pending)
        else:
            self._children.distrust(agent, incarnation, f"it asked in the name of {ask.message.sender!r}")

    # Odds and ends of a message's way.

    def _is_honest(self, agent: str, incarnation: int, leaving: Sequence[Message]) -> bool:
        """Tell whether all that is to leave is in the agent's own name; what is not breaks the protocol."""
        forged = next((message for message in leaving if message.sender != agent), None)
        if forged:
            self._children.distrust(agent, incarnation, f"it sent a message in the name of {forged.sender!r}")
        return forged is None

    def _own(self, agent: str, incarnation: int, message_id: str, did: str) -> Pending | None:
        """The message in hand; an agent that speaks of another one has broken the protocol."""
        pending = self.router.in_hand(agent, message_id) or self.router.begun(agent, message_id)
        if pending and not pending.sealed:
            return pending
        if message_id not in self._cancelled.get(agent, ()):
            self._children.distrust(agent, incarnation, f"it {did} {message_id}, which it did not have in hand")
        return None

    def _ring(self) -> None:
        """Tell the memory agent that there are entries which the table does not hold yet."""
        if self._memory and self._memory in self.router and not (self._rung or self._ended):
            self._rung = True
            self.post.tell_status(self._memory, REMEMBERED, self._store.entries_version)

    def _delivery(self, agent: str, incarnation: int, pending: Pending) -> Deliver:
        is_ahead = not pending.deliveries
        steps, more = self._pages.first(pending)
        return Deliver(
            message=pending.message,
            deliveries=pending.deliveries + is_ahead,
            attempt=pending.charges.attempts + 1,
            steps=steps,
            more=more,
            deadline_s=self._care.deadline_s(agent, incarnation, pending.message),
            entries_version=self._store.entries_version if self._memory else 0,
            ahead=is_ahead and self._memory is not None,
        )

    def _refused(self, agent: str, pending: Pending, error: ChannelError) -> None:
        why = f"it cannot be handed to {agent}: {error}"
        self.post.bury(pending.message, "quarantined", why, pending.deliveries, pending.cause)

    def _handed(self, agent: str, incarnation: int, pending: Pending) -> None:
        self._care.busy(agent, incarnation, pending.message)
        self._rung = self._rung and agent != self._memory
        delivered = MessageDelivered(
            message_id=pending.message.message_id,
            agent=agent,
            incarnation=incarnation,
            deliveries=pending.deliveries,
            steps_reused=len(pending.steps),
        )
        pending.cause = self._events.emit(delivered, cause=pending.cause)


def _kept() -> None:
    """Nobody waits for it."""
