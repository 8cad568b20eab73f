"""A run in which everything happens that a store keeps, as a list of calls, so that it can also end earlier."""

from functools import partial
from threading import Event

from scr.charging import Charges
from scr.config import Limits
from scr.messages import CLIENT, RUNTIME, Down, Failure, Result, Task, derive_id, origin
from scr.protocol.frames import Commit, Entry, StartRequest, StepRecord, Timer
from scr.specs import AgentSpec, Code, SupervisorSpec
from scr.store.records import AskAnswer, CommittedTurn, DeadLetter, OpenAsk, Opening
from scr.store.sql import lease
from scr.store.sql.opening import open_store
from scr.telemetry.crashes import CrashRecord
from scr.telemetry.events import (
    AgentStarting,
    Logged,
    MessageAccepted,
    MessageBuried,
    Record,
    RuntimeUp,
    StepRecorded,
    TurnCommitted,
)


def spec(name):
    return AgentSpec(id=name, code=Code(reference=f"agents:{name.capitalize()}"), options={"of": name})


TREE = SupervisorSpec(id="root", strategy="one_for_one", children=(spec("a"), spec("b"), spec("c")))


def opened(url, run="story", tree=TREE):
    """The run, owned by this process; callbacks come on the thread that writes."""
    return open_store(
        url,
        Opening(run, "test", str(lease.this_process()), tree, title="a story"),
        call=lambda function: function(),
        lost=lambda error: None,
        changed=lambda status: None,
        limits=Limits(),
    )


def task(name, to, sender=CLIENT, text="work"):
    envelope = origin(message_id=name, sender=sender, to=to, at=7.5)
    return Task(payload={"task_id": name, "input": {"text": text}}, **envelope)


def result(name, to, sender, of):
    envelope = origin(message_id=name, sender=sender, to=to, at=8.5) | {"in_reply_to": of}
    return Result(payload={"task_id": of, "output": [1, "\N{SNOWMAN}", None]}, **envelope)


def failure(name, to, of):
    payload = {"message_id": of, "agent": "c", "reason": "quarantined"}
    return Failure(payload=payload, **origin(message_id=name, sender=RUNTIME, to=to, at=9.5))


def nothing():
    """Nobody waits."""


def exhume(name, store):
    """The store reads it: what comes next depends on it."""
    found = Event()
    store.exhume(name, lambda message: found.set())
    assert found.wait(10)


class Story:
    """The calls in order; `events` is how many of them are events so far."""

    def __init__(self):
        self.calls, self.events = [], 0

    def add(self, verb, *values, **named):
        self.calls.append(lambda store: getattr(store, verb)(*values, **named))

    def event(self, event):
        self.events += 1
        record = Record(
            seq=self.events, at=self.events / 8, time=100.0 + self.events, event=event, cause=self.events - 1
        )
        self.calls.append(partial(_append, record))

    def accepted(self, message, **named):
        self.add("accept", message, **named)
        self.event(
            MessageAccepted(message_id=message.message_id, type=message.type, sender=message.sender, to=message.to)
        )

    def turn(self, agent, message_id, incarnation=1, answers=(), **fields):
        frame = Commit(message_id=message_id, **fields)
        self.add("commit", CommittedTurn(agent, incarnation, frame, answers), nothing)
        self.event(TurnCommitted(message_id=message_id, agent=agent, incarnation=incarnation, sends=len(frame.sends)))
        for message in frame.sends:
            self.event(MessageAccepted(message_id=message.message_id, type=message.type, sender=agent, to=message.to))

    def admitted(self, agent, incarnation=1):
        self.event(AgentStarting(agent=agent, incarnation=incarnation, supervisor="root"))
        self.add("admit", spec(agent), "root", incarnation)

    def cuts(self):
        """After how many calls it may end so that the next would be an event, with the events until then."""
        events = 0
        for number, call in enumerate(self.calls):
            is_event = isinstance(call, partial) and call.func is _append
            if is_event and events:
                yield number, events
            events += is_event
        yield len(self.calls), events


def _append(record, store):
    store.append(record)


