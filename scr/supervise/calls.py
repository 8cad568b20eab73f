"""What may be asked of a supervisor by hand: start, terminate, restart, recycle, delete a child.

Every call gets exactly one reply.  Calls about one child take their turns:
while one is open, the next waits, so that none sees a state in between.
"""

from __future__ import annotations

from enum import StrEnum

from scr.errors import InvalidSpec
from scr.mail.suggestions import unknown
from scr.specs import AgentSpec, ChildSpec, SupervisorSpec, check, check_pair, walk
from scr.supervise.decision import Draft
from scr.supervise.facts import Call, DeleteChild, RecycleChild, RestartChild, StartChild, TerminateChild
from scr.supervise.orders import CallDone, Fate, Refusal
from scr.supervise.restarts import settle
from scr.supervise.tree import Cause, Child, ChildPhase, Goal, listed, plant


class ChildStanding(StrEnum):
    """A child's state in the words of refusals."""

    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPED = "stopped"


def standing(child: Child) -> ChildStanding:
    """Whether a child runs, is on its way to be restarted, or is down to stay."""
    match child.phase, child.goal:
        case ((ChildPhase.DOWN | ChildPhase.PARKED), Goal.STOP):
            return ChildStanding.STOPPED
        case ChildPhase.UP, Goal.RUN:
            return ChildStanding.RUNNING
        case ChildPhase.STARTING, Goal.RUN if child.cause is not Cause.RESTART:
            return ChildStanding.RUNNING
        case ChildPhase.STOPPING, Goal.RUN:
            return ChildStanding.RUNNING
        case _:
            return ChildStanding.RESTARTING


def take_call(draft: Draft, call: Call) -> None:
    """Carry out one call, or refuse it, or let it wait for its turn."""
    match call:
        case StartChild():
            supervisor, child = call.supervisor, draft.children.get(call.spec.id)
            if supervisor not in draft.teams:
                return draft.refuse(call, Refusal.NOT_FOUND, unknown("supervisor", supervisor, draft.teams))
        case _:
            child = draft.children.get(call.id)
            if child is None or child.parent is None:
                return draft.refuse(call, Refusal.NOT_FOUND, unknown("agent", call.id, draft.children))
            supervisor = child.parent
    if _is_unavailable(draft, call, supervisor):
        return None
    if child and child.parent == supervisor and _is_unsettled(child):
        draft.put(child.changed(queue=(*child.queue, call)))
        return None
    return _carry_out(draft, call, child)


def _carry_out(draft: Draft, call: Call, child: Child | None) -> None:
    match call:
        case StartChild() if child:
            code = Refusal.ALREADY_STARTED if standing(child) is ChildStanding.RUNNING else Refusal.ALREADY_PRESENT
            draft.refuse(call, code, _why_taken(draft, child))
        case StartChild():
            start_child(draft, call)
        case _ if child is None:
            raise AssertionError(call)
        case TerminateChild():
            terminate_child(draft, call, child)
        case RecycleChild():
            recycle(draft, call, child)
        case _ if standing(child) is not ChildStanding.STOPPED:
            draft.refuse(call, Refusal(standing(child)), f"{child.id!r} is {standing(child)}; terminate it first")
        case RestartChild():
            restart_child(draft, call, child)
        case DeleteChild():
            draft.bury(child, Fate.ENDED)
            draft.drop(child)
            draft.reply(call, CallDone(child.id))


def _why_taken(draft: Draft, child: Child) -> str:
    if child.id in draft.teams:
        return f"{child.id!r} is the name of a supervisor; choose another name for the agent"
    return f"{child.id!r} is {standing(child)} under {child.parent!r}"


def _is_unavailable(draft: Draft, call: Call, supervisor: str) -> bool:
    phase = draft.children[supervisor].phase
    if phase is ChildPhase.STOPPING or draft.finished:
        draft.refuse(call, Refusal.SHUTTING_DOWN, f"{supervisor!r} is going down")
    elif not draft.running(supervisor):
        draft.refuse(call, Refusal.NOT_FOUND, f"the supervisor {supervisor!r} is {phase}")
    elif _waits_for_itself(draft, call.caller, supervisor):
        draft.refuse(
            call,
            Refusal.DEADLOCK,
            f"{call.caller!r} is {draft.children[call.caller or ''].phase} under {supervisor!r}, which serves nobody"
            " else until that is over; call it from a handler",
        )
    else:
        return False
    return True


