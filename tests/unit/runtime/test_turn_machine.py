"""Random histories of turns, with agents and runtimes that die at any point: every message is handled exactly once.

The store keeps what it is given some time later, in order; what it has not kept when the runtime dies is lost.
"""

from collections import Counter, deque
from functools import partial
from types import SimpleNamespace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from scr.messages import CLIENT, Status, StatusPayload, Task, TaskPayload, follow, origin
from scr.protocol.frames import Commit, Deliver, FailTurn, StepBegun, StepDone, StepRecord
from scr.retry import ErrorInfo, Retry
from scr.runtime.dispatch.failures import IncarnationFailure
from scr.runtime.dispatch.turns import Turns
from scr.runtime.recovery import restore
from scr.specs import AgentSpec, Code, SupervisorSpec
from scr.store.memory import MemoryStore
from scr.telemetry.sinks import EventLog

NAMES = "abc"
AGENTS = st.sampled_from(NAMES)
PICK = st.integers(0, 5)
TREE = SupervisorSpec(
    id="root",
    strategy="one_for_one",
    children=tuple(
        AgentSpec(
            id=name,
            code=Code(reference=f"agents:{name}"),
            on_error="retry",
            retry=Retry(attempts=1000),
            fresh_process=name != "b",
        )
        for name in NAMES
    ),
)
TIMER = SimpleNamespace(cancel=lambda: None, when=lambda: 0.0)
LOOP = SimpleNamespace(call_later=lambda *_: TIMER, call_at=lambda *_: TIMER, time=lambda: 0.0)
KILLED = ErrorInfo(type="killed")
WRITES = ("accept", "commit", "record", "failed", "bury", "cancel", "append", "find", "close_ask")


class LateStore:
    """A store that keeps writes only when it is told to."""

    def __init__(self, memory, turns_kept):
        self.memory, self.image = memory, memory.present()
        self.pending = deque()
        self._turns_kept = turns_kept

    def __getattr__(self, verb):
        if verb not in WRITES:
            return getattr(self.memory, verb)
        return lambda *given, **fields: self.pending.append((verb, given, fields))

    def keep(self, count):
        for _ in range(min(count, len(self.pending))):
            verb, given, fields = self.pending.popleft()
            if verb == "commit":
                self._turns_kept.append(given[0])
            getattr(self.memory, verb)(*given, **fields)


def refuses(error):
    raise AssertionError(error)


class Agent:
    """An agent's process: handles what it was sent in order."""

    is_read = True

    def __init__(self, incarnation):
        self.incarnation, self.inbox, self.asks, self.paid = incarnation, deque(), None, set()

    @property
    def delivery(self):
        return self.inbox[0] if self.inbox else None

    def send(self, frame):
        assert isinstance(frame, Deliver)
        self.inbox.append(frame)

    send_next = send


class Nobody:
    """In place of supervision and care: nothing is started, nobody is distrusted; who waits for a step is answered."""

    def __init__(self, answered=lambda *_: None):
        self.tell, self.recycled = answered, []

    def recycle(self, agent):
        self.recycled.append(agent)

    def deadline_s(self, *_):
        return 1.0

    def distrust(self, agent, incarnation, why):
        raise AssertionError(why)

    def idle(self, *_):
        pass

    busy = wait = go_on = begin_wait = end_wait = raised = idle


