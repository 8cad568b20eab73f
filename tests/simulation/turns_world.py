"""A hostile world in virtual time for the turns to live in: the runtime's own shell, with all around it in its place.

Everything is drawn from one seed: what agents do, who dies when, what the store keeps late or refuses, what people do.
A witness looks on.
"""

import heapq
from collections import deque
from random import Random
from types import SimpleNamespace

from scr.errors import InvalidInput
from scr.messages import CLIENT, Task, TaskPayload, origin
from scr.retry import Retry
from scr.runtime.departures import Departures
from scr.runtime.dispatch.turns import Turns
from scr.runtime.recovery import carry_on, restore
from scr.specs import AgentSpec, Code, SupervisorSpec
from scr.store.memory import MemoryStore
from scr.telemetry.sinks import EventLog
from tests.simulation.turns_agents import HUGE
from tests.simulation.turns_house import Care, House
from tests.simulation.turns_store import LateStore, Loop, opened

NAMES = ("a", "b", "c")
EPOCH = 1e9  # wall clock at the start
CALM_S, TEND_S, ROUNDS = 4.0, 0.5, 200
STEPS_MAX = 20_000


def specs_of(name):
    """Agents of one name, as differently as their messages may be treated."""
    code = Code(reference=f"agents:{name}")
    retry = [Retry(attempts=n, base_s=0.2, cap_s=1.0, outage_s=2.0, jitter=j) for n, j in ((1, "none"), (3, "full"))]
    fields = [
        {"retry": retry[1]},
        {"retry": retry[1], "fresh_process": False},
        {"retry": retry[0], "fresh_process": False, "max_deliveries": 2},
        {"retry": retry[1], "ordered": False, "park": False},
        {"retry": retry[0], "retries_max": 1, "mailbox_size": 2},
        {"on_error": "crash", "max_deliveries": 2},
    ]
    return [AgentSpec(**{"id": name, "code": code, "on_error": "retry"} | given) for given in fields]


SPECS = {name: specs_of(name) for name in (*NAMES, "d")}


