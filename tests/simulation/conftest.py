"""A hostile world in virtual time, for the policy to live in.

Everything is drawn from one seed: the tree, who crashes when, who never
answers, who will not die, what is asked for by hand.  A witness looks on.
"""

from __future__ import annotations

import heapq
import sys
import time
from functools import partial
from random import Random

import pytest

from scr.messages import ExitReason
from scr.specs import AgentSpec, AutoShutdown, Backoff, Code, Restart, Strategy, SupervisorSpec, walk
from scr.supervise import facts
from scr.supervise.orders import Finish, KillProcess, Reply, StartProcess, StopProcess, Unkillable
from scr.supervise.policy import decide
from scr.supervise.queries import deadline
from scr.supervise.tree import Tree
from tests.simulation.turns_world import clock

CODE = Code(reference="house.agents:Worker")
REASONS = [ExitReason.NORMAL, ExitReason.SHUTDOWN, ExitReason.ERROR, ExitReason.ERROR, ExitReason.KILLED]
STEPS_MAX = 20_000
MEDDLING = [
    *(facts.StartChild, facts.StartChild, facts.TerminateChild, facts.RestartChild, facts.DeleteChild),
    *(facts.RecycleChild, facts.ChildExited, facts.Started, facts.ParkAgent),
]


class Forest:
    """Random specifications with ids that are never used twice, unless on purpose."""

    def __init__(self, rng):
        self.rng, self.count = rng, 0

    def name(self, kind):
        self.count += 1
        return f"{kind}{self.count}"

    def agent(self, mode=AutoShutdown.NEVER, within_s=1.0):
        draw, restart = self.rng.random, self.rng.choice(list(Restart))
        significant = mode is not AutoShutdown.NEVER and restart is not Restart.PERMANENT and draw() < 0.5
        return AgentSpec(
            id=self.name("a"),
            code=CODE,
            restart=restart,
            shutdown_s=self.rng.choice([0.5, 2.0, 0, "kill", "infinity"]),
            start_timeout_s=1.0,
            significant=significant,
            backoff=Backoff(base_s=0.05, cap_s=within_s / 10, reset_after_s=5.0) if draw() < 0.2 else None,
            park=not significant and draw() < 0.15,
        )

    def supervisor(self, depth, above=AutoShutdown.NEVER, name=None):
        rng, within_s = self.rng, self.rng.choice([1.0, 5.0])
        restart = rng.choice(list(Restart))
        fields = {
            "id": name or self.name("s"),
            "max_restarts": rng.choice([0, 1, 3, 10]),
            "within_s": within_s,
            "restart": restart,
            "park": False,
        }
        if name is None and rng.random() < 0.25:
            return SupervisorSpec(strategy=Strategy.ONE_FOR_ONE, dynamic=True, max_children=5, **fields)
        mode = rng.choice(list(AutoShutdown)) if rng.random() < 0.4 else AutoShutdown.NEVER
        significant = above is not AutoShutdown.NEVER and restart is not Restart.PERMANENT and rng.random() < 0.3
        children = tuple(
            self.supervisor(depth - 1, mode) if depth and rng.random() < 0.35 else self.agent(mode, within_s)
            for _ in range(rng.randint(1 if depth else 0, 4))
        )
        return SupervisorSpec(
            strategy=rng.choice(list(Strategy)),
            children=children,
            auto_shutdown=mode,
            significant=significant,
            **fields,
        )


