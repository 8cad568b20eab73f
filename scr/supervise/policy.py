"""What to start, stop, kill and answer next: the whole mind of supervision.

Pure: no clock, no process, no I/O.  `decide` is `plan(absorb(state, fact))`.
*Absorb* records what happened and what it makes us want; *plan* takes the
steps that lead from what is to what is wanted.  Strategies are only the set of
children that is hit; stopping in reverse order, starting in order, giving up
and going down in the middle of a restart follow from the steps.
"""

from __future__ import annotations

from scr.messages import ExitReason
from scr.specs import AgentSpec, Strategy
from scr.supervise.calls import take_call
from scr.supervise.decision import Draft
from scr.supervise.facts import (
    ChildExited,
    ChildIgnored,
    ChildStartFailed,
    EndTree,
    Fact,
    ParkAgent,
    Report,
    Started,
    TimePassed,
)
from scr.supervise.orders import Order
from scr.supervise.restarts import close, settle, went_down
from scr.supervise.steps import (
    came_up,
    can_start,
    chose_not_to_start,
    expire,
    kill_all,
    must_start,
    must_stop,
    start,
    stop,
)
from scr.supervise.tree import ALIVE, Cause, Child, ChildPhase, Closing, End, Goal, SupervisorState, Tree


def decide(tree: Tree, fact: Fact) -> tuple[Tree, tuple[Order, ...]]:
    """Take in one fact; the next state, and what the shell must do now, in this order."""
    draft = Draft(tree, fact.at)
    absorb(draft, fact)
    plan(draft)
    return draft.seal()


def absorb(draft: Draft, fact: Fact) -> None:
    """Record a fact and what it makes us want."""
    match fact:
        case TimePassed():
            tick(draft)
        case EndTree():
            shut_down(draft, fact)
        case ParkAgent():
            park(draft, fact)
        case Started() | ChildIgnored() | ChildStartFailed() | ChildExited():
            if child := subject(draft, fact):
                hear(draft, child, fact)
        case _:
            take_call(draft, fact)


def subject(draft: Draft, fact: Report) -> Child | None:
    """The agent that a report is about, unless the report is stale."""
    if draft.stuck.get(fact.id) == fact.incarnation and not isinstance(fact, Started):
        draft.stuck = {name: n for name, n in draft.stuck.items() if name != fact.id}
        if released := draft.children.get(fact.id):
            draft.touch(released)
        return None
    child = draft.children.get(fact.id)
    is_current = child and isinstance(child.spec, AgentSpec) and child.alive and child.incarnation == fact.incarnation
    return child if is_current else None


def hear(draft: Draft, child: Child, fact: Report) -> None:
    """A process has come up or has gone."""
    is_starting = child.phase is ChildPhase.STARTING
    match fact:
        case Started():
            if is_starting and not child.killed:
                came_up(draft, child)
        case ChildIgnored() if child.goal is Goal.RUN:
            chose_not_to_start(draft, child)
        case ChildIgnored():
            went_down(draft, child, End(ExitReason.NORMAL, "it chose not to start"), failed=False)
        case ChildStartFailed():
            went_down(draft, child, End(ExitReason.START_FAILED, fact.detail), failed=is_starting)
        case ChildExited() if is_starting and child.goal is Goal.RUN:
            went_down(draft, child, End(ExitReason.START_FAILED, why_not_up(child, fact)), failed=True)
        case ChildExited():
            went_down(draft, child, End(fact.reason, fact.detail), failed=False, explained=fact.explained)


def why_not_up(child: Child, fact: ChildExited) -> str:
    """What to say of an agent that ended before it was ready."""
    if child.killed and isinstance(child.spec, AgentSpec):
        return f"it was not ready within {child.spec.start_timeout_s:g} s"
    return f"it ended before it was ready: {End(fact.reason, fact.detail)}"


def tick(draft: Draft) -> None:
    """Look at everything whose time has come.  The first tick finds the root down and wanted, which is a start."""
    root = draft.root
    draft.touch(root)
    for name in [name for name, at in draft.due.items() if at <= draft.at]:
        if name == root.id:
            del draft.due[name]
            kill_all(draft)
        elif draft.due.get(name, draft.at + 1) <= draft.at:
            expire(draft, draft.children[name])


def shut_down(draft: Draft, fact: EndTree) -> None:
    """Want the root down.  The first reason stands; a shorter time replaces a longer one."""
    root = draft.root
    if draft.finished:
        return
    if fact.within_s is not None:
        until = fact.at + fact.within_s
        draft.due[root.id] = min(until, draft.due.get(root.id, until))
    root = draft.put(root.changed(goal=Goal.STOP))
    closing = Closing(fact.reason, End(ExitReason.SHUTDOWN, fact.reason))
    close(draft, root.id, closing)


