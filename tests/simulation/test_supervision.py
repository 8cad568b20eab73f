"""Supervision keeps its promises in random histories; `SCR_HISTORIES` says how many (3000).

The promises are judged from what the world saw, wherever it can see it: who
was alive, who went down unasked, how often a restart was granted.
"""

import os
import re
from collections import Counter, defaultdict

import pytest

from scr.messages import ExitReason
from scr.specs import AgentSpec, Restart, Strategy
from scr.supervise import facts
from scr.supervise.orders import CallDone, Fate, Finish, GaveUp, Gone, Reply, StartProcess, StopProcess, Unkillable
from scr.supervise.queries import in_start_order
from scr.supervise.tree import Cause, ChildPhase, Goal

HISTORIES = int(os.environ.get("SCR_HISTORIES", "3000"))
ENDINGS = {"settled", "the end", "gave_up", "start_failed", "auto_shutdown"}


class Witness:
    """Looks on at every decision, and raises AssertionError at the first broken promise."""

    def __init__(self, world):
        self.world = world
        self.told = {}  # agents that are down to stay -> what was told of that
        self.specs = {}  # id -> the last specification of it that was in the tree
        self.excused = set()  # permanent agents that have a reason to be down for good
        self.fallen = defaultdict(set)  # supervisor -> children that went down unasked since all was quiet
        self.hit = defaultdict(dict)  # supervisor -> incarnations that a group's restart must replace
        self.mixed = set()  # supervisors whose count holds restarts of supervisors too
        self.granted = defaultdict(list)  # supervisor -> times of its agents' automatic restarts

    @property
    def tree(self):
        return self.world.tree

    # What every decision does.

    def decided(self, before, fact, orders):
        ended = {order.id for order in orders if isinstance(order, Unkillable)}
        if isinstance(fact, facts.ChildExited | facts.ChildStartFailed | facts.ChildIgnored):
            ended |= {fact.id} if self.was_current(before, fact) else set()
            self.excused |= {fact.id} if isinstance(fact, facts.ChildIgnored) else set()
        for name in before.teams:
            if self.went_down(before, name):
                self.granted.pop(name, None)
                self.hit.pop(name, None)
                self.mixed.discard(name)
        for name in (*ended, *before.teams):
            old = before.children[name]
            was_its_own = old.parent and old.alive and not old.asked and old.goal is Goal.RUN
            if was_its_own and (name in ended or self.went_down(before, name) or self.is_going_down(name)):
                self.fallen[old.parent].add(name)
        for name in ended - before.teams.keys():
            self.grant(before, before.children[name], fact)

    def was_current(self, before, fact):
        child = before.children.get(fact.id)
        return child and child.alive and child.incarnation == fact.incarnation and fact.id not in before.teams

    def went_down(self, before, name):
        """Whether a supervisor, or one above it, went down in this decision, and perhaps up again."""
        old, new = before.children[name], self.tree.children.get(name)
        was_stopping = old.phase is ChildPhase.STOPPING and new and new.phase is not ChildPhase.STOPPING
        was_up = new and old.up_since not in {None, new.up_since}
        is_called_up = new and old.phase is new.phase is ChildPhase.STARTING and None is not old.call is not new.call
        is_new = not new or not new.alive or was_stopping or was_up or is_called_up or new.failures != old.failures
        return is_new or (old.parent is not None and self.went_down(before, old.parent))

    def is_going_down(self, name):
        return self.tree.children[name].phase is ChildPhase.STOPPING

    def grant(self, before, old, fact):
        """An agent has ended: was it granted a restart that was not asked for?"""
        reason, is_explained = (
            getattr(fact, "reason", None),
            getattr(fact, "explained", False) and old.phase is ChildPhase.UP,
        )
        name, new = old.parent, self.tree.children.get(old.id)
        is_overruled = old.id in self.tree.stuck and isinstance(
            old.call, facts.RecycleChild
        )  # by a call that waited for it
        is_granted = new and new.cause is Cause.RESTART and (new.goal is Goal.RUN or is_overruled)
        is_wanted = old.goal is Goal.RUN and is_granted
        if not is_wanted or self.went_down(before, name):
            return
        on_purpose = old.phase is ChildPhase.UP and reason in {ExitReason.NORMAL, ExitReason.SHUTDOWN}
        never = {Restart.TEMPORARY, Restart.TRANSIENT} if on_purpose else {Restart.TEMPORARY}
        assert old.spec.restart not in never, f"{old.id} came back"
        if not old.spec.park and not is_explained:
            self.granted[name].append(self.world.now)
        names = before.teams[name].children
        group = {
            Strategy.ONE_FOR_ONE: (),
            Strategy.REST_FOR_ONE: names[names.index(old.id) + 1 :],
            Strategy.ONE_FOR_ALL: names,
        }[before.teams[name].spec.strategy]
        self.hit[name].update({other: self.world.live[other] for other in group if other in self.world.live})

    # What every order keeps.

    def ordered(self, order):
        match order:
            case StartProcess(name):
                self.told.pop(name, None)
                self.excused.discard(name)
                self.check_start(name)
            case StopProcess(name):
                self.check_stop(name)
            case Gone(name, fate=fate):
                assert name not in self.world.live, f"{name} is told gone and lives"
                assert self.told.get(name) not in {fate, Fate.ENDED}, f"{name} is told {fate} after {self.told[name]}"
                self.told[name] = fate
            case Reply(call, outcome):
                assert call in self.world.open_calls, f"{call} is answered twice"
                self.excuse(self.world.open_calls[call], outcome)
            case GaveUp(_, causes):
                assert len(causes) >= 2, "gave up without a cause"
            case Finish():
                assert self.world.finished is None, "finished twice"

    def excuse(self, call, outcome):
        match call:
            case facts.RestartChild(id=name) | facts.RecycleChild(id=name) if not isinstance(outcome, CallDone):
                self.excused.add(name)
            case facts.TerminateChild(id=name) if isinstance(outcome, CallDone):
                self.excused.update(self.below(name))

    def check_start(self, name):
        parent, names, team = self.siblings(name)
        if team.spec.dynamic:
            return
        assert not team.closing, f"{name} started below what is going down"
        stopping = [other for other in names if other != name and other in self.world.asked]
        assert not stopping, f"{name} started while {stopping} stop under {parent}"
        for child in map(self.tree.children.__getitem__, names[: names.index(name)]):
            is_pausing = child.id in self.tree.due and team.spec.strategy is Strategy.ONE_FOR_ONE
            is_held_up = is_pausing or child.id in self.tree.stuck
            assert child.alive or is_held_up or child.goal is Goal.STOP, f"{name} started before {child.id}"

    def check_stop(self, name):
        _, names, team = self.siblings(name)
        if not team.spec.dynamic and team.closing and not self.world.killing_all:
            later = [below for other in names[names.index(name) + 1 :] for below in self.below(other)]
            assert not self.world.live.keys() & set(later), f"{name} stopped before those after it"
        assert any(map(self.is_reason, self.up_from(name))), f"{name} was stopped and is innocent"

    def is_reason(self, name):
        """Whether something at this height explains that all from here down goes down."""
        parent, names, team = self.siblings(name)
        if (
            team.closing
            or self.tree.children[name].parking
            or any(
                isinstance(call, facts.TerminateChild | facts.RecycleChild) and call.id == name
                for call in self.world.open_calls.values()
            )
        ):
            return True
        match team.spec.strategy:
            case Strategy.ONE_FOR_ONE:
                return False
            case Strategy.ONE_FOR_ALL:
                return bool(self.fallen[parent])
            case Strategy.REST_FOR_ONE:
                deleted = self.fallen[parent].difference(names)  # their places are not known any more
                return bool(deleted) or any(names.index(other) < names.index(name) for other in self.fallen[parent])

    def siblings(self, name):
        parent = self.tree.children[name].parent
        return parent, self.tree.teams[parent].children, self.tree.teams[parent]

    def below(self, name):
        yield name
        for child in self.tree.teams[name].children if name in self.tree.teams else ():
            yield from self.below(child)

    def up_from(self, name):
        while (parent := self.tree.children[name].parent) is not None:
            yield name
            name = parent

    # What is true between decisions.

    def obeyed(self):
        known = {child.id: child.spec for child in in_start_order(self.tree)}
        assert known.keys() == self.tree.children.keys(), (
            f"children of no supervisor: {self.tree.children.keys() - known}"
        )
        for name, spec in known.items():
            if self.specs.get(name, spec) is not spec:  # added again
                self.told.pop(name, None)
        self.specs |= known
        for name, team in self.tree.teams.items():
            children = [self.tree.children[child] for child in team.children]
            self.check_limit(name, team)
            if all(child.phase is ChildPhase.UP or (not child.alive and child.goal is Goal.STOP) for child in children):
                self.fallen[name].clear()
                outlived = {child for child, n in self.hit.pop(name, {}).items() if self.world.live.get(child) == n}
                assert not outlived, f"{outlived} outlived the restart of their group under {name}"
            if not team.spec.dynamic and not self.world.killing_all:
                assert sum(child.asked for child in children) <= 1, f"{name} stops several at once"
                assert sum(child.phase is ChildPhase.STARTING for child in children) <= 1, (
                    f"{name} starts several at once"
                )

    def check_limit(self, name, team):
        counted = [at for at in team.stamps if self.world.now - at <= team.spec.within_s]
        granted = [at for at in self.granted[name] if self.world.now - at <= team.spec.within_s]
        assert len(counted) <= team.spec.max_restarts, f"{name} has more restarts than it may"
        if self.tree.teams.keys() & set(team.children):
            self.mixed.add(name)
        if self.tree.children[name].alive and not team.closing and name not in self.mixed:
            assert granted == counted, f"{name} counted {counted} and granted {granted}"

    def settled(self):
        """Nothing will happen any more: all that is wanted is there, and everybody has been answered."""
        assert not self.world.open_calls, f"never answered: {self.world.open_calls}"
        if self.world.finished:
            assert self.told.keys() >= self.world.last.keys(), "the end of an agent was never told"
            return
        for child in self.tree.children.values():
            is_up = child.phase is ChildPhase.UP
            is_below_up = not child.parent or self.tree.children[child.parent].phase is ChildPhase.UP
            assert is_up or not is_below_up or child.goal is Goal.STOP, f"{child.id} is wanted and {child.phase}"
            assert is_up or not is_below_up or not self.must_be_up(child), f"{child.id} is permanent and {child.phase}"
            assert child.call is None, f"{child.id} has an open call"
            if isinstance(child.spec, AgentSpec):
                assert (child.id in self.world.live) == is_up, f"{child.id} is {child.phase}"
                assert (child.id in self.told) != is_up, f"{child.id} is {child.phase}, wrongly told"
            team = self.tree.teams.get(child.parent)
            is_staying = is_up or child.phase is ChildPhase.PARKED
            assert is_staying or not (team and team.spec.dynamic), f"{child.id} was kept"
            assert is_staying or not is_below_up or child.spec.restart is not Restart.TEMPORARY, f"{child.id} was kept"

    def must_be_up(self, child):
        is_permanent = isinstance(child.spec, AgentSpec) and child.spec.restart is Restart.PERMANENT
        return is_permanent and child.phase is not ChildPhase.PARKED and child.id not in self.excused


def brief(event):
    """A fact or an order in one line: specifications by their ids."""
    return re.sub(r"(Agent|Supervisor)Spec\(id='(\w+)'.*", r"\2 …)", str(event))


@pytest.mark.timeout(max(60, HISTORIES // 50))
def test_supervision_keeps_its_promises_in_a_hostile_world(world):
    endings = Counter()
    for seed in range(HISTORIES):
        history = world(seed, Witness)
        try:
            endings[history.run()] += 1
        except Exception as error:
            lines = (f"{at:8} {brief(fact)} -> {', '.join(map(brief, orders))}" for at, fact, orders in history.log)
            story = "\n".join([*lines][-15:])
            raise AssertionError(f"history {seed}: {error!r}\n{story}") from error
    assert endings.keys() >= ENDINGS, endings