class World:
    """One history.  `run` lives through it; the witness raises at the first broken promise."""

    def __init__(self, seed, witness):
        self.rng = rng = Random(seed)
        self.forest = Forest(rng)
        root = self.forest.supervisor(2, name="root")
        self.tree, self.specs = Tree.of(root), [*walk(root)]
        self.now, self.sequence, self.queue, self.log = 0.0, 0, [], []
        self.live, self.asked, self.abandoned = {}, {}, {}  # id -> incarnation
        self.last = {}  # id -> the newest incarnation
        self.open_calls, self.finished, self.killing_all = {}, None, False
        self.hostility = rng.choice([0.0, 0.05, 0.3, 0.7])
        self.calm_at, self.end_at = rng.uniform(1, 12), (20.0 if rng.random() < 0.6 else None)
        self.witness = witness(self)

    # Time.

    def later(self, delay, act):
        self.sequence += 1
        heapq.heappush(self.queue, (self.now + delay, self.sequence, act))

    def run(self):
        for _ in range(30 if self.rng.random() < 0.15 else self.rng.randint(0, 8)):
            self.later(self.rng.uniform(0, self.calm_at), self.meddle)
        if self.end_at:
            self.later(self.end_at, self.end)
        self.feed(facts.TimePassed(0.0))
        for _ in range(STEPS_MAX):
            due = deadline(self.tree)
            if self.queue and (due is None or self.queue[0][0] <= due):
                self.now, _, act = heapq.heappop(self.queue)
                act()
            elif due is not None:
                self.now = max(self.now, due)
                self.feed(facts.TimePassed(self.now))
                after = deadline(self.tree)
                assert after is None or after > self.now, f"the deadline {due} leads nowhere"
            else:
                self.witness.settled()
                return self.finished.reason if self.finished else "settled"
        raise AssertionError("it did not settle")

    def is_hostile(self, share=1.0):
        return self.now < self.calm_at and self.rng.random() < self.hostility * share

    # Facts.

    def feed(self, fact):
        before = self.tree
        self.tree, orders = decide(before, fact)
        self.log.append((round(self.now, 3), fact, orders))
        if self.rng.random() < 0.02:
            assert decide(before, fact) == (self.tree, orders), "the same fact was decided in two ways"
        self.witness.decided(before, fact, orders)
        for order in orders:
            assert self.finished is None or isinstance(order, Reply), f"{order} after the finish"
            self.witness.ordered(order)
            self.obey(order)
        self.witness.obeyed()

    def down(self, name, incarnation, fact):
        """The process ends now, if it has not ended before."""
        if self.live.get(name) == incarnation:
            del self.live[name]
            self.asked.pop(name, None)
        elif self.abandoned.get(name) == incarnation:
            del self.abandoned[name]
        else:
            return
        self.feed(fact(name, incarnation, self.now))

    def exit(self, name, incarnation, reason):
        explained = reason is ExitReason.KILLED and self.rng.random() < 0.5
        self.down(name, incarnation, lambda n, i, at: facts.ChildExited(n, i, at, reason, explained=explained))

    def up(self, name, incarnation):
        """It says that it is ready, though that may be too late."""
        self.feed(facts.Started(name, incarnation, self.now))
        if self.live.get(name) == incarnation and self.is_hostile():
            self.later(self.rng.random() * 3, partial(self.exit, name, incarnation, self.rng.choice(REASONS)))

    def end(self):
        within_s = self.rng.choice([None, None, 0.0, 1.0])
        self.killing_all = within_s is not None
        self.feed(facts.EndTree(self.now, "the end", within_s))

    # Orders.

    def obey(self, order):
        match order:
            case StartProcess(name, incarnation):
                self.begin(name, incarnation)
            case StopProcess(name, incarnation):
                assert self.live.get(name) == incarnation, f"{order} of what is not there"
                self.asked[name] = incarnation
                is_patient = self.tree.children[name].spec.shutdown_s == "infinity"
                if is_patient or self.rng.random() < 0.8:
                    reason = self.rng.choice(REASONS) if self.rng.random() < 0.2 else ExitReason.SHUTDOWN
                    self.later(self.rng.random() * 3, partial(self.exit, name, incarnation, reason))
            case KillProcess(name, incarnation):
                assert self.live.get(name) == incarnation, f"{order} of what is not there"
                delay = self.rng.uniform(4, 30) if self.is_hostile(0.3) else 0.01
                self.later(delay, partial(self.exit, name, incarnation, ExitReason.KILLED))
            case Unkillable(name, incarnation):
                assert self.live.pop(name) == incarnation
                self.abandoned[name] = incarnation
                self.asked.pop(name, None)
            case Reply(call):
                del self.open_calls[call]
            case Finish():
                assert not self.live, f"finished with {self.live} alive"
                self.finished = order

    def begin(self, name, incarnation):
        assert name not in self.live, f"two live incarnations of {name}"
        assert name not in self.abandoned, f"{name} started beside the process that would not die"
        assert incarnation > self.last.get(name, 0), f"incarnation {incarnation} of {name} is not new"
        self.live[name] = self.last[name] = incarnation
        delay = self.rng.random() * 0.3
        match self.rng.choice(["fails", "ends", "ignores", "hangs", "up"]) if self.is_hostile(0.5) else "up":
            case "fails":
                self.later(delay, partial(self.down, name, incarnation, facts.ChildStartFailed))
            case "ends":
                self.later(delay, partial(self.exit, name, incarnation, self.rng.choice(REASONS)))
            case "ignores":
                self.later(delay, partial(self.down, name, incarnation, facts.ChildIgnored))
            case "hangs":
                self.later(delay + 1.0, partial(self.up, name, incarnation))
            case "up":
                self.later(delay, partial(self.up, name, incarnation))

    # Calls by hand, and nonsense.

    def meddle(self):
        rng, token = self.rng, f"call{len(self.log)}"
        known, teams = sorted(self.tree.children), sorted(self.tree.teams)
        kind, name = rng.choice(MEDDLING), rng.choice([*known, "nobody"])
        match kind:
            case facts.ChildExited:
                return self.feed(facts.ChildExited(name, self.last.get(name, 0) - 1, self.now, ExitReason.ERROR))
            case facts.Started:
                return self.feed(facts.Started(name, self.last.get(name, 0) - 1, self.now))
            case facts.ParkAgent:
                return self.feed(facts.ParkAgent(self.now, name))
            case facts.StartChild:
                spec = self.forest.supervisor(1) if rng.random() < 0.3 else self.forest.agent()
                if rng.random() < 0.2:  # one that is or was there, again
                    spec = rng.choice(self.specs).model_copy(deep=True)
                if isinstance(spec, AgentSpec) and rng.random() < 0.3:
                    spec = spec.model_copy(update={"id": name})
                fact = facts.StartChild(self.now, token, rng.choice([*teams, "nobody"]), spec)
            case _:
                fact = kind(self.now, token, name)
        self.open_calls[token] = fact
        return self.feed(fact)


@pytest.fixture
def world():
    return World


@pytest.fixture
def wall(monkeypatch):
    """The wall clock of the world, in all modules of the runtime."""
    here = clock()
    for name, module in list(sys.modules.items()):
        if name.startswith("scr.runtime."):
            if getattr(module, "time", None) is time:
                monkeypatch.setattr(module, "time", here)
            elif getattr(module, "time", None) is time.time:
                monkeypatch.setattr(module, "time", here.time)
    return here
