"""Random histories of one run in SQLite and in memory: after every crash the two are the same.

What was acknowledged is there; what was not may be, but then with all before it.
"""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from scr.charging import Charges
from scr.config import Limits
from scr.protocol.frames import Entry, StartRequest, StepRecord, Timer
from scr.store.memory import MemoryStore
from scr.store.records import AskAnswer, DeadLetter, OpenAsk
from scr.telemetry.events import Logged, Record
from tests.contract.store_harness import Bench, answer, comparable, dead_in, down, failure, spec, task, turn

FAST = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
AGENTS = st.sampled_from("abc")
PICK = st.integers(0, 1000)
FLAG = st.booleans()
LIMITS = Limits(dead_letters=1000, crashes=5, stop_s=20)


class Stores(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=FAST, prefix="scr-machine-")
        self.bench = Bench(f"sqlite:///{self.folder.name}/store.db?durability=process", limits=LIMITS)
        self.memory = MemoryStore(1000, 5)
        self.number, self.seq = 0, 0
        self.presents = [self.memory.present()]

    def teardown(self):
        self.bench.close()
        self.folder.cleanup()

    # What is done is done to both.

    def both(self, verb, *given, **fields):
        getattr(self.bench.store, verb)(*given, **fields)
        getattr(self.memory, verb)(*given, **fields)
        self.presents.append(self.memory.present())

    def fresh(self, prefix="m"):
        self.number += 1
        return f"{prefix}{self.number}"

    def opened(self, pick):
        """The id of an open message."""
        kept = self.memory.present().mail
        return kept[pick % len(kept)].message if kept else None

    @initialize()
    def agents(self):
        for agent in "abc":
            self.both("admit", spec(agent), "root", 1)

    @rule(sender=AGENTS, to=AGENTS, value=st.text(max_size=20))
    def accept(self, sender, to, value):
        self.both("accept", task(self.fresh(), sender=sender, to=to, value=value))

    @rule(pick=PICK)
    def accept_again(self, pick):
        if message := self.opened(pick):
            self.both("accept", message)

    @rule(pick=PICK, agent=AGENTS, state=st.none() | st.integers(), sends=st.integers(0, 3), key=st.sampled_from("xyz"))
    def commit(self, pick, agent, state, sends, key):
        if message := self.opened(pick):
            sent = tuple(task(self.fresh("s"), sender=agent, to="a") for _ in range(sends))
            reply = (answer(self.fresh("r"), message.message_id),)
            entries = (Entry(key=key, value=state),) if state else ()
            done = turn(message.message_id, agent, state=state, sends=sent + reply, entries=entries)
            self.both("commit", done, then=lambda: None)

    @rule(pick=PICK, agent=AGENTS, other=AGENTS, cancelled=PICK, undo=FLAG)
    def commit_more(self, pick, agent, other, cancelled, undo):
        message, present = self.opened(pick), self.memory.present()
        if message is None:
            return
        timers = present.timers
        fields = {
            "monitors": () if undo else (other,),
            "demonitors": (other,) if undo else (),
            "starts": (StartRequest(supervisor="root", spec=spec("w")),),
            "stops": (other,),
            "timers": (Timer(message=task(self.fresh("t")), due=float(pick), after_s=1.0 if undo else None),),
            "cancels": (timers[cancelled % len(timers)].message.message_id,) if timers and undo else (),
        }
        self.both("commit", turn(message.message_id, agent, **fields), then=lambda: None)

    @rule(pick=PICK, name=st.sampled_from("pq"), is_done=FLAG, value=st.integers())
    def record(self, pick, name, is_done, value):
        if message := self.opened(pick):
            step = StepRecord(name=name, value=value) if is_done else StepRecord(name=name, state="begun")
            self.both("record", message.message_id, step)

    @rule(pick=PICK)
    def ask(self, pick):
        if message := self.opened(pick):
            question = task(self.fresh("q"), to="c")
            ask = OpenAsk(question.message_id, message.to, message.message_id, "ask", float(pick))
            self.both("accept", question, ask=ask)

    @rule(pick=PICK, is_answered=FLAG)
    def answer_or_close(self, pick, is_answered):
        asks = self.memory.present().asks
        if not asks:
            return
        ask = asks[pick % len(asks)]
        if is_answered and ask.message_id in {kept.message.message_id for kept in self.memory.present().mail}:
            reply = task(self.fresh("a"), sender="c", to=ask.agent, reply=ask.message_id)
            told = AskAnswer(reply.message_id, ask.message_id, ask.asked_in, StepRecord(name=ask.step, value=pick))
            self.both("commit", turn(ask.message_id, "c", (told,), sends=(reply,)), then=lambda: None)
        else:
            self.both("close_ask", ask.message_id)

    @rule(pick=PICK, deaths=st.integers(0, 5))
    def fail(self, pick, deaths):
        if message := self.opened(pick):
            self.both("failed", message.message_id, deaths + 1, Charges(deaths=deaths), None)

    @rule(pick=PICK, is_told=FLAG)
    def bury(self, pick, is_told):
        if message := self.opened(pick):
            letter = DeadLetter(message, "quarantined", "", 3)
            self.both("bury", letter, failure(self.fresh("f"), message.message_id) if is_told else None)

    @rule(pick=PICK)
    def exhume(self, pick):
        letters = dead_in(self.memory)
        if letters:
            self.acknowledge()
            message_id = letters[pick % len(letters)].message.message_id
            self.both("exhume", message_id, then=lambda _: None)
            self.acknowledge()

    @rule(pick=PICK, name=st.sampled_from("pq"))
    def park(self, pick, name):
        if message := self.opened(pick):
            self.both("park", message.message_id, name, f"{name} has no end")

    @rule(pick=PICK, name=st.sampled_from("pq"), is_done=FLAG)
    def resolve(self, pick, name, is_done):
        if message := self.opened(pick):
            step = StepRecord(name=name, value=pick) if is_done else None
            self.both("resolve", message.message_id, step, name, then=lambda: None)

    @rule(pick=PICK)
    def cancel(self, pick):
        if message := self.opened(pick):
            self.both("cancel", message.message_id, then=lambda: None)

    @rule(pick=PICK, again=FLAG)
    def fire(self, pick, again):
        following = Timer(message=task(self.fresh("t")), due=float(pick)) if again else None
        if timers := self.memory.present().timers:
            timer_id = timers[pick % len(timers)].message.message_id
            self.both("fire", timer_id, then=lambda: None, following=following)

    @rule(pick=PICK)
    def set_timers(self, pick):
        ended = [timer.message.message_id for timer in self.memory.present().timers[:pick]]
        self.both("set_timers", (Timer(message=task(self.fresh("t")), due=float(pick)),), ended)

    @rule(agent=AGENTS, incarnation=st.integers(1, 9))
    def admit(self, agent, incarnation):
        self.both("admit", spec(agent), "root", incarnation)

    @rule(agent=AGENTS, watcher=AGENTS)
    def gone(self, agent, watcher):
        self.both("gone", agent)
        self.both("accept", down(self.fresh("d"), watcher, agent))

    @rule(pick=PICK)
    def carry(self, pick):
        if effects := self.memory.present().effects:
            self.both("carried", effects[pick % len(effects)].effect_id)

    @rule()
    def append(self):
        self.seq += 1
        self.both("append", Record(seq=self.seq, at=1.0, time=1.0, event=Logged(agent="b", text="x")))

    # What happens to the runtime.

    @rule()
    def acknowledge(self):
        self.bench.settle()
        self.presents = self.presents[-1:]

    @rule()
    def close(self):
        image = self.bench.reopened()
        self.presents = self.presents[-1:]
        assert comparable(image) == comparable(self.presents[0])
        self.begin(image)

    @rule()
    def crash(self):
        """The next owner comes while the last one is still writing; what that one writes from then on is refused."""
        image = self.bench.open().image
        self.bench.store = self.bench.stores[-1]
        assert comparable(image) in [comparable(present) for present in self.presents]
        assert self.bench.store.counts().open_messages == len(image.mail)
        self.begin(image)

    def begin(self, image):
        """The model goes on from there; of its dead letters, with those that are still dead."""
        self.seq = image.seq
        dead = {letter.message.message_id for letter in self.bench.dead()}
        known = {message_id: letter for message_id, letter in self.memory._dead.items() if message_id in dead}
        self.memory = MemoryStore(1000, 5, image)
        self.memory._dead = known
        self.presents = [self.memory.present()]

    @invariant()
    def both_count_the_same(self):
        counts, model = self.bench.store.counts(), self.memory.counts()
        assert (counts.open_messages, counts.parked) == (model.open_messages, model.parked)
        assert self.bench.store.entries_version == self.memory.entries_version


TestStores = Stores.TestCase
TestStores.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
