"""Agents' processes in the simulated world: each handles what it was sent in order, and does as it was drawn."""

from collections import deque

from scr.errors import FrameTooLarge
from scr.messages import (
    CLIENT,
    RUNTIME,
    Result,
    ResultPayload,
    Status,
    StatusPayload,
    Task,
    TaskPayload,
    Tick,
    TimerPayload,
    derive_id,
    follow,
    origin,
)
from scr.protocol.frames import (
    Ask,
    Commit,
    Deliver,
    Entry,
    FailTurn,
    InDoubt,
    ReadSteps,
    StartRequest,
    StepBegun,
    StepDone,
    StepRecord,
    Stream,
    Timer,
)
from scr.step_names import question_id

HUGE, UNKEPT = "huge", "unkept"
FRAMES_KEPT = 8
MARK = "~0123456789ab"
RAISED = (("ValueError", "Exception"), ("ValueError", "Exception"), ("scr.errors.Fatal", "Exception"))
DEPTH_MAX = 2


class Process:
    """One incarnation, and its channel.

    `waits` is the ref that it waits for, and what comes then.  `has_broken` tells whether it ever broke the protocol.
    """

    def __init__(self, world, loop, spec, number):
        self.world, self.loop, self.rng, self.spec, self.number = world, loop, world.rng, spec, number
        self.name = spec.id
        self.inbox, self.frames = deque(), deque(maxlen=FRAMES_KEPT)
        self.lives, self.is_up, self.has_broken, self.has_ended, self.is_due = True, False, False, False, False
        self.is_stopping = False
        self.ref, self.waits, self.done = 0, None, 0
        self.paid_now, self.asked_now = None, set()

    @property
    def is_read(self):
        return self.rng.random() < 0.9

    def send(self, frame):
        assert isinstance(frame, Deliver)
        payload = frame.message.payload
        if isinstance(payload, TaskPayload) and payload.kind == HUGE:
            raise FrameTooLarge("it is too large for a frame")
        self.world.note("deliver", self.name, self.number, frame.message.message_id, frame.deliveries)
        self.world.witness.delivered(self, frame)
        self.inbox.append(frame)
        self.wake()

    send_next = send

    def wake(self):
        if not self.is_due and self.inbox and not self.waits:
            self.is_due = True
            self.loop.call_later(self.rng.random() * 0.15, self.work)

    def say(self, frame):
        self.frames.append(frame)
        self.world.note("says", self.name, self.number, frame.kind, getattr(frame, "message_id", ""))
        self.world.turns.receive_frame(self.name, self.number, frame)

    def next_ref(self):
        self.ref += 1
        return self.ref

    def asks(self, make, then):
        """Say something with a number, and go on when that is answered."""
        ref = self.next_ref()
        self.waits = ref, then
        self.say(make(ref))

    def answered(self, answer):
        self.world.witness.answered(self, answer)
        if not self.waits or self.waits[0] != answer.ref:
            return
        _, then = self.waits
        self.waits = None
        then(answer)
        self.wake()

    # One step of a handler after the other.

    def work(self):
        self.is_due = False
        if not self.lives or self.waits or not self.inbox:
            return
        delivery = self.inbox[0]
        steps = {step.name: step for step in delivery.steps}
        draw = self.rng.random()
        if self.done < 3 and draw < 0.4 and not self.world.is_calm:
            self.done += 1
            self.rng.choice(WORK)(self, delivery, steps)
        elif steps.get("pay") and steps["pay"].state == "begun":
            self.reconcile(delivery)
        elif self.name == self.world.cursed and not self.world.is_calm and self.rng.random() < 0.9:
            self.rng.choice(CURSES)(self, delivery)
        elif self.world.is_hostile(self.world.failing):
            self.rng.choice(BAD)(self, delivery)
        else:
            self.commit(delivery)
        self.wake()

    def next(self):
        self.inbox.popleft()
        self.done = 0

    def step(self, delivery, steps):
        step = StepRecord(name=f"s{self.done}", value=1)
        self.asks(lambda ref: StepDone(ref=ref, message_id=delivery.message.message_id, step=step), lambda _: None)

    def pay(self, delivery, steps):
        """Pay once; who finds that another has begun looks whether it was done."""
        message_id = delivery.message.message_id
        if "pay" in steps or self.paid_now == (message_id, delivery.deliveries):
            return
        self.paid_now = message_id, delivery.deliveries
        self.asks(
            lambda ref: StepBegun(ref=ref, message_id=message_id, name="pay"),
            lambda answer: answer.error or self.buy(message_id),
        )

    def buy(self, message_id):
        if self.world.is_hostile(0.3):
            self.fall()
            return
        self.world.witness.pays(message_id)
        if self.world.is_hostile(0.3):
            self.fall()
            return
        step = StepRecord(name="pay", value=1)
        self.asks(lambda ref: StepDone(ref=ref, message_id=message_id, step=step), lambda _: None)

    def fall(self):
        """It says nothing any more, and is soon found to have ended."""
        self.waits = 0, None
        self.loop.call_later(0.0, lambda: self.world.house.end(self, blamed=True))

    def reconcile(self, delivery):
        """A payment had begun: it was made, or it was not, or only a person can tell."""
        message_id = delivery.message.message_id
        if self.world.is_calm or self.rng.random() < 0.3:
            known = "done" if self.world.paid.get(message_id) else "not done"
            step = StepRecord(name="pay", value=1 if known == "done" else None, state=known)
            self.paid_now = message_id, delivery.deliveries
            self.inbox[0] = delivery.model_copy(update={"steps": ()})
            self.asks(lambda ref: StepDone(ref=ref, message_id=message_id, step=step), lambda _: None)
        else:
            self.next()
            self.say(InDoubt(message_id=message_id, step="pay", detail="it had begun"))

    def ask(self, delivery, steps):
        to = self.rng.choice([name for name in ("a", "b", "c", "a", "b", "c", "d", "nobody") if name != self.name])
        cause, name = delivery.message, f"/ask {to}{MARK}"
        if name in steps or (cause.message_id, delivery.deliveries, name) in self.asked_now:
            return
        self.asked_now.add((cause.message_id, delivery.deliveries, name))
        message_id = question_id(derive_id(cause.message_id, name), delivery.deliveries, self.number)
        envelope = follow(cause, 0, sender=self.name, to=to, at=self.world.now) | {"message_id": message_id}
        question = Task(payload=TaskPayload(task_id=message_id), **envelope)
        timeout_s = 0.2 if message_id < "4" else 2.0  # each try of a turn asks with the same one
        ref = self.next_ref()
        self.waits = ref, lambda answer: self.told(delivery, answer)
        self.world.witness.asks(self, ref, message_id, timeout_s)
        self.say(
            Ask(ref=ref, message_id=cause.message_id, step=name, message=question, timeout_s=timeout_s),
        )

    def told(self, delivery, answer):
        if answer.error == "StepInDoubt":
            self.fail(delivery, names=("scr.errors.StepInDoubt", "Exception"), in_doubt=True)
        elif answer.error and self.rng.random() < 0.5:
            self.fail(delivery, names=("scr.errors.AgentError", "Exception"))

    def read(self, delivery, steps):
        self.asks(lambda ref: ReadSteps(ref=ref, message_id=delivery.message.message_id, after=0), lambda _: None)

    def stream(self, delivery, steps):
        self.say(Stream(message_id=delivery.message.message_id, delivery=delivery.deliveries, number=self.done))

    # How a turn ends.

    def commit(self, delivery, **given):
        self.next()
        frame = self.frame(delivery, given)
        self.has_ended = frame.ends
        self.say(frame)
        if frame.ends:
            self.inbox.clear()
            self.world.house.stop(self.name, self.world.house.gone)

    def frame(self, delivery, given):
        rng, world, cause = self.rng, self.world, delivery.message
        is_task, at = isinstance(cause, Task) and cause.sender != RUNTIME, world.now
        sends, fields = [], {}
        depth = int(cause.payload.state) if isinstance(cause, Status) and cause.sender != RUNTIME else 0
        if is_task and (world.is_calm or rng.random() < 0.7):
            envelope = follow(cause, 0, sender=self.name, to=cause.sender, at=at, in_reply_to=cause.message_id)
            sends.append(Result(payload=ResultPayload(task_id=cause.message_id, output=cause.message_id), **envelope))
        elif is_task:
            fields["unanswered"] = rng.random() < 0.7
        for n in range(1, rng.choice([1, 1, 2, 3]) if depth < DEPTH_MAX and not world.is_calm else 1):
            to = rng.choice(("a", "a", "b", "b", "c", "c", "d"))
            payload = StatusPayload(state=str(depth + 1))
            sends.append(Status(payload=payload, **follow(cause, n, sender=self.name, to=to, at=at)))
        if world.is_calm:
            fields["cancels"] = ("tick",)
        elif rng.random() < 0.15:
            fields |= self.extras(cause)
        state = {"after": cause.message_id} if rng.random() < 0.8 else None
        return Commit(**{"message_id": cause.message_id, "sends": tuple(sends), "state": state} | fields | given)

    def extras(self, cause):
        """What a turn asks for beside messages."""
        world, once = self.world, derive_id(cause.message_id, "once")
        tick = {"sender": self.name, "to": self.name, "timestamp": world.now, "trace_id": cause.trace_id}
        later = origin(message_id=once, sender=self.name, to=self.rng.choice([*world.specs]), at=world.now)
        named = Tick(
            payload=TimerPayload(name="tick", every_s=0.7), message_id=derive_id(cause.message_id, "tick"), **tick
        )
        return self.rng.choice([
            {"starts": (StartRequest(supervisor="root", spec=world.specs["d"]),)},
            {"stops": ("d",)},
            {"monitors": (self.rng.choice([*world.specs]),)},
            {"entries": (Entry(key="k", value=1),)},
            {"timers": (Timer(message=named, due=world.clock.time() + 0.7, after_s=0.7),)},
            {"timers": (Timer(message=Status(payload=StatusPayload(state="2"), **later), due=world.clock.time() + 1),)},
            {"cancels": ("tick", once)},
            {"ends": True},
        ])  # fmt: skip

    def fail(self, delivery, names=None, *, after_s=None, in_doubt=False):
        """The handler raises; where that is a crash, the process ends."""
        if self.spec.on_error == "crash":
            self.fall()
            return
        fields = {"names": names or self.rng.choice(RAISED), "after_s": after_s, "in_doubt": in_doubt}
        ref = self.next_ref()
        frame = FailTurn(ref=ref, message_id=delivery.message.message_id, error_type="ValueError", **fields)
        self.waits = ref, self.failed
        with self.world.witness.fails(self, frame):
            self.say(frame)

    def failed(self, answer):
        """It goes on behind the message, or forgets all that it was sent."""
        self.done = 0
        if answer.value:
            self.inbox.clear()
        else:
            self.inbox.popleft()

    def put_off(self, delivery):
        self.fail(delivery, after_s=0.5)

    def die(self, delivery):
        self.world.house.end(self, blamed=True)

    def break_protocol(self, delivery):
        """Say what no turn may say; it will not live long."""
        self.has_broken, message = True, delivery.message
        kind = self.rng.randrange(6)
        if kind == 0:
            self.say(Commit(message_id="no such message"))
        elif kind == 1:
            self.say(StepDone(ref=self.next_ref(), message_id="no such message", step=StepRecord(name="s")))
        elif kind == 2:
            self.commit(delivery, state=UNKEPT)
        elif kind == 3:
            forged = follow(message, 9, sender="nobody", to=CLIENT, at=self.world.now)
            self.commit(delivery, sends=(Status(payload=StatusPayload(state="2"), **forged),))
        elif kind == 4:
            self.commit(delivery)
            self.say(Commit(message_id=message.message_id))
        else:
            step = StepRecord(name="s", value=UNKEPT)
            self.asks(lambda ref: StepDone(ref=ref, message_id=message.message_id, step=step), lambda _: None)


WORK = (Process.step, Process.step, Process.pay, Process.pay, Process.ask, Process.ask, Process.read, Process.stream)
BAD = (*(Process.fail,) * 6, Process.put_off, Process.die, Process.die, Process.break_protocol)
CURSES = (Process.fail, Process.fail, Process.die)
