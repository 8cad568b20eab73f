"""The store in the runtime's own memory: as durable as the runtime's process.

It is also the plain statement of what every other store must do.
"""

# ruff: noqa: ARG002  nothing is refused later than at once, and no other process asks

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import islice
from typing import Any, Literal

from scr.charging import Charges
from scr.messages import CLIENT, AgentId, Down, Failure, Message
from scr.protocol.frames import Entry, StepRecord, Timer
from scr.protocol.status import StoreStatus
from scr.specs import AgentSpec
from scr.store.records import (
    CommittedTurn,
    Counts,
    DeadLetter,
    Effect,
    Given,
    Image,
    KeptAgent,
    KeptMessage,
    Known,
    OpenAsk,
    effects_of,
    given_of,
    kept_of,
    with_step,
)
from scr.store.sql.rows import printable, seal
from scr.store.store import Refused, Then
from scr.telemetry.crashes import CrashRecord
from scr.telemetry.events import Record

KNOWN = 10_000  # messages of clients that have ended: a client that asks again gets its answer


class MemoryStore:
    """A `Store` without a disk: `then` is called at once.  Begins from `image`.

    Keeps the last `dead_letters` dead letters, the last `crashes` crash
    records, no events, and nothing of what has ended but the answers to clients.
    """

    def __init__(self, dead_letters: int = 1000, crashes: int = 200, image: Image | None = None) -> None:
        self._image = image or Image()
        self._seq, self._version = self._image.seq, self._image.entries_version
        self._agents: dict[str, KeptAgent] = {kept.spec.id: kept for kept in self._image.agents}
        self._open: dict[str, KeptMessage | Message] = {kept.message.message_id: kept for kept in self._image.mail}
        self._monitors: dict[tuple[AgentId, AgentId], None] = dict.fromkeys(self._image.monitors)
        self._asks: dict[str, OpenAsk] = {ask.message_id: ask for ask in self._image.asks}
        self._timers: dict[str, Timer] = {timer.message.message_id: timer for timer in self._image.timers}
        self._effects: dict[str, Effect] = {effect.effect_id: effect for effect in self._image.effects}
        self._entries: dict[str, Entry] = {}
        self._known: dict[str, Message | None] = {}
        self._given: dict[str, Given] = {}
        self._dead: dict[str, tuple[DeadLetter, KeptMessage]] = {}
        self._dead_letters = dead_letters
        self._crashes: deque[CrashRecord] = deque(maxlen=crashes)

    @property
    def image(self) -> Image:
        """What it began from."""
        return self._image

    @property
    def entries_version(self) -> int:
        """The version of the newest entry."""
        return self._version

    def present(self) -> Image:
        """What a runtime would begin from if it opened the run now."""
        return replace(
            self._image,
            seq=self._seq,
            agents=tuple(self._agents.values()),
            mail=tuple(map(kept_of, self._open.values())),
            monitors=tuple(self._monitors),
            asks=tuple(ask for ask in self._asks.values() if ask.asked_in in self._open or ask.asked_in in self._dead),
            timers=tuple(self._timers.values()),
            effects=tuple(self._effects.values()),
            entries_version=self._version,
        )

    def accept(
        self,
        message: Message,
        then: Then | None = None,
        *,
        ask: OpenAsk | None = None,
        given: Given | None = None,
        refused: Refused | None = None,
    ) -> None:
        """Keep a message."""
        self._take(message)
        if given is not None:
            self._given[message.message_id] = given
            _bound(self._given, KNOWN)
        if ask is not None:
            self._asks[ask.message_id] = ask
        _call(then)

    def commit(self, turn: CommittedTurn, then: Then) -> None:
        """Keep a turn."""
        frame = turn.frame
        answers = {answer.message_id for answer in turn.answers} if turn.answers else ()
        self._end(frame.message_id)
        if frame.state is not None and turn.agent in self._agents:
            self._agents[turn.agent] = replace(self._agents[turn.agent], state=frame.state)
        for message in frame.sends:
            if message.message_id not in answers:
                self._take(message)
        for answer in turn.answers:
            self._asks.pop(answer.ask_id, None)
            self._answer(answer.asked_in, answer.step)
        for target in frame.demonitors:
            self._monitors.pop((turn.agent, target), None)
        for target in frame.monitors:
            self._monitors[turn.agent, target] = None
        for effect in effects_of(turn.agent, frame):
            self._effects[effect.effect_id] = effect
        for entry in frame.entries:
            self._remember(entry)
        self._set_timers(frame.timers, (*frame.cancels, *turn.ended))
        if turn.failure:
            self._take(turn.failure)
        then()

    def record(
        self, message_id: str, step: StepRecord, then: Then | None = None, refused: Refused | None = None
    ) -> None:
        """Keep a step."""
        if kept := self._kept_message(message_id):
            self._open[message_id] = with_step(kept, step)
        _call(then)

    def close_ask(self, message_id: str) -> None:
        """Nobody waits any more."""
        self._asks.pop(message_id, None)

    def failed(self, message_id: str, deliveries: int, charges: Charges, due: float | None) -> None:
        """Keep what the message has been through, and when it is tried again."""
        if kept := self._kept_message(message_id):
            self._open[message_id] = replace(kept, deliveries=deliveries, due=due, **asdict(charges))

    def bury(self, letter: DeadLetter, failure: Failure | None, then: Then | None = None) -> None:
        """Keep a dead letter."""
        message_id = letter.message.message_id
        if kept := self._kept_message(message_id):
            self._end(message_id)
            self._dead[message_id] = letter, kept
            _bound(self._dead, self._dead_letters)
            if failure is not None:
                self._take(failure)
        _call(then)

    def exhume(
        self,
        message_id: str,
        then: Callable[[KeptMessage | None], None],
        *,
        instead: Message | None = None,
        refused: Refused | None = None,
    ) -> None:
        """Open a dead letter again."""
        letter, kept = self._dead.pop(message_id, (None, None))
        if instead and message_id not in self._open:  # however many dead letters have come since
            kept, self._given[message_id] = KeptMessage(instead), given_of(instead)
        if kept:
            self._known.pop(message_id, None)
            deliveries = letter.deliveries if letter else 0
            fresh = {**asdict(Charges()), "deliveries": deliveries, "due": None, "parked": "", "doubt": ""}
            self._open[message_id] = replace(kept, **fresh)
        then(self._kept_message(message_id) if kept else None)

    def park(self, message_id: str, step: str, why: str = "") -> None:
        """The message waits for a person."""
        if kept := self._kept_message(message_id):
            self._open[message_id] = replace(kept, parked=step, doubt=printable(why))

    def resolve(self, message_id: str, step: StepRecord | None, name: str, then: Then) -> None:
        """A person has said how the step ended."""
        if kept := self._kept_message(message_id):
            others = tuple(known for known in kept.steps if known.name != name or known.state == "done")
            self._open[message_id] = replace(kept, parked="", doubt="", steps=others)
            if step is not None:
                self.record(message_id, step)
        then()

    def cancel(self, message_id: str, then: Then) -> None:
        """The message has its outcome."""
        self._end(message_id)
        then()

    def fire(self, timer_id: str, then: Then, *, following: Timer | None = None) -> None:
        """Accept the timer's message."""
        if timer := self._timers.pop(timer_id, None):
            self._take(timer.message)
            self._set_timers((following,) if following else (), ())
        then()

    def set_timers(self, timers: Sequence[Timer], ended: Sequence[str], then: Then | None = None) -> None:
        """Keep timers, end others."""
        self._set_timers(timers, ended)
        _call(then)

    def _set_timers(self, timers: Sequence[Timer], ended: Sequence[str]) -> None:
        for timer in timers:
            self._timers[timer.message.message_id] = timer
        for timer_id in ended:
            self._timers.pop(timer_id, None)

    def admit(self, spec: AgentSpec, supervisor: str, incarnation: int) -> None:
        """The agent exists, with the state that it had."""
        had = self._agents.get(spec.id)
        self._agents[spec.id] = KeptAgent(spec, supervisor, incarnation, had.state if had else None)

    def keep_down(self, agent: str, why: str) -> None:
        """The agent is parked."""
        if had := self._agents.get(agent):
            self._agents[agent] = replace(had, parked=why)

    def gone(self, agent: str) -> None:
        """The agent is no more, nor is what it monitored."""
        self._agents.pop(agent, None)
        for pair in [pair for pair in self._monitors if pair[0] == agent]:
            del self._monitors[pair]

    def carried(self, effect_id: str, failure: Failure | None = None) -> None:
        """The effect is done."""
        self._effects.pop(effect_id, None)
        if failure is not None:
            self._take(failure)

    def append(self, record: Record) -> None:
        """Only its place is kept."""
        self._seq = record.seq

    def crash(self, record: CrashRecord) -> None:
        """Keep the record of a death."""
        self._crashes.append(record)

    def sync(self, then: Then) -> None:
        """Everything is kept at once."""
        then()

    def find(self, message_id: str, then: Callable[[Known], None], refused: Refused | None = None) -> None:
        """What is known of a client's message."""
        seal(message_id)
        given, kept = self._given.get(message_id), self._kept_message(message_id)
        if kept and not given:
            given = given_of(kept.message)
        state: Literal["unknown", "open"] = "open" if kept else "unknown"
        then(Known("ended" if message_id in self._known else state, self._known.get(message_id), given))

    def entries(self, after: int, limit: int, then: Callable[[Sequence[Entry]], None]) -> None:
        """A page of entries: the dict is in order of version, for a key that is remembered again moves to its end."""
        then(tuple(islice((entry for entry in self._entries.values() if entry.version > after), limit)))

    def crashes(self, agent: str | None, last: int, then: Callable[[Sequence[CrashRecord]], None]) -> None:
        """The last crash records."""
        found = [record for record in self._crashes if agent in {None, record.agent}]
        then(tuple(found[-last:] if last else ()))

    def counts(self) -> Counts:
        """How many there are."""
        return Counts(
            open_messages=len(self._open),
            parked=sum(isinstance(kept, KeptMessage) and bool(kept.parked) for kept in self._open.values()),
            dead_letters=len(self._dead),
            crashes=len(self._crashes),
        )

    def status(self) -> StoreStatus:
        """Always well."""
        return StoreStatus(url="memory:")

    def unrenewed_s(self) -> float:
        """No other process can take the run."""
        return 0.0

    def held_up(self, within_s: float) -> bool:
        """Never."""
        return False

    def close(self, *, release: bool = True) -> None:
        """Nothing is pending."""

    # How.

    def _kept_message(self, message_id: str) -> KeptMessage | None:
        """Return an open message with what is known of it."""
        kept = self._open.get(message_id)
        return kept_of(kept) if kept else None

    def _take(self, message: Message) -> None:
        if message.to == CLIENT:
            self._remember_answer(message)
        elif message.message_id not in self._known:
            self._open.setdefault(message.message_id, message)
        if isinstance(message, Down):
            self._monitors.pop((message.to, message.payload.agent), None)

    def _remember_answer(self, answer: Message) -> None:
        if answer.in_reply_to is not None and self._known.get(answer.in_reply_to) is None:
            self._known[answer.in_reply_to] = answer
            _bound(self._known, KNOWN)

    def _end(self, message_id: str) -> None:
        kept = self._open.pop(message_id, None)
        if kept is not None and kept_of(kept).message.sender == CLIENT:
            self._known.setdefault(message_id, None)
            _bound(self._known, KNOWN)

    def _answer(self, asked_in: str, step: StepRecord) -> None:
        """Keep an answer as a step of the message that asked, also where that is a dead letter by now."""
        self.record(asked_in, step)
        if found := self._dead.get(asked_in):
            self._dead[asked_in] = found[0], with_step(found[1], step)

    def _remember(self, entry: Entry) -> None:
        self._version += 1
        self._entries.pop(entry.key, None)
        self._entries[entry.key] = entry.model_copy(update={"version": self._version})


def _call(then: Then | None) -> None:
    if then is not None:
        then()


def _bound(kept: dict[str, Any], limit: int) -> None:
    while len(kept) > limit:
        del kept[next(iter(kept))]