def story():
    """All of it."""
    it = Story()
    it.event(RuntimeUp(runtime="test", pid=1, epoch=1))
    for agent in "abc":
        it.admitted(agent)
    it.accepted(task("m1", "a"))
    it.turn(
        "a",
        "m1",
        state={"turns": 1},
        sends=(task("s1", "b", "a"), task("s2", "c", "a"), task("s3", "c", "a")),
        monitors=("b", "c"),
        entries=(Entry(key="sky", value="blue"), Entry(key="grass", value="green")),
        timers=(Timer(message=task("t1", "a", "a"), due=900.0), Timer(message=task("t2", "a", "a"), due=901.0)),
        starts=(StartRequest(supervisor="root", spec=spec("d")),),
    )
    asking(it)
    dying(it)
    waiting(it)
    return it


def asking(it):
    """A step, a question that is answered, one that nobody answers."""
    it.add("record", "s1", StepRecord(name="look", value={"found": 3}))
    it.event(StepRecorded(message_id="s1", agent="b", step="look"))
    question, other = task("q1", "c", "b"), task("q2", "c", "b")
    it.accepted(question, ask=OpenAsk("q1", "b", "s1", "ask", 950.0))
    it.accepted(other, ask=OpenAsk("q2", "b", "s1", "again", 951.0))
    step = StepRecord(name="ask", value=42)
    it.turn("c", "q1", sends=(result("r1", "b", "c", "q1"),), answers=(AskAnswer("r1", "q1", "s1", step),))
    it.add("close_ask", "q2")
    it.event(Logged(agent="b", text="nobody answers"))
    it.turn(
        "b", "s1", state="b was here", sends=(result("r2", "a", "b", "s1"),), entries=(Entry(key="sky", value="red"),)
    )
    it.turn("a", "r2", state={"turns": 2}, sends=(result("r3", CLIENT, "a", "m1"),), demonitors=("b",))


def dying(it):
    """A crash, a dead letter, and a second life of it; the start is carried out; an agent goes for good."""
    it.add("failed", "s2", 3, Charges(deaths=3), None)
    it.add("crash", CrashRecord(agent="c", incarnation=1, pid=3, reason="crashed", stderr="Segmentation fault"))
    it.admitted("c", 2)
    letter = DeadLetter(task("s2", "c", "a"), "quarantined", "three times", 3, 110.0)
    it.event(MessageBuried(message_id="s2", type="task", to="c", reason="quarantined", deliveries=3))
    it.add("bury", letter, failure("f1", "a", "s2"))
    it.event(Logged(agent="a", text="it is dead"))
    it.turn("a", "f1", state={"turns": 3})
    it.admitted("d")
    it.add("carried", derive_id("m1", "start 0"))
    it.event(Logged(agent="d", text="here"))
    it.calls.append(partial(exhume, "s2"))
    it.event(Logged(agent="a", text="it lives"))
    it.turn("c", "s2", incarnation=2)
    it.event(Logged(agent="c", text="that is all"))
    it.add("gone", "c")
    it.event(Logged(agent="a", text="gone"))
    down = origin(message_id="down", sender=RUNTIME, to="a", at=10.0)
    it.accepted(Down(payload={"agent": "c", "reason": "normal"}, **down))


def waiting(it):
    """Timers, steps in doubt, what is cancelled, what is still open."""
    it.event(Logged(agent="a", text="it is time"))
    it.add("fire", "t1", nothing)
    it.event(MessageAccepted(message_id="t1", type="task", sender="a", to="a"))
    it.turn("a", "t1", state={"turns": 4}, cancels=("t2",))
    it.accepted(task("m2", "b"))
    it.add("record", "m2", StepRecord(name="pay", state="begun"))
    it.event(StepRecorded(message_id="m2", agent="b", step="pay"))
    it.add("park", "m2", "pay")
    it.event(Logged(agent="b", text="was it paid?"))
    it.add("resolve", "m2", StepRecord(name="pay", value="receipt"), "pay", nothing)
    it.accepted(task("m3", "b"))
    it.add("cancel", "m3", nothing)
    it.event(Logged(agent="b", text="never mind"))
    it.turn("b", "m2", monitors=("a",))
    it.accepted(task("m4", "b"))
    it.add("record", "m4", StepRecord(name="pay", state="begun"))
    it.event(Logged(agent="b", text="again"))


def told(url, run="story", calls=None):
    """The run in the store, as after so many of its calls, and given up."""
    store = opened(url, run)
    for call in story().calls[:calls]:
        call(store)
    store.close()


def image_of(url, run):
    """What a runtime would begin from."""
    store = opened(url, run)
    store.close()
    return store.image
