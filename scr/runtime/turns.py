"""The way of one turn through the runtime: deliver, record, commit, release; and what cannot be delivered.

Lives in the runtime, on its loop.  It joins the mail, the store and the
supervisor, which do not know each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from scr.errors import ChannelError
from scr.frames import Answer, Ask, Commit, Deliver, Fetch, FromAgent, Log, StartRequest, StepDone, StepRecord
from scr.mail.channel import LoopChannel
from scr.mail.mailbox import Pending
from scr.mail.router import Posted, Router
from scr.messages import (
    CLIENT,
    RUNTIME,
    Down,
    DownPayload,
    ExitReason,
    Failure,
    FailurePayload,
    Message,
    Status,
    StatusPayload,
    Task,
    derive_id,
    origin,
)
from scr.runtime.asks import Asks, Outcome, Tell
from scr.specs import AgentSpec
from scr.store.store import DeadLetter, Store
from scr.telemetry.events import Logged, MessageAccepted, MessageBuried, MessageDelivered, StepRecorded, TurnCommitted
from scr.telemetry.sinks import EventLog

REMEMBERED = "remembered"
SENTENCES = {
    Posted.UNKNOWN_AGENT: "there is no agent {to!r}; `scr ps` lists those that there are",
    Posted.MAILBOX_FULL: "the mailbox of {to!r} is full; send more slowly or give it a larger mailbox_size",
}


class Children(Protocol):
    """What turns want of the supervisor."""

    def start_child(self, supervisor: str, spec: AgentSpec, refused: Callable[[str, str], None]) -> None:
        """Start a child; `refused` gets a code and a sentence if it cannot be."""

    def stop_child(self, agent: str) -> None:
        """Stop a child for good."""

    def tell(self, agent: str, incarnation: int, frame: Answer) -> None:
        """Send a frame to this incarnation, if it still lives."""

    def busy(self, agent: str, incarnation: int, message: Message) -> float:
        """A message is handed over; how long its handler may make no progress."""

    def idle(self, agent: str, incarnation: int) -> None:
        """Its turn is over."""

    def distrust(self, agent: str, incarnation: int, why: str) -> None:
        """This incarnation broke the protocol: end it."""


class Turns:
    """What agents say, carried out.  `memory` is the agent that is told of new entries, where the tree has one."""

    def __init__(self, store: Store, events: EventLog, asks: Asks, children: Children, *, memory: str | None) -> None:
        self._store, self._events, self._asks, self._children = store, events, asks, children
        self._memory = memory
        self.router = Router(frame=self._delivery, handed=self._handed, refused=self._refused)
        self._ended = self._rung = False

    # What the supervisor tells.

    def opened(self, spec: AgentSpec) -> None:
        """The agent exists from now on."""
        self.router.open(spec)

    def up(self, agent: str, incarnation: int, channel: LoopChannel[FromAgent]) -> None:
        """An incarnation takes messages."""
        self.router.up(agent, incarnation, channel)

    def down(self, agent: str, *, blamed: bool, why: str) -> None:
        """An incarnation ended; `blamed` when nobody had asked it to.  A message that ended too many is quarantined."""
        if poison := self.router.down(agent, blamed=blamed):
            sentence = f"it ended {agent} {poison.deaths} times, the last time: {why}"
            self._bury(poison.message, "quarantined", sentence, poison.deliveries)

    def gone(self, agent: str, reason: ExitReason, detail: str) -> None:
        """The agent ended for good: its name is free, then who monitored it is told, then whose messages it held."""
        if self._ended:
            return
        held, watchers = self.router.close(agent)
        self._store.forget(agent)
        for watcher in watchers:
            self._tell_down(watcher, agent, reason, detail)
        for pending in held:
            self._bury(pending.message, "agent_gone", f"{agent} ended for good ({reason})", pending.deliveries)

    def end(self) -> None:
        """The runtime stops: what is open stays open in the store, and nobody is told that it failed."""
        self._ended = True

    # What comes from outside.

    def submit(self, message: Message, *, timeout_s: float | None = None, tell: Tell | None = None) -> None:
        """Accept a message from a client; with `tell`, wait for its result."""
        if tell is not None and timeout_s is not None:
            self._asks.open(message, timeout_s, tell)
        self._store.accept(message)
        self._post(message)

    # What agents say.

    def said(self, agent: str, incarnation: int, frame: FromAgent) -> None:
        """Carry out one frame of a live incarnation."""
        match frame:
            case Commit():
                self._commit(agent, incarnation, frame)
            case StepDone(message_id=message_id, step=step):
                self._record(agent, message_id, step)
            case Ask():
                self._ask(agent, incarnation, frame)
            case Fetch(ref=ref, after=after, limit=limit):
                page = [entry.model_dump(mode="json") for entry in self._store.entries(after, limit)]
                self._children.tell(agent, incarnation, Answer(ref=ref, value=page))
            case Log(text=text):
                self._events.emit(Logged(agent=agent, text=text))
            case _:
                self._children.distrust(agent, incarnation, f"a {frame.kind} frame has no place in its life now")

    def _commit(self, agent: str, incarnation: int, turn: Commit) -> None:
        pending = self.router.in_hand(agent, turn.message_id)
        if pending is None:
            self._children.distrust(
                agent, incarnation, f"it committed {turn.message_id}, which it did not have in hand"
            )
            return
        if forged := next((message for message in turn.sends if message.sender != agent), None):
            self._children.distrust(agent, incarnation, f"it sent a message in the name of {forged.sender!r}")
            return
        self._store.commit(agent, turn, partial(self._release, agent, incarnation, turn))

    def _release(self, agent: str, incarnation: int, turn: Commit) -> None:
        """The turn is in the store: now it has happened, and everything that it caused may leave."""
        self._children.idle(agent, incarnation)
        self._events.emit(
            TurnCommitted(message_id=turn.message_id, agent=agent, incarnation=incarnation, sends=len(turn.sends))
        )
        for request in turn.starts:
            self._start(agent, turn.message_id, request)
        for target in turn.demonitors:
            for news in self.router.demonitor(agent, target):
                self._store.outcome(news.message_id)
        for target in turn.monitors:
            if not self.router.monitor(agent, target):
                self._tell_down(agent, target, "unknown_agent", f"there is no agent {target!r}")
        for message in turn.sends:
            self._post(message)
        if turn.entries:
            self._ring()
        for target in turn.stops:
            self._children.stop_child(target)
        self.router.settle(agent, turn.message_id)

    def _record(self, agent: str, message_id: str, step: StepRecord) -> None:
        if pending := self.router.in_hand(agent, message_id):
            self._keep_step(agent, pending, step)

    def _keep_step(self, agent: str, pending: Pending, step: StepRecord) -> None:
        pending.steps[step.name] = step
        self._store.record(pending.message.message_id, step)
        self._events.emit(StepRecorded(message_id=pending.message.message_id, agent=agent, step=step.name))

    def _ask(self, agent: str, incarnation: int, ask: Ask) -> None:
        pending = self.router.in_hand(agent, ask.message_id)
        if pending is None or ask.message.sender != agent:
            self._children.distrust(agent, incarnation, "it asked outside a turn, or in somebody else's name")
            return
        tell = partial(self._answered, agent, incarnation, ask, pending)
        if self._asks.open(ask.message, ask.timeout_s, tell):
            self._store.accept(ask.message)
            self._post(ask.message)

    def _answered(self, agent: str, incarnation: int, ask: Ask, pending: Pending, outcome: Outcome) -> None:
        """An answer that came is a recorded step, whether or not the one who asked still lives."""
        if outcome.error is None:
            self._keep_step(agent, pending, StepRecord(name=ask.step, value=outcome.output))
        answer = Answer(ref=ask.ref, value=outcome.output, error=outcome.error, detail=outcome.detail)
        self._children.tell(agent, incarnation, answer)

    # The way of a message.

    def _post(self, message: Message) -> None:
        """Into the mailbox; or to who waits for it; or back to the sender as a failure."""
        if self._asks.answer(message) or message.to == CLIENT:
            self._store.outcome(message.message_id)  # who waits has it, and who did not wait does not want it
            return
        self._events.emit(accepted(message))
        posted = self.router.post(message)
        if posted is not Posted.ACCEPTED:
            self._bury(message, posted, SENTENCES[posted].format(to=message.to), 0)

    def _bury(self, message: Message, reason: str, detail: str, deliveries: int) -> None:
        """The message is a dead letter; its sender is told, once: a failure that cannot be delivered is not told on."""
        self._store.bury(DeadLetter(message, reason, detail, deliveries))
        buried = MessageBuried(
            message_id=message.message_id, type=message.type, to=message.to, reason=reason, deliveries=deliveries
        )
        self._events.emit(buried)
        if not isinstance(message, Failure | Down) and message.sender != RUNTIME:
            self._fail(message, reason, detail, deliveries)

    def _fail(self, message: Message, reason: str, detail: str, deliveries: int) -> None:
        fields = {"message_id": message.message_id, "agent": message.to, "reason": reason, "detail": detail}
        payload = FailurePayload.model_validate(fields | {"deliveries": deliveries})
        envelope = self._envelope(derive_id(message.message_id, "failure"), message.sender)
        envelope |= {"in_reply_to": message.message_id, "run_id": message.run_id, "trace_id": message.trace_id}
        self._own(Failure(payload=payload, **envelope))

    def _start(self, agent: str, message_id: str, request: StartRequest) -> None:
        def refused(code: str, sentence: str) -> None:
            payload = FailurePayload(
                message_id=message_id, agent=request.spec.id, reason="refused", detail=f"{code}: {sentence}"
            )
            self._own(
                Failure(payload=payload, **self._envelope(derive_id(message_id, f"start {request.spec.id}"), agent))
            )

        self._children.start_child(request.supervisor, request.spec, refused)

    def _tell_down(self, watcher: str, agent: str, reason: str, detail: str) -> None:
        payload = DownPayload.model_validate({"agent": agent, "reason": reason, "detail": detail})
        self._own(Down(payload=payload, **self._envelope(self._fresh(f"down {agent} {watcher}"), watcher)))

    def _ring(self) -> None:
        """Tell the memory agent that there are entries which the table does not hold yet."""
        if self._memory and self._memory in self.router and not self._rung:
            self._rung = True
            payload = StatusPayload(state=REMEMBERED, detail=self._store.entries_version())
            self._own(Status(payload=payload, **self._envelope(self._fresh("remembered"), self._memory)))

    def _own(self, message: Message) -> None:
        """A message of the runtime's own."""
        self._store.accept(message)
        self._post(message)

    def _fresh(self, what: str) -> str:
        return derive_id(what, time.monotonic_ns())

    def _envelope(self, message_id: str, to: str) -> dict[str, object]:
        return origin(message_id=message_id, sender=RUNTIME, to=to, at=time.time())

    def _delivery(self, agent: str, incarnation: int, pending: Pending) -> Deliver:
        return Deliver(
            message=pending.message,
            deliveries=pending.deliveries,
            steps=tuple(pending.steps.values()),
            deadline_s=self._children.busy(agent, incarnation, pending.message),
            entries_version=self._store.entries_version() if self._memory else 0,
        )

    def _refused(self, agent: str, pending: Pending, error: ChannelError) -> None:
        self._bury(pending.message, "quarantined", f"it cannot be handed to {agent}: {error}", pending.deliveries)

    def _handed(self, agent: str, incarnation: int, pending: Pending) -> None:
        self._rung = self._rung and agent != self._memory
        self._events.emit(
            MessageDelivered(
                message_id=pending.message.message_id,
                agent=agent,
                incarnation=incarnation,
                deliveries=pending.deliveries,
                steps_reused=len(pending.steps),
            )
        )


def accepted(message: Message) -> MessageAccepted:
    """The event of a message that is now in the runtime's care; a task's title is for people."""
    title = ""
    if isinstance(message, Task):
        given = message.payload.input
        named = given.get("title") if isinstance(given, dict) else None
        title = f"{message.payload.kind}: {named}" if isinstance(named, str) else message.payload.kind
    return MessageAccepted(
        message_id=message.message_id,
        type=message.type,
        sender=message.sender,
        to=message.to,
        run_id=message.run_id,
        title=title,
    )
