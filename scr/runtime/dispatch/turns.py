"""What agents say and what happens to them, as events of the messages that it is about.

Lives in the runtime, on its loop.  `scr.turns.machine` decides what follows; `fold` feeds it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from pydantic import JsonValue

from scr.bounds import FRAME_BYTES
from scr.charging import Charges
from scr.errors import InvalidMessage
from scr.mail.pending import Doubt, MessageTurn, Pending, Phase
from scr.mail.router import Router
from scr.messages import Message, Tick
from scr.protocol.channel import LoopChannel
from scr.protocol.frames import (
    Answer,
    Fetch,
    FromAgent,
    Log,
    Progress,
    ReadVersion,
    Ready,
    Timer,
)
from scr.runtime.dispatch.agent_asks import Questions
from scr.runtime.dispatch.client_waits import Waits
from scr.runtime.dispatch.delivery import Delivery
from scr.runtime.dispatch.effects import CANCELLED, Effects, Startable
from scr.runtime.dispatch.facts import KINDS, Facts, forged
from scr.runtime.dispatch.failures import Failures, IncarnationFailure, Upkeep
from scr.runtime.dispatch.fold import TAKEN_BACK, Fold
from scr.runtime.dispatch.in_doubt import Parked
from scr.runtime.dispatch.mail import Mail
from scr.runtime.dispatch.open_questions import OpenQuestions
from scr.runtime.dispatch.pages import Pages
from scr.runtime.dispatch.sending import Sending
from scr.runtime.dispatch.streams import ChunkStreams
from scr.runtime.dispatch.ticks import Ticks
from scr.runtime.dispatch.writing import Writing
from scr.runtime.health.health import Care
from scr.specs import AgentSpec
from scr.store.records import KeptMessage
from scr.store.store import Store
from scr.telemetry.events import Logged, Progressed
from scr.telemetry.sinks import EventLog
from scr.turns import events, orders
from scr.turns.events import Event
from scr.turns.failing import explains
from scr.turns.machine import stranger

REMEMBERED = "remembered"
SWEPT = events.Swept()


class Children(Upkeep, Startable, Protocol):
    """What turns want of the supervisor."""


class Turns:
    """The turns of all agents.  `memory` is the agent that is told of new entries, where the tree has one."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store,
        log: EventLog,
        children: Children,
        care: Care,
        *,
        memory: str | None,
        frame_bytes: int = FRAME_BYTES,
        run: str = "",
    ) -> None:
        self._store, self._log, self._memory = store, log, memory
        self._children, self._care = children, care
        self.router = Router()
        self.fold = fold = Fold(self.router)
        self._asks = OpenQuestions(loop, store, self.router, care, children, log)
        self.streams = ChunkStreams()
        self.parked = Parked(store, fold, run)
        self.post = Delivery(store, log, fold, self._asks, Waits(loop, self.streams.end), self.parked)
        self.failures = Failures(self.router)
        self.timers = Ticks(loop, store, self.post, self.router)
        self._writing = Writing(store, log, fold, self.timers, self.failures, self.parked)
        self.questions = Questions(self._asks, self.post, self.router, self.parked)
        self._pages = Pages(store, care, children, frame_bytes)
        self.mail = Mail(loop, fold, self.failures)
        self._sending = Sending(store, care, children, self._pages, self.streams, memory=memory)
        self.effects = Effects(store, fold, self.post, children)
        parts = self.post, self.timers, self._writing, self.questions, self.mail, self._sending, self.effects
        carry = {order: carrier for part in parts for order, carrier in part.carriers().items()}
        fold.start({**carry, orders.Ring: self._ring}, self._sending.is_read)
        self._withdrawn: dict[str, list[Pending]] = {}
        self._facts = Facts(self.router, self.timers, self.post, self._asks, self.failures, self.parked)

    # What the supervisor tells.

    def state_of(self, agent: str) -> JsonValue:
        """The last committed state, or None."""
        return self._writing.states.get(agent)

    def open_agent(self, spec: AgentSpec, state: JsonValue = None) -> None:
        """The agent exists from now on; `state` is what an earlier runtime has left of it."""
        self.router.open(spec)
        self.failures.know(spec)
        if state is not None:
            self._writing.states[spec.id] = state

    def up(self, agent: str, incarnation: int, channel: LoopChannel[FromAgent]) -> None:
        """An incarnation takes messages."""
        self._sending.up(agent, channel)
        self.router.up(agent, incarnation)
        self.fold.deliver(agent)

    def died(self, failed: IncarnationFailure, *, blamed: bool) -> bool:
        """An incarnation has ended, `blamed` when that was its own doing; whether a message explains the end."""
        agent, incarnation = failed.agent, failed.incarnation
        in_hand, ahead = self.router.down(agent, incarnation)
        for pending in ahead:
            self.fold.feed(pending, TAKEN_BACK)
        standing = self.failures.standing(agent, time.time())
        exited = events.Exited(incarnation, blamed, failed.error, standing)
        for pending in self._withdrawn.pop(agent, ()):
            self.fold.feed(pending, exited)
            if pending.turn.phase is Phase.WITHDRAWN:  # a later process has it
                self._withdrawn.setdefault(agent, []).append(pending)
        if in_hand is None:
            return False
        in_hand.cause = failed.cause or in_hand.cause
        is_explained = explains(in_hand.turn, exited)
        self.fold.feed(in_hand, exited)
        return is_explained

    def pause(self, agent: str) -> None:
        """The agent was told to stop: hand it nothing more."""
        self.router.pause(agent)

    def shut(self) -> None:
        """Hand out nothing more to any agent, until `reopen`."""
        self.router.shut()

    def reopen(self) -> None:
        """Hand out messages again."""
        self.router.reopen()
        for agent in self.router.names():
            self.fold.deliver(agent)

    def close(self, agent: str) -> tuple[list[Pending], list[str]]:
        """The agent is no more: the messages that it had, and who monitored it; `bury` is next."""
        self._writing.states.pop(agent, None)
        self._sending.down(agent)
        self.failures.forget(agent)
        self.timers.close(agent)
        held, watchers = self.router.close(agent)
        return [*held, *self.parked.of(agent)], watchers

    def bury(self, held: Sequence[Pending], why: str) -> None:
        """Give the messages of an agent that has ended for good their outcome."""
        for pending in held:
            self.fold.feed(pending, events.Closed(why))

    def cancel(self, message_id: str) -> int:
        """Drop a message of a client's and all that grew out of it; how many messages that were.

        The processes that had some of them are replaced: what they say of those is ignored, and they get nothing more.
        """

        def is_unwanted(message: Message) -> bool:
            return message_id in {message.message_id, message.trace_id}

        agents = dict.fromkeys(pending.agent for pending in self.router.drop(is_unwanted))
        known = [pending for pending in self.router.open_messages() if is_unwanted(pending.message)]
        unwanted = [pending for pending in known if pending.turn.phase is not Phase.WITHDRAWN]
        for pending in unwanted:
            self.fold.feed(pending, CANCELLED)
            if pending.turn.phase is Phase.WITHDRAWN:
                self._withdrawn.setdefault(pending.agent, []).append(pending)
        for pending in unwanted:  # nothing of it is left that could be freed, and handed over
            self.fold.feed(pending, SWEPT)
        for agent in agents:  # others may have waited behind them
            self.fold.deliver(agent)
        is_arriving = self.post.cancelled(message_id)
        return is_arriving + sum(pending.turn.phase in {Phase.WITHDRAWN, Phase.OVER} for pending in unwanted)

    def end(self) -> None:
        """The runtime stops: what is open stays open in the store, and no sender is told that it failed."""
        self.fold.has_ended = True

    @property
    def has_ended(self) -> bool:
        """Whether the runtime stops."""
        return self.fold.has_ended

    def put_back(self, kept: KeptMessage, *, deliveries: int, uncarried: str, cause: int) -> None:
        """Have a message in its place again that an earlier runtime has left open."""
        pending = self.fold.new(kept.message, cause)
        due = None if kept.parked else kept.due  # what waits for a person is tried when that one has said how it ended
        charges = Charges(kept.attempts, kept.deaths, kept.outage_since)
        pending.turn = MessageTurn(kept.message, deliveries=deliveries, charges=charges, due=due)
        pending.steps.update((step.name, step) for step in kept.steps)
        doubt = Doubt(kept.parked, kept.doubt) if kept.parked else None
        left_s = self.failures.left_s(pending, time.time())
        room = self.router.room(kept.message)
        self.fold.feed(pending, events.Restored(room, uncarried, doubt, left_s))
        if pending.turn.phase is Phase.IN_DOUBT:
            self.parked.know(pending)
        elif isinstance(kept.message, Tick) and pending.turn.phase in {Phase.WAITING, Phase.RETRYING}:
            self.timers.sent(kept.message)

    # What agents say.

    def receive_frame(self, agent: str, incarnation: int, frame: FromAgent) -> None:
        """Feed one frame of a live incarnation to the message that it is about, or answer it.

        An incarnation that is replaced, as something that it had was cancelled, may speak of what it had beside that,
        which may have its outcome by now: that is in vain, and no fault.
        """
        kind = KINDS.get(type(frame))
        if kind is None:
            self._serve(agent, incarnation, frame)
            return
        message_id: str = frame.message_id  # type: ignore[union-attr,assignment] # each of these kinds has one
        pending = self.router.get(message_id)
        if pending and pending.agent == agent:
            self._hear(pending, self._facts.event_of(pending, incarnation, frame))
        elif kind is not events.Streams and agent not in self._withdrawn:
            self._children.distrust(agent, incarnation, stranger(kind, message_id))

    def _hear(self, pending: Pending, event: Event) -> None:
        try:
            self.fold.feed(pending, event)
        except InvalidMessage as error:
            self.fold.feed(pending, events.Unkeepable(str(error), isinstance(event, events.Records)))

    def _serve(self, agent: str, incarnation: int, frame: FromAgent) -> None:
        """Answer a frame that is about no message."""
        match frame:
            case Fetch():
                self._pages.entries(agent, incarnation, frame)
            case ReadVersion(ref=ref):
                self._children.tell(agent, incarnation, Answer(ref=ref, value=self._store.entries_version))
            case Ready(timers=timers, cancels=cancels):
                self._started(agent, incarnation, timers, cancels)
            case Log(text=text):
                self._log.emit(Logged(agent=agent, text=text))
            case Progress(message_id=message_id, done=done, total=total, note=note):
                self._log.emit(Progressed(agent=agent, message_id=message_id, done=done, total=total, note=note))
            case _:
                self._children.distrust(agent, incarnation, f"a {frame.kind} frame has no place in its life now")

    def _started(self, agent: str, incarnation: int, timers: Sequence[Timer], cancels: Sequence[str]) -> None:
        """Keep the timers that a start has set."""
        fault = forged(agent, (timer.message for timer in timers))
        try:
            if not fault:
                self.timers.started(agent, timers, cancels)
        except InvalidMessage as error:
            fault = str(error)
        if fault:
            self._children.distrust(agent, incarnation, fault)

    def _ring(self, _pending: Pending, _order: orders.Ring) -> None:
        """Tell the memory agent that there are entries which the table does not hold yet."""
        if self._memory and self._memory in self.router and not (self._sending.is_rung or self.has_ended):
            self._sending.is_rung = True
            self.post.tell_status(self._memory, REMEMBERED, self._store.entries_version)
