"""A runtime that cannot renew its lease hands out nothing more, then ends its agents, and goes on when it can."""

import signal
from types import SimpleNamespace

import pytest

from scr.runtime.fence import Fence, Tenancy, look_in_s, tenancy
from scr.supervise.tree import ChildPhase, Goal

LEASE_S = 5.0


@pytest.mark.parametrize(
    ("unrenewed_s", "stands"),
    [(0.0, "held"), (3.9, "held"), (4.0, "ending"), (4.9, "ending"), (5.0, "over"), (3600.0, "over")],
)
def test_what_an_owner_may_do_follows_the_age_of_its_lease(unrenewed_s, stands):
    assert tenancy(unrenewed_s, LEASE_S) is Tenancy(stands)


@pytest.mark.parametrize(("unrenewed_s", "next_s"), [(0.0, 4.0), (3.0, 1.0), (3.99, 0.1), (9.0, 0.1)])
def test_the_next_look_is_when_the_fence_may_close_and_soon_after_that(unrenewed_s, next_s):
    assert look_in_s(unrenewed_s, LEASE_S) == pytest.approx(next_s)


class Stage:
    """What a fence acts on: each call is told by its name.  The loop is the test."""

    def __init__(self):
        self.said, self.age, self.looks = [], 0.0, []
        self.turns = self.of("shut", "reopen")
        self.turns.has_ended = False
        self.children = {
            name: SimpleNamespace(phase=phase, goal=Goal.RUN)
            for name, phase in (("up", ChildPhase.UP), ("starting", ChildPhase.STARTING), ("down", ChildPhase.DOWN))
        }
        live = SimpleNamespace(condemned=None, signal=lambda number: self.said.append(signal.Signals(number).name))
        supervisor = SimpleNamespace(
            tree=SimpleNamespace(children=self.children),
            live=lambda agent: None if agent == "down" else live,
            recycle_child=self.recycle,
        )
        loop = SimpleNamespace(call_later=lambda _, look: self.looks.append(look))
        store = SimpleNamespace(unrenewed_s=lambda: self.age)
        self.fence = Fence(loop, store, LEASE_S, self.turns, self.of("hold", "release"), supervisor)

    def recycle(self, agent, _):
        self.children[agent].phase = ChildPhase.STOPPING
        self.said.append(f"recycle {agent}")

    def of(self, *names):
        return SimpleNamespace(**{name: lambda name=name: self.said.append(name) for name in names})

    def after(self, age):
        """What it does at a lease of that age."""
        self.age, self.said[:] = age, []
        (self.looks.pop() if self.looks else self.fence.watch)()
        return self.said


def test_a_fence_closes_ends_the_agents_and_opens_again():
    stage = Stage()
    assert stage.after(0.1) == []
    assert stage.after(4.2) == ["shut"]
    assert stage.after(4.6) == []
    assert stage.after(5.1) == ["hold", "recycle up", "SIGKILL"]
    assert stage.after(6.0) == ["hold"]
    stage.children["starting"].phase = ChildPhase.UP
    assert stage.after(9.0) == ["hold", "recycle starting", "SIGKILL"], "it is up only now"
    assert stage.after(0.1) == ["release", "reopen"]


def test_a_lease_that_is_renewed_in_time_costs_no_process():
    stage = Stage()
    assert [list(stage.after(age)) for age in (4.2, 0.0)] == [["shut"], ["release", "reopen"]]


def test_a_runtime_that_ends_is_held_up_by_no_fence():
    stage = Stage()
    stage.after(6.0)
    stage.turns.has_ended = True
    assert stage.after(7.0) == ["release"]
    assert stage.looks == []