class World:
    """One history.  `run` lives through it; the witness raises at the first broken promise."""

    def __init__(self, seed, witness, clock):
        self.rng = rng = Random(seed)
        self.clock, self.now, self.sequence, self.queue, self.log = clock, 0.0, 0, [], []
        self.clock.world, self.clock.ticks = self, 0
        self.hostility = rng.choice([0.0, 0.3, 1.0, 1.0])
        self.failing = rng.choice([0.1, 0.3, 0.9])
        self.lag_s, self.is_calm, self.rounds = rng.choice([0.02, 0.2]), False, 0
        self.specs = {name: rng.choice(SPECS[name]) for name in SPECS}
        self.cursed = rng.choice([None, None, None, "a"])
        if self.cursed:
            self.specs["a"] = rng.choice(SPECS["a"][2:5])
        self.tree = SupervisorSpec(id="root", strategy="one_for_one", children=tuple(self.specs[n] for n in NAMES))
        self.ringing = rng.choice([None, None, "a"])
        self.memory, self.numbers, self.paid = MemoryStore(), {}, {}
        self.dead, self.sent, self.deaths = deque(maxlen=6), [], 0
        self.outside = Loop(self)
        self.witness = witness(self)
        self.begin()

    # The runtime.

    def begin(self):
        self.loop = loop = Loop(self)
        self.house, self.store = House(self, loop), LateStore(self, loop)
        events = EventLog(lambda: (self.now, EPOCH + self.now), 1, self.store.append, self.store.image.seq)
        self.turns = Turns(loop, self.store, events, self.house, Care(), memory=self.ringing)
        self.departures = Departures(self.turns, self.store, events)
        image = self.store.image
        added = restore(image, self.turns, self.departures, self.tree)
        self.witness.restored(image)
        for name in (*NAMES, *(kept.spec.id for kept in added)):
            self.house.start(name)
        carry_on(image, self.turns)

    def die(self):
        """The runtime ends at once, and all processes with it."""
        self.note("the runtime dies")
        self.deaths += 1
        self.loop.lives = False
        self.store.lose()
        for process in self.house.live.values():
            process.lives = False
        self.begin()

    # Time.

    def run(self):
        for _ in range(self.rng.randint(3, 14)):
            act = self.rng.choice(ACTS)
            self.outside.call_later(self.rng.uniform(0, CALM_S), act, self)
        self.outside.call_later(CALM_S, self.calm)
        for _ in range(STEPS_MAX):
            if not self.queue:
                self.witness.settled()
                return
            self.now, _, handle = heapq.heappop(self.queue)
            if handle.act and handle.loop.lives:
                handle.act()
        raise AssertionError("it did not settle")

    def is_hostile(self, share):
        return not self.is_calm and self.rng.random() < self.hostility * share

    def note(self, *what):
        self.log.append((round(self.now, 3), *what))

    def calm(self):
        """From now on all goes well, and a person looks after what waits."""
        self.is_calm = True
        self.note("calm")
        self.tend()

    def tend(self):
        self.rounds += 1
        assert self.rounds < ROUNDS, f"still open: {list(opened(self.memory).values())}"
        for name in sorted(self.house.parked - self.house.live.keys()):
            self.house.start(name)
        for message_id in [*opened(self.memory)]:
            self.resolve(message_id)
        if opened(self.memory) or self.store.pending or self.turns.router.open_messages():
            self.outside.call_later(TEND_S, self.tend)

    # What people and clients do, and what happens to processes.

    def message(self):
        rng, message_id = self.rng, f"k{len(self.sent)}"
        key = "key" if rng.random() < 0.3 else None
        payload = TaskPayload(task_id=message_id, kind=HUGE if rng.random() < 0.03 else "task", order_key=key)
        to = self.cursed if self.cursed and rng.random() < 0.6 else rng.choice((*NAMES, *NAMES, "d"))
        message = Task(payload=payload, **origin(message_id=message_id, sender=CLIENT, to=to, at=self.now))
        self.sent.append(message)
        return message

    def submit(self):
        for _ in range(self.rng.randint(1, 3 if self.cursed else 2)):
            message = self.message()
            self.note("submit", message.message_id, message.to)
            self.turns.post.submit(message, *self.witness.submits(message), again=self.rng.random() < 0.3)

    def ask(self):
        is_again = bool(self.sent) and self.rng.random() < 0.4
        message = self.rng.choice(self.sent) if is_again else self.message()
        self.note("client asks", message.message_id, message.to)
        timeout_s = self.rng.choice([0.3, 2.0])
        self.turns.post.ask(message, timeout_s, self.witness.waits(message, timeout_s), again=is_again)

    def attach(self):
        if self.sent:
            message = self.rng.choice(self.sent)
            self.turns.post.attach(message.message_id, 1.0, self.witness.waits(message, None))

    def cancel(self):
        if self.sent:
            message = self.rng.choice(self.sent)
            self.note("cancel", message.message_id)
            self.turns.cancel(message.message_id)

    def resolve(self, message_id=None):
        """A person looks whether it was paid, and says so."""
        doubts = [name for name, kept in opened(self.memory).items() if kept.parked and message_id in {None, name}]
        for name in doubts:
            is_done = bool(self.paid.get(name))
            self.note("resolve", name, is_done)
            try:
                self.turns.parked.resolve(name, 1, is_done=is_done, then=lambda: None)
            except InvalidInput:
                continue

    def retry_dead(self):
        if self.memory._dead:
            message_id = self.rng.choice(list(self.memory._dead))
            self.note("retry", message_id)
            self.store.exhume(message_id, lambda kept: kept and self.turns.post.reopen(kept))

    def some_process(self):
        several = [process for process in self.house.live.values() if process.is_up]
        return self.rng.choice(several) if several else None

    def kill(self):
        if process := self.some_process():
            self.house.end(process, blamed=self.rng.random() < 0.8)

    def recycle(self):
        self.house.recycle(self.rng.choice(NAMES))

    def stop_for_good(self):
        self.house.stop(self.rng.choice(NAMES), self.house.gone)

    def restart(self):
        for name in sorted(self.house.parked - self.house.live.keys()):
            self.house.start(name)

    def speak_of_old(self):
        """What an older incarnation has said arrives once more."""
        for process in self.dead:
            for frame in process.frames:
                with self.witness.in_vain(process, frame):
                    self.turns.receive_frame(process.name, process.number, frame)


ACTS = (
    *(World.submit,) * 8,
    *(World.ask, World.attach, World.cancel, World.resolve, World.retry_dead, World.kill, World.kill),
    *(World.recycle,) * 3,
    *(World.stop_for_good, World.restart, World.speak_of_old, World.speak_of_old, World.die),
)


def clock():
    """The wall clock of whichever world lives now."""
    here = SimpleNamespace(world=None, ticks=0)
    here.time = lambda: EPOCH + here.world.now

    def time_ns():
        here.ticks += 1
        return here.ticks

    here.time_ns = time_ns
    return here