def _waits_for_itself(draft: Draft, caller: str | None, supervisor: str) -> bool:
    child = draft.children.get(caller) if caller else None
    if child is None or child.phase not in {ChildPhase.STARTING, ChildPhase.STOPPING}:
        return False
    while child and child.id != supervisor:
        child = draft.children.get(child.parent) if child.parent else None
    return child is not None


def _is_unsettled(child: Child) -> bool:
    return child.call is not None or (child.alive and child.goal is Goal.STOP)


def start_child(draft: Draft, call: StartChild) -> None:
    """Add a child and want it up."""
    supervisor = draft.teams[call.supervisor]
    try:
        spec = _fitting(supervisor.spec, call.spec)
    except InvalidSpec as error:
        return draft.refuse(call, Refusal.INVALID_SPEC, str(error))
    owners = {call.supervisor, *(below.id for below in walk(spec) if isinstance(below, SupervisorSpec))}
    for name in (below.id for below in walk(spec)):
        if name in draft.children or draft.reserved.get(name, call.supervisor) not in owners:
            return draft.refuse(call, Refusal.ALREADY_PRESENT, f"the id {name!r} belongs to another supervisor")
        if name in draft.stuck:
            return draft.refuse(call, Refusal.ALREADY_STARTED, f"the last process of {name!r} could not be killed")
    most = supervisor.spec.max_children
    if most is not None and len(supervisor.children) >= most:
        return draft.refuse(
            call, Refusal.MAX_CHILDREN, f"{call.supervisor!r} has {most} children and may not have more"
        )
    plant(draft.children, draft.teams, spec, parent=call.supervisor, past=draft.past)
    draft.put_team(supervisor._replace(children=(*supervisor.children, spec.id)))
    draft.put(draft.children[spec.id].changed(added=True, cause=Cause.CALL, call=call))
    draft.reserved = {**draft.reserved, **listed(spec)}
    return None


def _fitting(supervisor: SupervisorSpec, spec: ChildSpec) -> ChildSpec:
    """The specification as a child of this supervisor has it.  Raises InvalidSpec."""
    if supervisor.extra_options and isinstance(spec, AgentSpec):
        spec = spec.model_copy(update={"options": {**supervisor.extra_options, **spec.options}})
    check(spec)
    check_pair(supervisor, spec)
    return spec


def terminate_child(draft: Draft, call: TerminateChild, child: Child) -> None:
    """Take a child down to stay; answered once it is."""
    child = child.changed(call=call, goal=Goal.STOP)
    if child.alive:
        draft.put(child)
    else:
        settle(draft, child)


def recycle(draft: Draft, call: RecycleChild, child: Child) -> None:
    """Want a fresh process of a child: one that is on its way is fresh, and has paused long enough.

    Not when it is to be as another specification says: it knows the old one.
    """
    if call.spec:
        try:
            child = child.changed(spec=_fitting(draft.teams[child.parent or ""].spec, call.spec))
        except InvalidSpec as error:
            draft.refuse(call, Refusal.INVALID_SPEC, str(error))
            return
    match child.phase, child.goal:
        case _ if child.id in draft.stuck:
            draft.refuse(call, Refusal.RUNNING, f"the last process of {child.id!r} could not be killed")
        case _, Goal.STOP:
            restart_child(draft, call, child)
        case ChildPhase.UP | ChildPhase.STARTING, Goal.RUN if call.spec or child.phase is ChildPhase.UP:
            draft.put(child.changed(goal=Goal.BOUNCE, call=call))
        case ChildPhase.RESTARTING, _:
            draft.due.pop(child.id, None)
            draft.put(child.changed(call=call))
        case _:
            draft.put(child.changed(call=call))


def restart_child(draft: Draft, call: RestartChild | RecycleChild, child: Child) -> None:
    """Want a child that is down up again, with a clean record."""
    if child.id in draft.stuck:
        draft.refuse(call, Refusal.RUNNING, f"the last process of {child.id!r} could not be killed")
        return
    fresh = child.changed(phase=ChildPhase.DOWN, goal=Goal.RUN, cause=Cause.CALL, call=call)
    draft.put(fresh.changed(failures=0, stamps=(), parking=""))