class Machine(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.kept_turns, self.submitted, self.acked = [], {}, set()
        self.numbers, self.incarnation, self.effects = Counter(), 0, Counter()
        self.memory = MemoryStore()
        for spec in TREE.children:
            self.memory.admit(spec, "root", 1)
        self.start_runtime()

    def start_runtime(self):
        self.store = LateStore(self.memory, self.kept_turns)
        events = EventLog(lambda: (0.0, 0.0), 10, self.store.append)
        self.nobody = nobody = Nobody(self.answered)
        self.turns = Turns(LOOP, self.store, events, nobody, nobody, memory=None)
        restore(self.store.image, self.turns, None, TREE)
        self.agents = {}
        for name in NAMES:
            self.start_agent(name)

    def start_agent(self, name):
        self.incarnation += 1
        self.agents[name] = Agent(self.incarnation)
        self.turns.up(name, self.incarnation, self.agents[name])

    def number(self, sender, to):
        self.numbers[sender, to] += 1
        return self.numbers[sender, to]

    @rule(to=AGENTS)
    def submit(self, to):
        message_id = f"m{len(self.submitted)}"
        envelope = origin(message_id=message_id, sender=CLIENT, to=to, at=0.0)
        self.submitted[message_id] = Task(payload=TaskPayload(task_id=message_id), **envelope)
        self.send(message_id, again=False)

    def send(self, message_id, *, again):
        message, kept = self.submitted[message_id], partial(self.acked.add, message_id)
        self.turns.post.submit(message, kept, refuses, again=again)

    @rule(pick=PICK)
    def submit_again(self, pick):
        if self.submitted:
            self.send(f"m{pick % len(self.submitted)}", again=True)

    @rule(count=st.integers(1, 12))
    def keep(self, count):
        self.store.keep(count)

    def at_work(self, pick):
        """An agent that has a message, if there is one."""
        busy = [name for name in NAMES if self.agents[name].delivery and not self.agents[name].asks]
        return busy[pick % len(busy)] if busy else None

    @rule(pick=PICK, to=st.lists(AGENTS, max_size=2))
    def one_commits(self, pick, to):
        if name := self.at_work(pick):
            self.commit(name, to)

    def commit(self, name, to):
        cause = self.agents[name].inbox.popleft().message
        depth = int(cause.payload.state) if isinstance(cause, Status) else 0
        sends = [
            Status(
                payload=StatusPayload(state=str(depth + 1)),
                **follow(cause, n, sender=name, to=other, at=float(self.number(name, other))),
            )
            for n, other in enumerate(to if depth < 3 else [])
        ]
        state = {"handled": cause.message_id}
        frame = Commit(message_id=cause.message_id, sends=tuple(sends), state=state)
        self.turns.receive_frame(name, self.agents[name].incarnation, frame)

    @rule(pick=PICK)
    def one_records_a_step(self, pick):
        name = self.at_work(pick)
        if name is None or self.agents[name].delivery.steps:
            return
        delivery = self.agents[name].delivery
        step = StepRecord(name="step", value=1)
        done = StepDone(ref=1, message_id=delivery.message.message_id, step=step)
        self.turns.receive_frame(name, self.agents[name].incarnation, done)

    @rule(pick=PICK)
    def one_pays_once(self, pick):
        """That it begins must be in the store first; who finds that another has begun looks whether it was done."""
        name = self.at_work(pick)
        if name is None or self.agents[name].delivery.message.message_id in self.agents[name].paid:
            return
        agent = self.agents[name]
        message_id = agent.delivery.message.message_id
        known = {step.name: step.state for step in agent.delivery.steps}.get("pay")
        if known is None:
            agent.asks = message_id
            begun = StepBegun(ref=2, message_id=message_id, name="pay")
            self.turns.receive_frame(name, agent.incarnation, begun)
        elif known == "begun" and not self.effects[message_id]:
            self.pay(name, message_id)

    @rule(pick=PICK, outage=st.booleans())
    def one_fails(self, pick, outage):
        """Nothing of the turn happens; what was sent ahead comes again, to this process or to a fresh one."""
        name = self.at_work(pick)
        if name is None:
            return
        agent = self.agents[name]
        failed = FailTurn(
            ref=3,
            message_id=agent.delivery.message.message_id,
            names=("ValueError",),
            after_s=1.0 if outage else None,
            error_type="ValueError",
        )
        self.turns.receive_frame(name, agent.incarnation, failed)
        while self.nobody.recycled:
            self.replace(self.nobody.recycled.pop())

    @rule(pick=PICK)
    def the_time_of_a_retry_comes(self, pick):
        waiting = [(name, held.message_id) for name in NAMES for held in self.turns.router.held(name)]
        if waiting:
            self.turns.mail.try_again(*waiting[pick % len(waiting)])

    def replace(self, name, *, blamed=False):
        self.turns.died(IncarnationFailure(name, self.agents[name].incarnation, KILLED), blamed=blamed)
        self.start_agent(name)

    def answered(self, name, incarnation, answer):
        agent = self.agents[name]
        if answer.ref == 3 and agent.incarnation == incarnation:
            agent.inbox = deque() if answer.value else deque(list(agent.inbox)[1:])
        if answer.ref == 2 and agent.incarnation == incarnation and agent.asks:
            message_id, agent.asks = agent.asks, None
            self.pay(name, message_id)

    def pay(self, name, message_id):
        agent = self.agents[name]
        agent.paid.add(message_id)
        self.effects[message_id] += 1
        done = StepDone(ref=1, message_id=message_id, step=StepRecord(name="pay", value=1))
        self.turns.receive_frame(name, agent.incarnation, done)

    @invariant()
    def nobody_pays_twice(self):
        assert not [message_id for message_id, times in self.effects.items() if times > 1]

    @rule(name=AGENTS, commits_first=st.booleans())
    def an_agent_dies(self, name, commits_first):
        if commits_first and self.agents[name].delivery and not self.agents[name].asks:
            self.commit(name, [])
        self.replace(name)

    @rule(name=AGENTS, begun=st.integers(0, 3))
    def an_agent_is_told_to_stop_and_does_so_after_some_more(self, name, begun):
        self.turns.pause(name)
        for _ in range(0 if self.agents[name].asks else min(begun, len(self.agents[name].inbox))):
            self.commit(name, [])
        self.replace(name)

    @rule()
    def the_runtime_dies(self):
        self.start_runtime()

    @invariant()
    def no_turn_is_kept_twice(self):
        handled = Counter(turn.frame.message_id for turn in self.kept_turns)
        assert not [message_id for message_id, times in handled.items() if times > 1]

    def teardown(self):
        if not self.submitted:
            return
        self.start_runtime()
        for message_id in self.submitted:
            self.send(message_id, again=True)
        while self.store.pending or any(
            self.turns.router.depth(name) + self.turns.router.retries(name) for name in NAMES
        ):
            self.keep(100)
            for name in NAMES:
                for held in self.turns.router.held(name):
                    self.turns.mail.try_again(name, held.message_id)
            while name := self.at_work(0):
                self.commit(name, [])
        self.check()

    def check(self):
        handled = [turn.frame.message_id for turn in self.kept_turns]
        sent = [message.message_id for turn in self.kept_turns for message in turn.frame.sends]
        assert sorted(handled) == sorted([*self.submitted, *sent]), "each exactly once, and nothing else"
        assert not self.memory.present().mail
        at = {message_id: place for place, message_id in enumerate(handled)}
        for pair in {(message.sender, message.to) for turn in self.kept_turns for message in turn.frame.sends}:
            places = [
                at[message.message_id]
                for turn in self.kept_turns
                for message in turn.frame.sends
                if (message.sender, message.to) == pair
            ]
            assert places == sorted(places), f"order between {pair}"
        last = {turn.agent: turn.frame.state for turn in self.kept_turns}
        assert {name: self.turns.state_of(name) for name in last} == last


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestTurns = Machine.TestCase


def test_that_a_step_begins_is_relied_on_by_nobody_before_it_is_kept():
    """Found by a campaign: the next incarnation was told of it, looked outside, paid, and the runtime died."""
    machine = Machine()
    machine.begin()
    machine.submit("a")
    machine.keep(12)
    machine.one_pays_once(0)
    machine.an_agent_dies("a", commits_first=False)
    assert not machine.agents["a"].delivery, "the message waits until it is known what is kept"
    machine.one_pays_once(0)
    machine.the_runtime_dies()
    machine.one_pays_once(0)
    machine.keep(12)
    assert machine.effects == {"m0": 1}


def test_whoever_comes_next_is_told_what_was_on_its_way_into_the_store():
    machine = Machine()
    machine.begin()
    machine.submit("a")
    machine.keep(12)
    machine.one_pays_once(0)
    machine.an_agent_dies("a", commits_first=False)
    machine.keep(12)
    assert [(step.name, step.state) for step in machine.agents["a"].delivery.steps] == [("pay", "begun")]
    machine.one_pays_once(0)
    machine.an_agent_dies("a", commits_first=False)
    machine.keep(12)
    assert [(step.name, step.state) for step in machine.agents["a"].delivery.steps] == [("pay", "done")]
    assert machine.effects == {"m0": 1}