def park(draft: Draft, fact: ParkAgent) -> None:
    """Want an agent down, and parked once it is.  One that is wanted down already is left as it is."""
    child = draft.children.get(fact.id)
    if child is None or not isinstance(child.spec, AgentSpec) or child.goal is Goal.STOP:
        return
    child = child.changed(parking=fact.detail or "too many of its messages failed", goal=Goal.STOP)
    if child.alive:
        draft.put(child)
    else:
        settle(draft, child.changed(end=End(ExitReason.ERROR, child.parking)), park=True)


def plan(draft: Draft) -> None:
    """Take steps until every supervisor has what it wants or waits for a fact.

    Calls whose turn has come go first, and agents are started last: what is to go need not be started.
    """
    while draft.inbox or draft.dirty or draft.startable:
        if draft.inbox:
            take_call(draft, draft.inbox.pop(0))
        elif draft.dirty:
            name = next(iter(draft.dirty))
            plan_team(draft, name, draft.dirty.pop(name))
        else:
            name = next(iter(draft.startable))
            plan_team(draft, name, draft.startable.pop(name), starts_agents=True)


def plan_team(draft: Draft, name: str | None, changed: dict[str, None], *, starts_agents: bool = False) -> None:
    """The next steps of one supervisor; above the root there is none, and the root is planned alone."""
    if name is None:
        plan_each(draft, changed, starts_agents=starts_agents)
    elif name in draft.teams and draft.children[name].alive:
        tell_above(draft, name)
        team = draft.teams.get(name)
        if draft.inbox:
            draft.dirty.setdefault(name, {}).update(changed)
        elif team and team.spec.dynamic:
            plan_each(draft, changed, starts_agents=starts_agents)
        elif team:
            plan_in_order(draft, team, starts_agents=starts_agents)


def plan_each(draft: Draft, changed: dict[str, None], *, starts_agents: bool) -> None:
    """Strangers to each other: all that must go goes at once, all that must come comes at once."""
    for name in changed:
        child = draft.children.get(name)
        if child and must_stop(child):
            stop(draft, child)
        elif child and must_start(child) and can_start(draft, child):
            start_in_turn(draft, child, starts_agents=starts_agents)


def plan_in_order(draft: Draft, team: SupervisorState, *, starts_agents: bool) -> None:
    """One at a time: stop the last that must go; when nothing must go, start the first that is wanted.

    A child that pauses holds up those after it where the strategy makes them
    depend on it; one whose old process cannot be killed holds up nobody.
    """
    run, up = Goal.RUN, ChildPhase.UP
    children = map(draft.children.__getitem__, team.children)
    unsettled = [child for child in children if child.goal is not run or child.phase is not up]
    stopping = [child for child in unsettled if child.asked]
    doomed = [child for child in unsettled if child.goal is not run and child.phase in ALIVE]
    if stopping:
        return
    if doomed:
        stop(draft, doomed[-1])
        return
    starting = [child for child in unsettled if child.phase in ALIVE and child.up_since is None]
    absent = None if starting else next((child for child in unsettled if is_next(draft, team, child)), None)
    if absent and can_start(draft, absent):
        start_in_turn(draft, absent, starts_agents=starts_agents)


def start_in_turn(draft: Draft, child: Child, *, starts_agents: bool) -> None:
    """Start a child; an agent only when every other step has been taken, until when its supervisor is planned again."""
    if starts_agents or not isinstance(child.spec, AgentSpec):
        start(draft, child)
    else:
        draft.startable.setdefault(child.parent, {})[child.id] = None


def is_next(draft: Draft, team: SupervisorState, child: Child) -> bool:
    """Whether a child is to be started before all after it, be it that they must wait with it until it can be."""
    waits_alone = team.spec.strategy is Strategy.ONE_FOR_ONE and child.id in draft.due
    return must_start(child) and child.id not in draft.stuck and not waits_alone


def tell_above(draft: Draft, name: str) -> None:
    """Whether a supervisor itself has come up or gone down with what changed below it."""
    child, team = draft.children[name], draft.teams[name]
    below = map(draft.children.__getitem__, reversed(team.children))  # the last to start is the last to be up
    if team.closing:
        if not any(other.alive for other in below):
            went_down(draft, child, team.closing.end, failed=team.closing.failed)
    elif child.phase is ChildPhase.STARTING and not any(is_booting(other) for other in below):
        came_up(draft, child)


def is_booting(child: Child) -> bool:
    """Whether its supervisor's start still waits for it."""
    return child.cause is Cause.BOOT and child.goal is not Goal.STOP and child.up_since is None
