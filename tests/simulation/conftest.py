"""A hostile world in virtual time, and the promises that supervision keeps in it.

Everything is drawn from one seed: the tree, who crashes when, who never
answers, who will not die, what is asked for by hand.  The promises are checked
at every fact and order, from what the world itself saw wherever it can see it.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from functools import partial
from random import Random

import pytest

from scr.messages import ExitReason
from scr.specs import AgentSpec, AutoShutdown, Backoff, Code, Restart, Strategy, SupervisorSpec
from scr.supervise import facts
from scr.supervise.orders import Done, Finish, GaveUp, Gone, Kill, Reply, Start, Stop, Unkillable
from scr.supervise.policy import decide
from scr.supervise.reads import deadline
from scr.supervise.tree import Goal, Phase, Tree

CODE = Code(reference="house.agents:Worker")
REASONS = [ExitReason.NORMAL, ExitReason.SHUTDOWN, ExitReason.ERROR, ExitReason.ERROR, ExitReason.KILLED]
STEPS_MAX = 20_000


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
    """One history: `run` lives through it and raises AssertionError at the first broken promise."""

    def __init__(self, seed):
        self.rng = rng = Random(seed)
        self.forest = Forest(rng)
        self.tree = Tree.of(self.forest.supervisor(2, name="root"))
        self.now, self.sequence, self.queue, self.log = 0.0, 0, [], []
        self.live, self.last, self.asked = {}, {}, {}
        self.abandoned, self.told, self.started_once = {}, set(), set()
        self.unsettled = defaultdict(set)  # supervisor -> children seen going down unasked since it last was quiet
        self.counted = defaultdict(list)  # supervisor -> times of restarts that the world saw granted
        self.excused = set()  # agents that have a reason to be down for good
        self.open_calls, self.finished, self.killing_all = {}, None, False
        self.hostility = rng.choice([0.0, 0.05, 0.3, 0.7])
        self.calm_at, self.end_at = rng.uniform(1, 12), (20.0 if rng.random() < 0.6 else None)

    # Time.

    def later(self, delay, act):
        self.sequence += 1
        heapq.heappush(self.queue, (self.now + delay, self.sequence, act))

    def run(self):
        for _ in range(self.rng.randint(0, 8)):
            self.later(self.rng.uniform(0, self.calm_at), self.meddle)
        if self.end_at:
            self.later(self.end_at, self.end)
        self.feed(facts.Tick(0.0))
        for _ in range(STEPS_MAX):
            due = deadline(self.tree)
            if self.queue and (due is None or self.queue[0][0] <= due):
                self.now, _, act = heapq.heappop(self.queue)
                act()
            elif due is not None:
                self.now = max(self.now, due)
                self.feed(facts.Tick(self.now))
                after = deadline(self.tree)
                assert after is None or after > self.now, f"the deadline {due} leads nowhere"
            else:
                return self.check_settled()
        raise AssertionError("it did not settle")

    def is_hostile(self, share=1.0):
        return self.now < self.calm_at and self.rng.random() < self.hostility * share

    def end(self):
        within_s = self.rng.choice([None, None, 0.0, 1.0])
        self.feed(facts.Shutdown(self.now, "the end", within_s))
        self.killing_all = self.killing_all or within_s is not None

    # Facts.

    def feed(self, fact):
        before = self.tree
        self.tree, orders = decide(before, fact)
        self.note(before, fact)
        if self.rng.random() < 0.02:
            again, same = decide(before, fact)
            assert (again, same) == (self.tree, orders), "the same fact was decided in two ways"
        self.log.append((round(self.now, 3), fact, orders))
        if not isinstance(fact, facts.Tick | facts.Shutdown | facts.StartChild):
            self.count(before, fact)
        for order in orders:
            self.obey(order)
        self.check_limits()
        self.check_one_at_a_time()

    def note(self, before, fact):
        """Who has gone down without being asked, which makes its siblings fair game."""
        told = fact.id if isinstance(fact, facts.Exited | facts.StartFailed | facts.Ignored) else None
        for name in (told, *before.teams):
            old, new = before.children.get(name), self.tree.children.get(name)
            if old and old.parent and old.alive and not old.asked and old.goal is Goal.RUN:
                is_same = new and new.phase in {old.phase, Phase.UP} and new.failures == old.failures
                if name == told or not is_same:
                    self.unsettled[old.parent].add(name)

    def count(self, before, fact):
        """After it: whether a restart was granted that nobody had asked for."""
        old, new = before.children.get(getattr(fact, "id", "")), self.tree.children.get(getattr(fact, "id", ""))
        if not isinstance(fact, facts.Exited | facts.StartFailed) or not old or not new or old.spec.park:
            return
        was_its_own = old.alive and old.goal is Goal.RUN and old.incarnation == fact.incarnation
        if was_its_own and new.goal is Goal.RUN and new.cause == "restart" and not self.rebooted(before, old.parent):
            self.counted[old.parent].append(self.now)

    def rebooted(self, before, name):
        while name:
            if before.children[name].phase is Phase.STOPPING or before.children[name].goal is not Goal.RUN:
                return True
            if self.tree.children[name].failures != before.children[name].failures:
                return True
            name = before.children[name].parent
        return False

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
        self.down(name, incarnation, lambda n, i, at: facts.Exited(n, i, at, reason))

    def up(self, name, incarnation):
        if self.live.get(name) != incarnation:
            return self.feed(facts.Started(name, incarnation, self.now))  # too late, and said all the same
        self.feed(facts.Started(name, incarnation, self.now))
        if self.is_hostile():
            self.later(self.rng.random() * 3, partial(self.exit, name, incarnation, self.rng.choice(REASONS)))
        return None

    # Orders.

    def obey(self, order):
        assert self.finished is None or isinstance(order, Reply), f"{order} after the finish"
        match order:
            case Start(name, incarnation, _):
                self.begin(name, incarnation)
            case Stop(name, incarnation):
                assert self.live.get(name) == incarnation, f"{order} of what is not there"
                self.check_stop(name)
                self.asked[name] = incarnation
                is_patient = self.tree.children[name].spec.shutdown_s == "infinity"
                if is_patient or self.rng.random() < 0.8:
                    reason = self.rng.choice(REASONS) if self.rng.random() < 0.2 else ExitReason.SHUTDOWN
                    self.later(self.rng.random() * 3, partial(self.exit, name, incarnation, reason))
            case Kill(name, incarnation):
                assert self.live.get(name) == incarnation, f"{order} of what is not there"
                delay = self.rng.uniform(4, 30) if self.is_hostile(0.2) else 0.01
                self.later(delay, partial(self.exit, name, incarnation, ExitReason.KILLED))
            case Unkillable(name, incarnation):
                assert self.live.pop(name) == incarnation
                self.abandoned[name] = incarnation
                self.asked.pop(name, None)
            case Gone(name):
                assert name not in self.live, f"{name} is told gone and lives"
                assert name not in self.told, f"{name} is told gone twice"
                self.told.add(name)
            case Reply(call, outcome):
                kind, target = self.open_calls.pop(call)
                if kind is facts.RestartChild and not isinstance(outcome, Done):
                    self.excused.add(target)
                if kind is facts.TerminateChild and isinstance(outcome, Done):
                    self.excused.update(self.below(target))
            case Finish():
                assert not self.live, f"finished with {self.live} alive"
                assert self.finished is None, "finished twice"
                self.finished = order
            case GaveUp(_, causes):
                assert len(causes) >= 2, "gave up without a cause"

    def begin(self, name, incarnation):
        assert name not in self.live, f"two live incarnations of {name}"
        assert name not in self.abandoned, f"{name} started beside the process that would not die"
        assert incarnation > self.last.get(name, 0), f"incarnation {incarnation} of {name} is not new"
        self.check_start(name)
        self.live[name] = self.last[name] = incarnation
        self.told.discard(name)
        self.excused.discard(name)
        delay = self.rng.random() * 0.3
        match self.rng.choice(["fails", "ends", "ignores", "hangs", "up"]) if self.is_hostile(0.5) else "up":
            case "fails":
                self.later(delay, partial(self.down, name, incarnation, facts.StartFailed))
            case "ends":
                self.later(delay, partial(self.exit, name, incarnation, self.rng.choice(REASONS)))
            case "ignores":
                self.excused.add(name)
                self.later(delay, partial(self.down, name, incarnation, facts.Ignored))
            case "up":
                self.later(delay, partial(self.up, name, incarnation))

    # Calls by hand, and nonsense.

    def meddle(self):
        rng, token = self.rng, f"call{len(self.log)}"
        known, teams = sorted(self.tree.children), sorted(self.tree.teams)
        kind = rng.choice([facts.StartChild, facts.StartChild, facts.TerminateChild, facts.RestartChild,
                           facts.DeleteChild, facts.Exited, facts.Started])  # fmt: skip
        name = rng.choice([*known, "nobody"])
        match kind:
            case facts.Exited | facts.Started:
                stale = self.last.get(name, 0) - 1
                return self.feed(kind(name, stale, self.now, *([ExitReason.ERROR] if kind is facts.Exited else [])))
            case facts.StartChild:
                spec = self.forest.supervisor(1) if rng.random() < 0.3 else self.forest.agent()
                if isinstance(spec, AgentSpec) and rng.random() < 0.3:
                    spec = spec.model_copy(update={"id": name})
                fact = kind(self.now, token, rng.choice([*teams, "nobody"]), spec)
                name = spec.id
            case _:
                fact = kind(self.now, token, name)
        self.open_calls[token] = (kind, name)
        return self.feed(fact)

    def below(self, name):
        yield name
        for child in self.tree.teams[name].children if name in self.tree.teams else ():
            yield from self.below(child)

    # Promises.

    def siblings(self, name):
        parent = self.tree.children[name].parent
        return parent, self.tree.teams[parent].children

    def is_alive(self, name):
        return any(below in self.live for below in self.below(name))

    def check_start(self, name):
        parent, names = self.siblings(name)
        spec = self.tree.teams[parent].spec
        if spec.dynamic:
            return
        is_independent = spec.strategy is Strategy.ONE_FOR_ONE
        for other in names:
            assert other == name or other not in self.asked, f"{name} started over a stop"
        assert not self.tree.teams[parent].closing, f"{name} started below what is going down"
        for other in names[: names.index(name)]:
            child = self.tree.children[other]
            is_held_up = other in self.tree.stuck or (is_independent and other in self.tree.due)
            assert child.alive or is_held_up or child.goal is Goal.STOP, f"{name} started before {other}"

    def check_stop(self, name):
        parent, names = self.siblings(name)
        team = self.tree.teams[parent]
        if not team.spec.dynamic and team.closing and not self.killing_all:
            later = names[names.index(name) + 1 :]
            assert not any(map(self.is_alive, later)), f"{name} stopped before {later}"
        assert any(self.is_reason(below) for below in self.above(name)), f"{name} was stopped and is innocent"

    def above(self, name):
        while (parent := self.tree.children[name].parent) is not None:
            yield name
            name = parent

    def is_reason(self, name):
        """Whether something at this height explains that all from here down goes down."""
        parent, names = self.siblings(name)
        team = self.tree.teams[parent]
        guilty = [names.index(other) for other in self.unsettled[parent] if other in names]
        match team.spec.strategy:
            case _ if team.closing or (facts.TerminateChild, name) in self.open_calls.values():
                return True
            case Strategy.ONE_FOR_ALL:
                return bool(self.unsettled[parent])
            case Strategy.REST_FOR_ONE:
                return any(index < names.index(name) for index in guilty)
        return False

    def check_limits(self):
        for name, team in self.tree.teams.items():
            recent = [at for at in team.stamps if self.now - at <= team.spec.within_s]
            assert len(recent) <= team.spec.max_restarts, f"{name} has more restarts than it may"
            if not team.stamps:
                self.counted[name].clear()
            seen = [at for at in self.counted[name] if self.now - at <= team.spec.within_s]
            assert len(seen) <= team.spec.max_restarts or team.closing, f"{name} granted {len(seen)} restarts"

    def check_one_at_a_time(self):
        for name, team in self.tree.teams.items():
            children = [self.tree.children[child] for child in team.children]
            if all(child.phase is Phase.UP or (not child.alive and child.goal is Goal.STOP) for child in children):
                self.unsettled[name].clear()
            if not team.spec.dynamic and not self.killing_all:
                assert sum(child.asked for child in children) <= 1, f"{name} stops several at once"
                assert sum(child.phase is Phase.STARTING for child in children) <= 1, f"{name} starts several at once"

    def check_settled(self):
        """Nothing will happen any more: all that is wanted must be there, and everybody must have been answered."""
        assert not self.open_calls, f"never answered: {self.open_calls}"
        if self.finished:
            untold = [name for name in self.last if name not in self.told]
            assert not untold, f"never told gone: {untold}"
            return self.finished.reason
        for child in self.tree.children.values():
            name = child.id
            if child.goal is Goal.RUN and (not child.parent or self.tree.children[child.parent].phase is Phase.UP):
                assert child.phase is Phase.UP, f"{name} is wanted and {child.phase}"
            if isinstance(child.spec, AgentSpec):
                assert (name in self.live) == (child.phase is Phase.UP), f"{name} is {child.phase}"
                assert (name in self.told) == (child.phase is not Phase.UP), f"{name} is {child.phase}, wrongly told"
                self.check_permanent(child)
        return "settled"

    def check_permanent(self, child):
        is_free = self.tree.children[child.parent].phase is Phase.UP and child.id not in self.excused
        if is_free and child.spec.restart is Restart.PERMANENT and child.phase is not Phase.PARKED:
            assert child.phase is Phase.UP, f"{child.id} is permanent and {child.phase}"


@pytest.fixture
def world():
    return World
