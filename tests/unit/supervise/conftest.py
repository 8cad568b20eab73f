"""A world for the policy to rehearse in: it obeys, unless a test says who does not."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import count

import pytest

from scr.messages import ExitReason
from scr.specs import AgentSpec, Code, SupervisorSpec
from scr.supervise.facts import (
    ChildExited,
    ChildIgnored,
    ChildStartFailed,
    DeleteChild,
    EndTree,
    RecycleChild,
    RestartChild,
    StartChild,
    Started,
    TerminateChild,
    TimePassed,
)
from scr.supervise.orders import (
    CallDone,
    CallRefused,
    Finish,
    GaveUp,
    Gone,
    KillProcess,
    Reply,
    StartProcess,
    StopProcess,
    Unkillable,
)
from scr.supervise.policy import decide
from scr.supervise.queries import deadline, which_children
from scr.supervise.tree import Tree

CODE = Code(reference="house.agents:Worker")


def agent(name, **fields):
    return AgentSpec(id=name, code=CODE, **fields)


def supervisor(name, children=(), *, strategy="one_for_one", **fields):
    specs = tuple(agent(child) if isinstance(child, str) else child for child in children)
    return SupervisorSpec(id=name, strategy=strategy, children=specs, **fields)


@dataclass
class Script:
    """Plays an obedient world and writes down what was ordered, one short line each."""

    tree: Tree
    now: float = 0.0
    slow: set = field(default_factory=set)  # never answer to a start
    deaf: set = field(default_factory=set)  # do not obey a stop
    immortal: set = field(default_factory=set)  # do not obey a kill
    fails: dict = field(default_factory=dict)  # id -> how many of the next starts fail
    ignores: set = field(default_factory=set)  # choose not to start
    last_words: dict = field(default_factory=dict)  # id -> the reason given when stopped
    live: dict = field(default_factory=dict)  # id -> incarnation with a process
    starts: list = field(default_factory=list)
    orders: list = field(default_factory=list)
    open_calls: set = field(default_factory=set)
    tokens: count = field(default_factory=count)

    agent = staticmethod(agent)
    supervisor = staticmethod(supervisor)

    @classmethod
    def of(cls, children=(), *, begin=True, world=None, **fields):
        script = cls(Tree.of(supervisor("root", children, **fields)), **(world or {}))
        if begin:
            script.tick()
        return script

    @classmethod
    def pool(cls, **fields):
        """A root with a dynamic supervisor `pool`, and a static sibling after it."""
        return cls.of([supervisor("pool", dynamic=True, **fields), "z"])

    def tell(self, fact):
        """The lines that this fact and the world's answers bring."""
        lines, facts = [], deque([fact])
        while facts:
            self.tree, orders = decide(self.tree, facts.popleft())
            for order in orders:
                self.orders.append(order)
                lines.append(self._line(order))
                facts.extend(self._obey(order))
        return lines

    def _line(self, order):
        match order:
            case StartProcess() | StopProcess() | KillProcess() | Unkillable():
                return f"{type(order).__name__.removesuffix('Process').lower()} {order.id}"
            case Gone():
                return f"gone {order.id} {order.reason}"
            case GaveUp():
                return f"gave_up {order.supervisor}"
            case Finish():
                assert not self.live.keys() - self.immortal, f"finished with {self.live} alive"
                return f"finish {order.reason}"
            case Reply(call, CallDone(name)):
                self.open_calls.remove(call)
                return f"done {name}"
            case Reply(call, CallRefused(code)):
                self.open_calls.remove(call)
                return f"refused {code}"

    def _obey(self, order):
        match order:
            case StartProcess(name, incarnation, spec):
                assert name not in self.live, f"two live incarnations of {name}"
                self.live[name] = incarnation
                self.starts.append(spec)
                if self.fails.get(name, 0):
                    self.fails[name] -= 1
                    yield self.died(ChildStartFailed(name, incarnation, self.now, f"{name} cannot start"))
                elif name in self.ignores:
                    yield self.died(ChildIgnored(name, incarnation, self.now))
                elif name not in self.slow:
                    yield Started(name, incarnation, self.now)
            case StopProcess(name, incarnation) if name not in self.deaf:
                reason = self.last_words.get(name, ExitReason.SHUTDOWN)
                yield self.died(ChildExited(name, incarnation, self.now, reason))
            case KillProcess(name, incarnation) if name not in self.immortal and self.live.get(name) == incarnation:
                yield self.died(ChildExited(name, incarnation, self.now, ExitReason.KILLED))

    def died(self, fact):
        del self.live[fact.id]
        return fact

    # What a test may do.

    def tick(self, at=None):
        self.now = self.now if at is None else at
        return self.tell(TimePassed(self.now))

    def exit(self, name, reason="error", at=None, detail=""):
        self.now = self.now if at is None else at
        return self.tell(self.died(ChildExited(name, self.live[name], self.now, ExitReason(reason), detail)))

    def started(self, name):
        return self.tell(Started(name, self.live[name], self.now))

    def start_failed(self, name):
        return self.tell(self.died(ChildStartFailed(name, self.live[name], self.now, "late")))

    def shutdown(self, reason="requested", within_s=None):
        return self.tell(EndTree(self.now, reason, within_s))

    def call(self, kind, *args, **fields):
        token = f"call {next(self.tokens)}"
        self.open_calls.add(token)
        return self.tell(kind(self.now, token, *args, **fields))

    def start_child(self, parent, spec, **fields):
        return self.call(StartChild, parent, agent(spec) if isinstance(spec, str) else spec, **fields)

    def terminate(self, name, **fields):
        return self.call(TerminateChild, name, **fields)

    def restart(self, name, **fields):
        return self.call(RestartChild, name, **fields)

    def recycle(self, name, **fields):
        return self.call(RecycleChild, name, **fields)

    def delete(self, name, **fields):
        return self.call(DeleteChild, name, **fields)

    # What a test may see.

    def phases(self, parent="root"):
        return {child.id: str(child.phase) for child in which_children(self.tree, parent)}

    def running(self):
        """Agents with a process, sorted."""
        return sorted(self.live)

    @property
    def due(self):
        return deadline(self.tree)

    def outcome(self):
        """The answer to the last call that was answered."""
        return next(order.outcome for order in reversed(self.orders) if isinstance(order, Reply))

    def causes(self, name):
        """The chain of causes of the last time that a supervisor gave up."""
        return next(o.causes for o in reversed(self.orders) if isinstance(o, GaveUp) and o.supervisor == name)


@pytest.fixture
def script():
    return Script
